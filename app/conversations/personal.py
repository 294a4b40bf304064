"""What each one keeps for themselves of a conversation: muted, archived, pinned, marked unread. Nobody else is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.accounts.views import Me
from app.conversations import access
from app.core import database, i18n
from app.core.errors import Invalid
from app.core.i18n import _

MORNING = 8
LEVELS = ("everything", "mentions", "nothing")
# What Postgres calls "infinity", as asyncpg reads and writes it.
FOR_EVER = datetime.max.replace(tzinfo=UTC)


async def mute(me: Me, conversation: int, until: str) -> None:
    """Silences it: for an "hour", till "tomorrow" at 8 in the morning where they live, for "ever", or until a time in
    ISO 8601. Raises NotFound, Invalid."""
    may = await access.member(conversation, me)
    await _set(may, muted_until=moment(until, me.time_zone, datetime.now(UTC)))


async def unmute(me: Me, conversation: int) -> None:
    """Raises NotFound."""
    await _set(await access.member(conversation, me), muted_until=None)


async def archive(me: Me, conversation: int) -> None:
    """Puts it away, until something new comes in it; while it is muted it stays away. Raises NotFound."""
    may = await access.member(conversation, me)
    await _set(may, archived_position=may.position, pinned=False)


async def unarchive(me: Me, conversation: int) -> None:
    """Raises NotFound."""
    await _set(await access.member(conversation, me), archived_position=None)


async def set_level(me: Me, conversation: int, level: str | None) -> None:
    """Of what is said there they are told everything, mentions or nothing; None: as is usual for its kind. Raises
    NotFound, Invalid."""
    may = await access.member(conversation, me)
    if level is not None and level not in LEVELS:
        raise Invalid(level=_("Choose one of the options."))
    await _set(may, level=level)


async def pin(me: Me, conversation: int, pinned: bool) -> None:
    """Keeps it on top, or lets it go; what is pinned is not archived. Raises NotFound."""
    changes = {"pinned": True, "archived_position": None} if pinned else {"pinned": False}
    await _set(await access.member(conversation, me), **changes)


async def mark_unread(me: Me, conversation: int, position: int | None = None) -> None:
    """Counts as unread from that position on; without one, the last message of someone else. Where there is none,
    nothing changes. Raises NotFound."""
    await access.member(conversation, me)
    await database.fetch(
        """
        UPDATE membership m SET read_position = x.position - 1,
            seen_position = greatest(m.seen_position, m.read_position) FROM (
            SELECT position FROM message WHERE conversation = $1 AND author <> $2 AND kind <> 'system'
              AND deleted_at IS NULL AND position <= coalesce($3::bigint, position) ORDER BY position DESC LIMIT 1
        ) x WHERE m.conversation = $1 AND m.person = $2 AND m.read_position >= x.position
        """,
        conversation,
        me.id,
        position,
    )


def moment(until: str, time_zone: str, now: datetime) -> datetime:
    """The end of a silence that begins now; see `mute`. Raises Invalid."""
    if until == "hour":
        return now + timedelta(hours=1)
    if until == "tomorrow":
        there = now.astimezone(i18n.zone(time_zone))
        return (there + timedelta(days=1)).replace(hour=MORNING, minute=0, second=0, microsecond=0).astimezone(UTC)
    if until == "ever":
        return FOR_EVER
    try:
        given = datetime.fromisoformat(until)
    except ValueError:
        given = None
    if given is None or given.tzinfo is None or given <= now:
        raise Invalid(until=_("Choose how long: an hour, until tomorrow, forever, or until a time in the future."))
    return given


async def _set(may: access.Access, **changes: Any) -> None:
    columns = ", ".join(f"{name} = ${number}" for number, name in enumerate(changes, start=3))
    await database.fetch(
        f"UPDATE membership SET {columns} WHERE conversation = $1 AND person = $2",
        may.conversation,
        may.person,
        *changes.values(),
    )
