"""Contacts, requests, and the link that one shows. By them people may see whether others are there."""

from typing import Annotated

import msgspec
from litestar import delete, get, post, put
from litestar.params import Parameter

from app.accounts.views import Me
from app.core import limits
from app.core.bell import Bell
from app.core.page import Page
from app.core.settings import Settings
from app.people import contacts, invitations
from app.people.views import ContactsView, ContactView, InvitationView, InvitedView

HERE = "/contacts"


class Whom(msgspec.Struct):
    """A username, or an e-mail address."""

    username: str = ""


@get("/contacts")
async def index(me: Me, after: str = "", limit: Annotated[int, Parameter(ge=1, le=100)] = 100) -> Page[ContactsView]:
    return Page("people/contacts.html", await contacts.listed(me, after, limit), extra={"first": not after})


@post("/contacts", opt={"form": "people/ask.html"})
async def ask(data: Whom, me: Me, settings: Settings) -> Page[ContactView | None]:
    """An e-mail address is answered with 202 and null, whether there is anyone with it or not."""
    await limits.spend(settings, (limits.CONTACT_PERSON, str(me.id)))
    asked = await contacts.ask(me, data.username)
    if asked is None:
        return Page("people/ask.html", None, status=202, see_other=HERE, flash="contact-asked-by-address")
    flash = "contact-made" if asked.accepted_at else "contact-asked"
    return Page("people/ask.html", asked, status=201, see_other=HERE, flash=flash)


@put("/contacts/{contact_id:int}/accept")
async def accept(contact_id: int, me: Me, bell: Bell, settings: Settings) -> Page[ContactView]:
    limits.WRITES.spend(settings, me.id)
    made = await contacts.accept(me, contact_id)
    _show_anew(bell, me, made.person.id)
    return Page("people/contacts.html", made, see_other=HERE, flash="contact-made")


@delete("/contacts/{contact_id:int}", status_code=204)
async def end(contact_id: int, me: Me, bell: Bell, settings: Settings) -> Page[None]:
    """Declines, takes back or removes: whatever there is."""
    limits.WRITES.spend(settings, me.id)
    ended, other = await contacts.end(me, contact_id)
    if ended == "contact-removed":
        # Of anything else nothing is to be seen: who was declined, or has an address, would be told by it.
        _show_anew(bell, me, other)
    return Page("people/contacts.html", None, status=204, see_other=HERE, flash=ended)


@get("/contacts/invitation")
async def invitation(me: Me, settings: Settings) -> Page[InvitationView]:
    return Page("people/invitation.html", await invitations.mine(settings, me))


@post("/contacts/invitation", status_code=200)
async def renew(me: Me, settings: Settings) -> Page[InvitationView]:
    view = await invitations.renew(settings, me)
    return Page("people/invitation.html", view, see_other="/contacts/invitation", flash="invitation-renewed")


@get("/contacts/invitation/{code:str}")
async def invited(code: str, me: Me) -> Page[InvitedView]:
    return Page("people/invited.html", await invitations.invited(me, code))


@post("/contacts/invitation/{code:str}")
async def take(code: str, me: Me, bell: Bell, settings: Settings) -> Page[ContactView]:
    limits.WRITES.spend(settings, me.id)
    made = await invitations.take(me, code)
    _show_anew(bell, me, made.person.id)
    return Page("people/invited.html", made, status=201, see_other=HERE, flash="contact-made")


def _show_anew(bell: Bell, me: Me, other: int) -> None:
    """Contacts may see of each other whether they are there, where others may not."""
    bell.ring("o", me.id, other)
    bell.ring("o", other, me.id)


HANDLERS = [index, ask, accept, end, invitation, renew, invited, take]
