"""The link that one shows to somebody who stands beside: whoever comes by it is a contact at once."""

import secrets
from functools import lru_cache

import segno
from markupsafe import Markup

from app.accounts.views import Me
from app.core import database, text
from app.core.errors import NotFound
from app.core.i18n import _
from app.core.settings import Settings
from app.people import access, contacts
from app.people.access import visible
from app.people.queries import CARD
from app.people.views import ContactView, InvitationView, InvitedView, PersonCard


async def mine(settings: Settings, me: Me) -> InvitationView:
    """My link, which is made when it is first wanted."""
    code = await database.fetch_value(
        "UPDATE person SET contact_code = coalesce(contact_code, $2) WHERE id = $1 RETURNING contact_code",
        me.id,
        _new_code(),
    )
    return _view(settings, code)


async def renew(settings: Settings, me: Me) -> InvitationView:
    """A new link; the old one leads nowhere from now on."""
    code = _new_code()
    await database.fetch("UPDATE person SET contact_code = $2 WHERE id = $1", me.id, code)
    return _view(settings, code)


async def invited(me: Me, code: str) -> InvitedView:
    """Whose link it is; raises NotFound."""
    person = await _whose(me, code)
    return InvitedView(person, await contacts.between(me, person.id))


async def take(me: Me, code: str) -> ContactView:
    """Makes the two contacts who have met, whatever was asked or declined before. Raises NotFound."""
    person = await _whose(me, code)
    async with database.transaction():
        await access.hold(me.id, person.id)
        await _whose(me, code)  # at this very moment: it may have been renewed, or one may have blocked the other
        number = await database.fetch_value(
            """
            INSERT INTO contact AS c (asker, asked, accepted_at, verified) VALUES ($1, $2, now(), true)
            ON CONFLICT (least(asker, asked), greatest(asker, asked)) DO UPDATE SET
                accepted_at = coalesce(c.accepted_at, now()), verified = true, declined_at = NULL, hidden = false
            RETURNING id
            """,
            me.id,
            person.id,
        )
        return await contacts.contact(me, number)


@lru_cache(maxsize=200)
def qr_code(url: str) -> Markup:
    """The link as a QR code, in SVG: always dark on white and with its margin, for cameras read nothing else."""
    code = segno.make(url, error="m", micro=False)
    return Markup(code.svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None, dark="#000", light="#fff"))


async def _whose(me: Me, code: str) -> PersonCard:
    row = await database.fetch_row(
        f"SELECT {CARD} FROM person p WHERE p.contact_code = $1 AND {visible('$2')}",
        code if text.storable(code) else "",
        me.id,
    )
    if row is None:
        raise NotFound(
            _("This invitation is not valid: it is wrong, or there is a newer one. Please ask for it again.")
        )
    if row["id"] == me.id:
        raise NotFound(_("This is your own invitation. Show it to someone else."))
    return PersonCard(*row)


def _new_code() -> str:
    return secrets.token_urlsafe(16)


def _view(settings: Settings, code: str) -> InvitationView:
    return InvitationView(f"{settings.base_url}/contacts/invitation/{code}")
