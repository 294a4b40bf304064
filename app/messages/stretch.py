"""A stretch of a conversation, read once for all its members, and kept for as long as nothing in it is another.

Why nothing that is kept is shown to who may not see it, or when it is no longer so:
- It is found by the state of the conversation (`Access.state`), which is read in one statement with the membership of
  whoever asks. Who is not in it has no such state.
- Whatever is done to a message, to its text or to those whom it names, is a change of its conversation and takes the
  next number in the same transaction; what it quotes is of the same conversation. The names and pictures in it have a
  number of their own, likewise (see the table `names`).
- The rows are read after that state, so they are never older. What came between is sent again by the feed, as it is to
  a page for which everything is read anew.
- What is over moves the place after which messages are kept, before it is deleted. That place is of the state too, and
  what stands before it is neither read nor quoted from then on.
"""

from collections.abc import Awaitable, Callable

from app.conversations.access import Access
from app.core.cache import Cache
from app.core.database import Row
from app.core.i18n import Locale
from app.messages import queries, render

# Two readers of different languages, or with what is new to them beginning at different places.
MOST_PIECES = 4
# About what a message weighs beside its text: as a row, and once as HTML.
ROW, FRAGMENT = 1000, 1300


class Stretch:
    """Messages as rows, oldest first, and their HTML as it is asked for."""

    __slots__ = ("_pieces", "rows")

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self._pieces: dict[tuple[int, int, str, str], bytes] = {}

    def __len__(self) -> int:
        """What it weighs, in characters, with the HTML that it will hold for two readers."""
        return sum(ROW + 2 * FRAGMENT + 3 * len(row["body"]) for row in self.rows)

    def html(self, locale: Locale, start: int, end: int) -> bytes:
        """The fragments of the rows from `start` until before `end`, in that locale."""
        key = (start, end, locale.language, locale.time_zone)
        found = self._pieces.get(key)
        if found is None:
            if len(self._pieces) >= MOST_PIECES:
                self._pieces.clear()
            found = self._pieces[key] = render.fragments(self.rows[start:end], locale).encode()
        return found


_kept: Cache[Stretch] = Cache(most=16_000_000)


async def before(may: Access, position: int, limit: int) -> Stretch:
    """The last messages before a position."""
    return await _found(may, queries.before, position, limit)


async def from_position(may: Access, position: int, limit: int) -> Stretch:
    """The messages from a position on."""
    return await _found(may, queries.from_position, position, limit)


async def _found(may: Access, read: Callable[[int, int, int], Awaitable[list[Row]]], at: int, limit: int) -> Stretch:
    key = (may.conversation, *may.state, read, at, limit) if may.state is not None else None
    found = _kept.get(key) if key is not None else None
    if found is None:
        # What is over is marked first and deleted a little later.
        rows = [row for row in await read(may.conversation, at, limit) if row["position"] > may.kept_after]
        found = Stretch(rows)
        if key is not None:
            _kept.keep(key, found)
    return found
