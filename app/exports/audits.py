"""Audits: an administrator exports a conversation that they are not in. It needs a reason and their password; it is
recorded for good, and told to the members in the conversation, before anything of it is read."""

from datetime import datetime

import msgspec

from app.accounts.leaving import require_proof
from app.accounts.views import Me
from app.conversations import history
from app.core import database, text
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.settings import Settings
from app.exports import actions, rooms
from app.exports.wishes import Wish
from app.messages.views import Author
from app.people.views import shown_name

LONGEST_REASON = 500
PAGE = 50


class AuditWish(Wish, kw_only=True):
    """What is wanted of it, why, and the password of whoever wants it."""

    reason: str = ""
    current: str = ""


class AuditView(msgspec.Struct, kw_only=True):
    """An audit: who exported which conversation, when and why. `export_id` is of one's own, as long as it is there."""

    id: int
    by: Author
    conversation_id: int
    kind: str
    title: str
    reason: str
    format: str
    from_: datetime | None = msgspec.field(name="from")
    to: datetime | None
    asked_at: datetime
    export_id: int | None


class AuditsView(msgspec.Struct):
    """The latest first; `next` is the `before` that goes on, null at the end."""

    audits: list[AuditView]
    next: int | None


async def audit(settings: Settings, me: Me, conversation: int, wish: AuditWish) -> int:
    """Records the audit, tells the members, and asks for the export, all in one; gives its number. Raises NotFound,
    Invalid, TooMany."""
    room = await rooms.one(me, conversation)
    reason = _reason(wish.reason)
    await require_proof(settings, me, wish.current)
    async with database.transaction():
        number = await actions.request(settings, me, wish, audited=room)
        await history.record(conversation, me.id, "audited", body=reason)
        await database.fetch(
            """
            INSERT INTO audit (person, conversation, export, title, reason, format, from_at, to_at)
            SELECT person, conversation, id, title, $2, format, from_at, to_at FROM export WHERE id = $1
            """,
            number,
            reason,
        )
    return number


def _reason(given: str) -> str:
    if not text.storable(given):
        raise Invalid(reason=_("This contains a character that cannot be stored."))
    reason = text.one_line(given)
    if text.is_blank(reason):
        raise Invalid(reason=_("Enter a reason. The members will see it."))
    if len(reason) > LONGEST_REASON:
        raise Invalid(reason=_("Use at most 500 characters."))
    return reason


async def listed(me: Me, before: int | None, limit: int = PAGE) -> AuditsView:
    """All audits of this Causerie, for its administrators; raises NotFound."""
    rooms.require_admin(me)
    rows = await database.fetch(
        """
        SELECT a.*, p.username, p.name, c.kind, e.id AS own
        FROM audit a
        JOIN person p ON p.id = a.person
        JOIN conversation c ON c.id = a.conversation
        LEFT JOIN export e ON e.id = a.export AND e.person = $1
        WHERE a.id < coalesce($2, a.id + 1) ORDER BY a.id DESC LIMIT $3
        """,
        me.id,
        before,
        limit + 1,
    )
    shown = [
        AuditView(
            id=row["id"],
            by=Author(row["person"], row["username"], shown_name(row["name"])),
            conversation_id=row["conversation"],
            kind=row["kind"],
            title=row["title"],
            reason=row["reason"],
            format=row["format"],
            from_=row["from_at"],
            to=row["to_at"],
            asked_at=row["asked_at"],
            export_id=row["own"],
        )
        for row in rows[:limit]
    ]
    return AuditsView(shown, shown[-1].id if len(rows) > limit else None)
