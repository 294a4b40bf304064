"""Support: anyone asks the staff, and any teacher or administrator answers as the team.

Whoever asked is in it as in any conversation, and owns it. Of the team each comes in by looking: `access.join_team`.
"""

from datetime import datetime
from typing import NamedTuple

from app.accounts.views import Me
from app.conversations import access, history, permission
from app.conversations.actions import checked_title
from app.conversations.body import checked_body
from app.core import database
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.settings import Settings
from app.people import policy
from app.people import queries as people


class Thread(NamedTuple):
    """A support conversation as it is while its lock is held."""

    owner: int | None
    assignee: int | None
    closed_at: datetime | None


async def ask(settings: Settings, me: Me, title: str, body: str = "") -> int:
    """Opens a conversation with the staff, with a first message if there is a text; gives its id. Raises Invalid."""
    title, wrong = checked_title(title, _("Enter a subject."))
    if body.strip():
        try:
            body = checked_body(settings, body)
        except Invalid as error:
            wrong |= error.fields
    if wrong:
        raise Invalid(**wrong)
    async with database.transaction():
        conversation: int = await database.fetch_value(
            "INSERT INTO conversation (kind, title, owner) VALUES ('support', $1, $2) RETURNING id", title, me.id
        )
        await database.fetch("INSERT INTO membership (conversation, person) VALUES ($1, $2)", conversation, me.id)
        await history.record(conversation, me.id, "asked", body=title)
        if body.strip():
            await history.write(conversation, me.id, body)
        await database.fetch(
            "UPDATE membership m SET read_position = c.position FROM conversation c WHERE c.id = $1"
            " AND m.conversation = c.id",
            conversation,
        )
    return conversation


async def assign(me: Me, conversation: int, username: str = "") -> int:
    """Gives it to one of the team to look after, to oneself without a name. Again changes nothing; of two at once the
    later holds. Gives their id. Raises NotFound, Forbidden, Invalid."""
    await _require_team(me, conversation)
    nobody = _("Choose a teacher or an administrator.")
    try:
        other = (await people.person(me, username)).id if username.strip() else me.id
    except NotFound as error:
        raise Invalid(username=nobody) from error
    async with database.transaction():
        await _still_of_team(me)
        if not await access.join_team(conversation, other):
            raise Invalid(username=nobody)
        await database.fetch(
            "UPDATE membership SET archived_position = NULL WHERE conversation = $1 AND person = $2",
            conversation,
            other,
        )
        thread = await _lock(conversation)
        if thread.assignee != other:
            await database.fetch("UPDATE conversation SET assignee = $2 WHERE id = $1", conversation, other)
            await history.record(conversation, me.id, "taken" if other == me.id else "assigned", subject=other)
    return other


async def unassign(me: Me, conversation: int) -> None:
    """Nobody looks after it any more; again changes nothing. Raises NotFound, Forbidden."""
    await _require_team(me, conversation)
    async with database.transaction():
        await _still_of_team(me)
        thread = await _lock(conversation)
        if thread.assignee is not None:
            await database.fetch("UPDATE conversation SET assignee = NULL WHERE id = $1", conversation)
            await history.record(conversation, me.id, "unassigned", subject=thread.assignee)


async def close(me: Me, conversation: int) -> None:
    """It is answered; again changes nothing. The team and whoever asked may. It leaves the lists of the team until
    something is written in it. Raises NotFound, Forbidden."""
    await _require_support(me, conversation)
    async with database.transaction():
        # Before its own lock, in one order: see history.py.
        await database.fetch(
            "SELECT id FROM membership WHERE conversation = $1 AND of_team ORDER BY person FOR NO KEY UPDATE",
            conversation,
        )
        if (await _lock(conversation)).closed_at is not None:
            return
        await database.fetch("UPDATE conversation SET closed_at = now() WHERE id = $1", conversation)
        await history.record(conversation, me.id, "closed")
        await database.fetch(
            """
            UPDATE membership m SET archived_position = c.position, pinned = false FROM conversation c
            WHERE c.id = $1 AND m.conversation = c.id AND m.of_team AND m.archived_position IS DISTINCT FROM $2
            """,
            conversation,
            access.NOT_LISTED,
        )


async def reopen(me: Me, conversation: int) -> None:
    """It goes on; again changes nothing. The team and whoever asked may. Raises NotFound, Forbidden."""
    await _require_support(me, conversation)
    async with database.transaction():
        await _reopen(me, conversation)


async def reopen_by_asking(me: Me, conversation: int) -> None:
    """The same for whoever asked and has more to ask; in any other conversation, and for others, it changes nothing."""
    may = await access.member(conversation, me)
    if may.kind == "support" and may.owner == me.id:
        async with database.transaction():
            await _reopen(me, conversation)


async def _reopen(me: Me, conversation: int) -> None:
    if (await _lock(conversation)).closed_at is not None:
        await database.fetch("UPDATE conversation SET closed_at = NULL WHERE id = $1", conversation)
        await history.record(conversation, me.id, "reopened")


async def _require_support(me: Me, conversation: int) -> None:
    if (await access.member(conversation, me)).kind != "support":
        raise Forbidden(_("Only support requests can be closed."))


async def _require_team(me: Me, conversation: int) -> None:
    await _require_support(me, conversation)
    permission.require_team(me)


async def _still_of_team(me: Me) -> None:
    """Whose role is taken at this moment has left the conversation already, or it waits for the end of this."""
    role = await database.fetch_value(
        "SELECT role FROM person WHERE id = $1 AND deactivated_at IS NULL FOR SHARE", me.id
    )
    if not policy.may_answer(me.policy, role or ""):
        raise NotFound


async def _lock(conversation: int) -> Thread:
    row = await database.fetch_row(
        """
        SELECT owner, assignee, closed_at FROM conversation WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE
        """,
        conversation,
    )
    if row is None:
        raise NotFound
    return Thread(*row)
