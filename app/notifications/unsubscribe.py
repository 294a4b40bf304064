"""Turning mail off by a link in a mail: without log-in, for good, and nothing else.

By a link in a mail about notifications the channel is turned off, whatever conversation it told of: that is what people
mean who press the button of their mail program. Of one conversation alone its settings tell, to which the mail leads.
"""

from app.core import database
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.security import seal, unseal
from app.core.settings import Settings
from app.notifications.views import UnsubscribeView

PURPOSE = "unsubscribe"


def link(settings: Settings, what: str, person: int) -> str:
    """The address that turns off what is told ("told") or summed up once a week ("weekly")."""
    return f"{settings.base_url}/unsubscribe?token={seal(PURPOSE, f'{what}:{person}', settings.secret_key)}"


def meant(settings: Settings, token: str) -> UnsubscribeView | None:
    """What a token would turn off; None when it is none of ours."""
    found = _read(settings, token)
    return UnsubscribeView(what=found[0]) if found else None  # type: ignore[arg-type]


async def unsubscribe(settings: Settings, token: str) -> UnsubscribeView:
    """Turns it off, again too; raises Invalid for a token that is none. For who has left there is nothing to do."""
    found = _read(settings, token)
    if found is None:
        raise Invalid(token=not_ours())
    what, person = found
    async with database.transaction():
        column, off = ("weekly", "false") if what == "weekly" else ("mail", "'nothing'")
        await database.fetch(
            f"""
            INSERT INTO notification_settings (person, {column}) SELECT id, {off} FROM person WHERE id = $1 FOR SHARE
            ON CONFLICT (person) DO UPDATE SET {column} = {off}
            """,
            person,
        )
        await database.fetch("DELETE FROM mail_waiting WHERE person = $1 AND kind = $2", person, what)
        if what == "told":
            await database.fetch(
                "UPDATE notification SET mail_at = NULL WHERE person = $1 AND mail_at IS NOT NULL", person
            )
    return UnsubscribeView(what=what, done=True)  # type: ignore[arg-type]


def not_ours() -> str:
    return _("This link is incomplete. Open it exactly as it is in the email.")


def _read(settings: Settings, token: str) -> tuple[str, int] | None:
    said = unseal(PURPOSE, token, settings.secret_key)
    if said is None:
        return None
    what, _colon, person = said.partition(":")
    return what, int(person)
