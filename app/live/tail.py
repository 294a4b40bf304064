"""The tail of one conversation in one process: reads what changed after its own place, renders each fragment once for
each variant, and hands the same bytes to every stream that is allowed them.

Who is allowed is in the feed itself: a removal is a change, and from it on the removed person's streams get nothing.
"""

import asyncio
from collections.abc import Callable

import structlog

from app.core import database, i18n
from app.core.database import Row
from app.core.patience import say_waiting
from app.core.together import Together
from app.live import wire
from app.live.stream import Stream, Variant
from app.messages import queries, render
from app.messages.lines import line

log = structlog.get_logger()
MOST_AT_ONCE = 200
# Between two reads: what is sent meanwhile travels together. A lone message is read at once.
PAUSE = 0.008
# Tails of many conversations read together: a statement for several costs little more than one for one of them.
TOGETHER = 0.003


async def _read(asked: list[tuple[int, int]]) -> dict[tuple[int, int], list[Row]]:
    return await queries.changed_in(asked, MOST_AT_ONCE)


_feeds = Together(_read, most=20, pause=TOGETHER)


class Tail:
    """`place` is the last change handed out. `left` is told who is no longer in the conversation,
    `told` that its title, owner or members may be others, `delivered` up to which position it went to all streams."""

    __slots__ = ("_awake", "_task", "conversation", "delivered", "left", "place", "streams", "told")

    def __init__(
        self,
        conversation: int,
        place: int,
        left: Callable[[int, int], None],
        told: Callable[[int], None],
        delivered: Callable[[int, int], None],
    ) -> None:
        self.conversation = conversation
        self.place = place
        self.left = left
        self.told = told
        self.delivered = delivered
        self.streams: set[Stream] = set()
        self._awake = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something changed, perhaps. Many calls while it reads are one more read."""
        self._awake = True
        if self._task is None:
            self._task = asyncio.create_task(self._read())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        try:
            while self._awake and self.streams:
                self._awake = False
                rows = await _feeds.get((self.conversation, self.place)) or []
                if rows:
                    self._hand_out(rows)
                    self._awake = self._awake or len(rows) == MOST_AT_ONCE
                await asyncio.sleep(PAUSE)
        except database.FAILED as error:
            say_waiting("a tail waits", error)  # the check of the heads wakes it again within a second
        finally:
            self._task = None
            if self._awake and self.streams and not asyncio.current_task().cancelling():  # type: ignore[union-attr]
                asyncio.get_running_loop().call_later(0.2, self.wake)

    def _hand_out(self, rows: list[Row]) -> None:
        start = 0
        for index, row in enumerate(rows):
            gone = left_by(row)
            if gone is not None:
                self._hand_out_stretch(rows[start:index])
                self.left(self.conversation, gone)
                start = index
        self._hand_out_stretch(rows[start:])
        self.place = rows[-1]["change"]
        self.delivered(self.conversation, max(row["position"] for row in rows))
        if any(row["kind"] == "system" for row in rows):
            self.told(self.conversation)

    def _hand_out_stretch(self, rows: list[Row]) -> None:
        if not rows:
            return
        made: dict[Variant, tuple[list[tuple[int, bytes]], bytes]] = {}
        first, last = rows[0]["change"], rows[-1]["change"]
        conversation = self.conversation
        for stream in list(self.streams):
            if conversation in stream.behind:
                continue
            events = made.get(stream.variant)
            if events is None:
                single = encode(rows, stream.variant)
                joined = b"".join(data for _change, data in single)
                events = made[stream.variant] = (single, wire.chunk(joined))
            seen = stream.seen.get(conversation, last)
            if seen < first and not stream.several:
                stream.seen[conversation] = last
                stream.deliver_framed(events[1], len(rows))  # the same bytes for everyone
            else:
                for change, data in events[0]:
                    if change > seen:
                        stream.deliver_message(conversation, change, data)


def encode(rows: list[Row], variant: Variant) -> list[tuple[int, bytes]]:
    """Rows of the feed as events of a variant: (change, bytes). With an id for a stream of one conversation."""
    i18n.use(variant.locale)
    events = []
    for row in rows:
        change = row["change"]
        id_ = f"{row['conversation']}:{change}"
        if variant.json:
            events.append((change, wire.json_event("message", line(row).message, id_)))
        else:
            events.append((change, wire.event("message", str(render.fragment(row, variant.locale)), id_)))
    return events


def left_by(row: Row) -> int | None:
    """Who left the conversation by this change, or None."""
    if row["event"] == "removed":
        return int(row["subject"])
    return int(row["author"]) if row["event"] == "left" else None
