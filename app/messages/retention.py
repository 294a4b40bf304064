"""Messages whose time is over (MESSAGE_RETENTION_DAYS) go for good, from the beginning of each conversation on.

In two steps, so that nobody who writes there waits. First it is marked how far: `conversation.kept_after`, one row,
locked as long as a send locks it. From then on nobody pages or replies to what lies before the mark. A minute later,
when no request under way can name one of them any more, the rows go, a few at a time, without a lock on their
conversation. It may stop anywhere and begin anew.

Position and change are never used again, and no change is made: the feed simply has these rows no longer. A page that
is open shows them until it is loaded again. A reply stays without its quote; mentions go with their message; nothing
that went is unread. The conversation itself stays, also an empty one, with its members and what they have set.
"""

from datetime import datetime, timedelta

import msgspec

from app.core import database, jobs
from app.core.i18n import _, ngettext
from app.core.jobs import handles
from app.core.periodic import daily
from app.core.settings import Settings

AT = 3  # o'clock
YEAR = 365
REST = timedelta(minutes=1)  # between the two steps; longer than any request lasts
BATCH = 200
# Whoever holds one of these rows (an edit of a reply, somebody's texts being erased) goes first: we come again.
PATIENCE = "SET LOCAL lock_timeout = '200ms'"


class TimeOver(msgspec.Struct):
    """Messages that are too old are to go."""


def register(settings: Settings) -> None:
    """Says when it is done and by whom; called once by the worker."""

    @daily(AT, name="message retention")
    async def begin(_due: datetime) -> None:
        if settings.message_retention_days:
            await jobs.defer(TimeOver())

    @handles(TimeOver)
    async def delete_what_is_old(event: TimeOver) -> None:
        if not settings.message_retention_days:
            return  # the setting has changed meanwhile
        await delete_marked()
        if await mark(settings.message_retention_days):
            await jobs.defer(event, wait=REST)


async def mark(days: int) -> int:
    """Marks in each conversation how far its messages are over; gives in how many that is further than before."""
    found = await database.fetch(
        """
        SELECT c.id FROM conversation c WHERE c.position > c.kept_after AND (
            SELECT x.created_at FROM message x WHERE x.conversation = c.id AND x.position > c.kept_after
            ORDER BY x.position LIMIT 1
        ) < now() - $1::interval
        """,
        timedelta(days=days),
    )
    marked = 0
    for row in found:
        # Up to the first that stays, so that what is there has no gap. What was edited just now waits: its change is
        # still on its way to those who read there.
        over = await database.fetch_value(
            """
            SELECT max(position) FROM (
                SELECT x.position, bool_and(
                    x.created_at < now() - $2::interval
                    AND greatest(x.edited_at, x.deleted_at, x.created_at) < now() - interval '1 hour'
                ) OVER (ORDER BY x.position) AS over
                FROM message x JOIN conversation c ON c.id = x.conversation
                WHERE c.id = $1 AND x.position > c.kept_after ORDER BY x.position LIMIT 50000
            ) AS first WHERE over
            """,
            row["id"],
            timedelta(days=days),
        )
        if over is not None:
            await database.fetch(
                "UPDATE conversation SET kept_after = greatest(kept_after, $2) WHERE id = $1", row["id"], over
            )
            marked += 1
    return marked


async def delete_marked() -> int:
    """Deletes what lies before the marks; gives how many messages. Raises LockNotAvailableError when somebody works on
    one of them just now: the job is tried again."""
    gone = 0
    while True:
        # The conversations with rows before their mark, by the index of their places.
        conversation = await database.fetch_value(
            """
            SELECT c.id FROM conversation c WHERE c.kept_after > 0
              AND EXISTS (SELECT FROM message x WHERE x.conversation = c.id AND x.position <= c.kept_after) LIMIT 1
            """
        )
        if conversation is None:
            return gone
        while deleted := await _delete_batch(conversation):
            gone += deleted


async def _delete_batch(conversation: int) -> int:
    async with database.transaction():
        await database.fetch(PATIENCE)
        rows = await database.fetch(
            """
            DELETE FROM message WHERE id = ANY(ARRAY(
                SELECT x.id FROM message x JOIN conversation c ON c.id = x.conversation
                WHERE c.id = $1 AND x.position <= c.kept_after ORDER BY x.position LIMIT $2
            )) RETURNING 1
            """,
            conversation,
            BATCH,
        )
    return len(rows)


def told(days: int, kept_after: int) -> str:
    """What stands at the beginning of a conversation: how long messages are kept, or that some have gone."""
    if kept_after and days == YEAR:
        return _("Messages older than a year were deleted.")
    if kept_after and days:
        said = ngettext("Messages older than %d day were deleted.", "Messages older than %d days were deleted.", days)
        return said % days
    if kept_after:
        return _("Older messages were deleted.")
    if days == YEAR:
        return _("Messages are kept for a year.")
    return ngettext("Messages are kept for %d day.", "Messages are kept for %d days.", days) % days if days else ""
