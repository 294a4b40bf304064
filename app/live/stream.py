"""One open stream: what it follows, and how bytes reach it without anyone waiting for anyone.

`deliver` drives the server's `send` at once. Nearly always it finishes there and then, with no task and no queue (a
third of the cost). When it suspends, the client is slow: then a task takes over, later bytes queue up, and a queue of
LONGEST_QUEUE ends the stream; its client comes back and catches up from its cursor.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator
from functools import cache
from typing import Any

from litestar.types import Send

from app.core.i18n import Locale
from app.live import cursor, wire

# What may wait for a slow client: this many events, or this many times LARGE_EVENT bytes.
LONGEST_QUEUE = 256
LARGE_EVENT = 4096
# How long a client that catches up may take for what is written at once.
PATIENCE = 30.0


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


class Stream:
    """An open stream of one person. `seen` is, for each conversation it follows, the last change that was written to
    it; those in `behind` still catch up and get nothing live."""

    __slots__ = (
        "all_conversations",
        "backlog",
        "behind",
        "closing",
        "cycle",
        "draining",
        "json",
        "locale",
        "number",
        "parted",
        "person",
        "queued",
        "reason",
        "seen",
        "send",
        "session",
        "several",
        "started",
        "task",
        "variant",
    )

    def __init__(
        self, send: Send, person: int, session: int, locale: Locale, json: bool, seen: dict[int, int], everything: bool
    ) -> None:
        self.send = send
        # The server's side of this response, where it lets us have it (`core/server.py`): see `deliver_framed`.
        self.cycle: Any = None
        self.person = person
        self.session = session
        self.locale = locale
        self.variant = variant_of(json, locale)
        self.json = json
        self.seen = seen
        self.behind: set[int] = set(seen)
        self.all_conversations = everything
        # A cursor over several conversations is this stream's own: its ids cannot be shared.
        self.several = everything or len(seen) > 1
        self.number = 0
        self.started = False
        # Conversations that the feed said they left, with the last change that was written: they may be let in again.
        self.parted: dict[int, int] = {}
        self.queued = 0
        self.backlog: list[bytes] | None = None
        self.draining: asyncio.Task[None] | None = None
        self.task: asyncio.Task[Any] | None = None
        self.closing = False
        self.reason: str | None = None

    async def start(self, headers: list[tuple[bytes, bytes]], cycle: Any) -> None:
        """Sends the head of the response; `cycle` is the server's side of it, or None."""
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        self.cycle = cycle
        self.started = True

    def deliver(self, data: bytes, events: int = 1) -> None:
        """Writes the bytes, which are so many events, now, or queues them behind those that wait.

        Nothing before the stream has started: it is state, and the present state is what a stream begins with."""
        if self.closing or not self.started:
            return
        if self.backlog is not None:
            self.backlog.append(data)
            self.queued += max(events, len(data) // LARGE_EVENT)
            if self.queued > LONGEST_QUEUE:
                self.close()
            return
        writing: Any = self.send({"type": "http.response.body", "body": data, "more_body": True})
        try:
            first = writing.send(None)
        except StopIteration:
            return
        except OSError:
            self.close()
            return
        self.backlog = []
        self.draining = asyncio.create_task(self._drain(writing, first))

    def deliver_framed(self, data: bytes, framed: bytes, events: int) -> None:
        """Writes bytes that go to many streams; `framed` is the same as a chunk of HTTP/1.1, made once for all of them.

        Straight to the socket while it takes them: through the server's `send` each delivery costs ten times as much,
        for framing the same bytes again. Whenever anything is out of the ordinary, the ordinary way.
        """
        cycle = self.cycle
        if (
            cycle is None
            or self.backlog is not None
            or self.closing
            or cycle.flow.write_paused
            or cycle.disconnected
            or not cycle.chunked_encoding
        ):
            self.deliver(data, events)
        else:
            cycle.transport.write(framed)

    def deliver_message(self, conversation: int, change: int, data: bytes) -> None:
        """Writes one event of the feed, with an id of this stream's own where it follows several conversations."""
        self.seen[conversation] = change
        self.deliver(wire.with_id(data, cursor.write(self.seen)) if self.several else data)

    def close(self, reason: str | None = None) -> None:
        """Ends the stream, with a word where the client should not simply come back. Safe to call twice."""
        if self.closing:
            return
        if reason is not None:
            self.deliver(wire.event("close", reason))
        self.closing = True
        self.reason = reason
        if self.draining is not None:
            self.draining.cancel()
        if self.task is not None:
            self.task.cancel()

    async def drained(self) -> None:
        """Returns when the client has taken what was written; ends the stream of one that takes too long for it."""
        if self.backlog is not None and self.draining is not None:
            _done, waiting = await asyncio.wait([self.draining], timeout=PATIENCE)
            if waiting:
                self.close()

    def abort(self) -> bool:
        """Hangs up without waiting for the client to read what is left; False where the server does not let us."""
        if self.cycle is not None:
            self.cycle.transport.abort()
        return self.cycle is not None

    async def _drain(self, writing: Coroutine[Any, Any, None], first: Any) -> None:
        try:
            await _resume(writing, first)
            while self.backlog:
                data, self.backlog, self.queued = b"".join(self.backlog), [], 0
                await self.send({"type": "http.response.body", "body": data, "more_body": True})
            self.backlog = None
        except OSError:
            self.close()


@types.coroutine
def _resume(started: Coroutine[Any, Any, None], first: Any) -> Generator[Any, Any, None]:
    """Goes on, inside a task, with a coroutine that was started outside of one and gave `first` to wait for."""
    waiting_for = first
    while True:
        try:
            got = yield waiting_for
        except BaseException as error:
            waiting_for = started.throw(error)
            continue
        try:
            waiting_for = started.send(got)
        except StopIteration:
            return
