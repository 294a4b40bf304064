"""One open stream: what it follows, and how bytes reach it without anyone waiting for anyone.

Once the head of the response is sent, the connection is the stream's own: it is the protocol of its transport, and the
request that opened it ends (its headers, its task and all that they hold are half of what an idle stream would cost).
What the socket does not take waits in the stream; a queue of LONGEST_QUEUE ends it, and its client comes back and
catches up from its cursor.
"""

import asyncio
from collections.abc import Callable
from functools import cache

from app.core.i18n import Locale
from app.live import cursor, wire

# What may wait for a slow client: this many events, or this many times LARGE_EVENT bytes.
LONGEST_QUEUE = 256
LARGE_EVENT = 4096
# How long a client that catches up may take for what is written at once.
PATIENCE = 30.0
# How long an ended stream waits for its client to read what is left; then it hangs up.
LINGER = 1.0


class Variant:
    """What bytes a stream gets: in which format and locale. One object for each, so that it is compared by identity (a
    hundred thousand times a second in a lively room)."""

    __slots__ = ("json", "locale")

    def __init__(self, json: bool, locale: Locale) -> None:
        self.json = json
        self.locale = locale


@cache
def variant_of(json: bool, locale: Locale) -> Variant:
    """The one object of that variant."""
    return Variant(json, locale)


class Stream(asyncio.Protocol):
    """An open stream of one person. `seen` is, for each conversation it follows, the last change that was written to
    it; those in `behind` still catch up and get nothing live. `ended` is called once, soon after it has ended."""

    __slots__ = (
        "all_conversations",
        "behind",
        "closing",
        "ended",
        "json",
        "locale",
        "number",
        "parted",
        "person",
        "queue",
        "queued",
        "room",
        "seen",
        "session",
        "several",
        "task",
        "transport",
        "variant",
    )

    def __init__(
        self,
        ended: Callable[["Stream"], None],
        person: int,
        session: int,
        variant: Variant,
        seen: dict[int, int],
        everything: bool,
    ) -> None:
        self.ended = ended
        self.person = person
        self.session = session
        self.variant = variant
        self.locale = variant.locale
        self.json = variant.json
        self.seen = seen
        self.behind: set[int] = set(seen)
        self.all_conversations = everything
        # A cursor over several conversations is this stream's own: its ids cannot be shared.
        self.several = everything or len(seen) > 1
        self.number = 0
        # Conversations that the feed said they left, with the last change that was written: they may be let in again.
        self.parted: dict[int, int] = {}
        self.transport: asyncio.Transport | None = None
        # What waits for a socket that takes no more; None while it does.
        self.queue: list[bytes] | None = None
        self.queued = 0
        self.room: asyncio.Future[None] | None = None
        # The request that opened it, until the stream is brought up to date.
        self.task: asyncio.Task[None] | None = None
        self.closing = False

    def start(self, transport: asyncio.Transport | None) -> None:
        """From here on it is heard: the head of its response was written to this transport, or the client is gone."""
        self.transport = transport

    def deliver(self, data: bytes, events: int = 1) -> None:
        """Writes the bytes, which are so many events, now, or queues them behind those that wait.

        Nothing before the stream has started: it is state, and the present state is what a stream begins with."""
        if data:  # an empty chunk would end the response
            self.deliver_framed(wire.chunk(data), events)

    def deliver_framed(self, chunk: bytes, events: int) -> None:
        """The same with bytes that are framed already: once for all the streams that they go to."""
        transport = self.transport
        if transport is None or self.closing:
            return
        if self.queue is None:
            transport.write(chunk)
            return
        self.queue.append(chunk)
        self.queued += max(events, len(chunk) // LARGE_EVENT)
        if self.queued > LONGEST_QUEUE:
            self.close()

    def deliver_message(self, conversation: int, change: int, data: bytes) -> None:
        """Writes one event of the feed, with an id of this stream's own where it follows several conversations."""
        self.seen[conversation] = change
        self.deliver(wire.with_id(data, cursor.write(self.seen)) if self.several else data)

    def close(self, reason: str | None = None) -> None:
        """Ends the stream, with a word where the client should not simply come back. Safe to call twice.

        What waits for a slow client is not sent: it has its cursor."""
        if self.closing:
            return
        self.closing = True
        loop = asyncio.get_running_loop()
        loop.call_soon(self.ended, self)
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()
        self._make_room()
        if self.transport is not None:
            word = wire.chunk(wire.event("close", reason)) if reason is not None else b""
            self.transport.write(word + wire.LAST_CHUNK)
            self.transport.close()
            # One that reads no more would be waited for without end.
            loop.call_later(LINGER, self.transport.abort)

    async def drained(self) -> None:
        """Returns when the client has taken what was written; ends the stream of one that takes too long for it."""
        if self.queue is None or self.closing:
            return
        self.room = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self.room, PATIENCE)
        except TimeoutError:
            self.close()

    # What the transport tells

    def pause_writing(self) -> None:
        self.queue = []

    def resume_writing(self) -> None:
        waiting, self.queue, self.queued = self.queue, None, 0
        if waiting and self.transport is not None and not self.closing:
            self.transport.write(b"".join(waiting))
        if self.queue is None:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Nobody speaks on a stream: a second request behind it would wait for its end, which does not come."""
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.close()

    def _make_room(self) -> None:
        if self.room is not None and not self.room.done():
            self.room.set_result(None)
        self.room = None
