"""A conversation as one person may see it, all of one moment, read a stretch at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import asyncpg

from app.accounts.views import Me
from app.conversations import queries as conversations
from app.conversations.access import Access
from app.core import database, i18n
from app.core.database import Row
from app.core.errors import NotFound
from app.exports import pacing, rooms
from app.exports.model import STRETCH, Head, Order
from app.messages.lines import LINES
from app.messages.views import Author

# So many places are looked over by one statement, which none may do for longer than a moment.
LOOKED_OVER = 50_000
# Where everyone is, the first so many of them by name: who is here is told by the directory.
MOST_MEMBERS = 1000
IN_RANGE = """
    ($2::timestamptz IS NULL OR x.created_at >= $2) AND ($3::timestamptz IS NULL OR x.created_at < $3)
"""


class Seen(NamedTuple):
    """What whoever ordered it may see: `may` says from which place on, to which one."""

    may: Access
    kind: str
    title: str


class Extent(NamedTuple):
    """The messages of the range: how many, and between which places they are (both are of it)."""

    many: int
    first: int
    last: int


class ConversationSource:
    """The Source of a conversation; good for as long as its context lasts."""

    def __init__(self, connection: asyncpg.Connection, head: Head, found: Extent) -> None:
        self.head = head
        self._connection = connection
        self._found = found
        self._reading: asyncio.Task[list[Row]] | None = None

    async def stretches(self) -> AsyncIterator[list[Row]]:
        """The messages of the range as rows of LINES, the oldest first, STRETCH at a time or fewer. Each begins after
        the place where the last one ended, so all cost the same; while one is worked on, Postgres reads the next, but
        where others are at work: these two would take all of a small machine."""
        order, found = self.head.order, self._found
        await self.close()  # whoever began before has stopped: one at a time
        self._read(found.first - 1)
        while self._reading is not None:
            rows = await self._reading
            self._reading, last = None, rows[-1]["position"]
            if not pacing.current.others:
                self._read(last)
                await asyncio.sleep(0)  # so that it is on its way
            if found.many < found.last - found.first + 1:  # between them are some of another time
                rows = [row for row in rows if _in_range(row["created_at"], order)]
            if rows:
                yield rows
            if self._reading is None:
                self._read(last)

    async def close(self) -> None:
        """Whoever wanted them may have stopped in the middle: nothing is under way any more."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])

    def _read(self, after: int) -> None:
        """Asks for the stretch after that place, if there is any."""
        self._reading = None
        if self._found.many and after < self._found.last:
            # No time in the condition, which would be planned for as if it left few: see `_extent` for who needs it.
            sql = f"{LINES} WHERE x.conversation = $1 AND x.position > $2 AND x.position <= $3 ORDER BY x.position"
            fetch = self._connection.fetch(f"{sql} LIMIT {STRETCH}", self.head.conversation_id, after, self._found.last)
            self._reading = asyncio.ensure_future(fetch)


def _in_range(moment: datetime, order: Order) -> bool:
    return (order.from_ is None or moment >= order.from_) and (order.to is None or moment < order.to)


@asynccontextmanager
async def opened(order: Order, instance: str) -> AsyncIterator[ConversationSource]:
    """The conversation of the order, to be read inside: what changes meanwhile is not in it. Raises NotFound when
    whoever ordered it may not see it now."""
    before = i18n.current()
    i18n.use(order.locale)  # names of those who left, and what a conversation without a title is called
    try:
        async with database.snapshot() as connection:
            seen = await (_audited(order) if order.kind == "audit" else _of_member(order))
            found = await _extent(seen.may, order)
            head = await _head(order, instance, seen, found)
            opened = ConversationSource(connection, head, found)
            try:
                with database.apart():  # whoever writes down how far it is does so elsewhere
                    yield opened
            finally:
                await opened.close()
    finally:
        i18n.use(before)


async def _of_member(order: Order) -> Seen:
    """As the page does, but nobody comes in by this: they looked at it when they ordered it."""
    may, view = await conversations.opened(order.conversation or 0, await _me(order), enter=False)
    return Seen(may, view.kind, view.title)


async def _audited(order: Order) -> Seen:
    """What an administrator may see of a conversation that they are not in, where an audit of it is recorded."""
    return Seen(*await rooms.audited(order))


async def _me(order: Order) -> Me:
    row = await database.fetch_row(
        """
        SELECT id, username, name, role, language, time_zone, 0 AS session, created_at FROM person
        WHERE id = $1 AND deactivated_at IS NULL
        """,
        order.by.id,
    )
    if row is None:
        raise NotFound
    return Me(*row)


async def _head(order: Order, instance: str, seen: Seen, found: Extent) -> Head:
    people, _more = await conversations.members(seen.may, limit=MOST_MEMBERS)
    ends = await database.fetch(
        "SELECT created_at FROM message WHERE conversation = $1 AND position = ANY($2) ORDER BY position",
        seen.may.conversation,
        [found.first, found.last] if found.many else [],
    )
    first_at: datetime | None = ends[0][0] if ends else None
    return Head(
        instance=instance,
        order=order,
        conversation_id=seen.may.conversation,
        kind=seen.kind,
        title=seen.title,
        members=[Author(each.id, each.username, each.name, bot=each.bot) for each in people],
        count=found.many,
        first_at=first_at,
        last_at=ends[-1][0] if ends else None,
        read_at=await database.fetch_value("SELECT now()"),
    )


async def _extent(may: Access, order: Order) -> Extent:
    """The messages of the range among those that are there: after what is over, up to the newest.

    Each is looked at. Nearly always times grow with places and a few questions would tell both ends; but a clock can be
    set back, and nobody would miss the message that is left out of a transcript for that. There is no index of times,
    for which each send would pay. To look at all takes a fiftieth of what it takes to write them."""
    sql = f"""
        SELECT count(*), min(x.position), max(x.position) FROM message x
        WHERE x.conversation = $1 AND {IN_RANGE} AND x.position > $4 AND x.position <= $5
    """
    many, first, last = 0, may.position + 1, may.position
    for start in range(may.kept_after, may.position, LOOKED_OVER):
        end = min(start + LOOKED_OVER, may.position)
        row = await database.fetch_row(sql, order.conversation, order.from_, order.to, start, end)
        assert row is not None
        if row[0]:
            many, first, last = many + row[0], min(first, row[1]), row[2]
    return Extent(many, first, last)
