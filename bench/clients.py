"""The clients: protocols on bare sockets, so that they leave the two cores to the servers."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Sequence
from typing import cast

from bench.wire import Wire

STAMP = re.compile(rb"stamp(\d{19})")
TEXT = "On se retrouve à la bibliothèque vers six heures, or a little later if it rains."
Answered = Callable[[int, bytes], None]


class LostError(Exception):
    """Something that was acknowledged did not arrive, or a request was not answered as it should be."""


def stamped() -> tuple[bytes, str]:
    """A message of about 105 bytes that names the moment it was made, and so itself; that name comes first."""
    stamp = f"{time.perf_counter_ns():019d}"
    return stamp.encode(), f"stamp{stamp} {TEXT}"


class Stream(asyncio.Protocol):
    """One live stream: which messages came, and how late when `late` is given a list."""

    transport: asyncio.Transport

    def __init__(self, request: bytes, late: list[int] | None) -> None:
        self.request = request
        self.late = late
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.head = b""
        self.rest = b""
        self.bytes = 0
        self.last = 0.0
        self.closed = False
        self.seen: set[bytes] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request)

    def connection_lost(self, problem: Exception | None) -> None:
        self.closed = True
        if not self.opened.done():
            self.opened.set_exception(LostError(f"a stream was not opened: {self.head[:300]!r}"))

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            self.head += data
            if b"\r\n\r\n" not in self.head:
                return
            if not self.head.startswith(b"HTTP/1.1 200"):
                self.opened.set_exception(LostError(f"a stream was refused: {self.head[:300]!r}"))
                return
            self.opened.set_result(None)
        self.bytes += len(data)
        self.last = time.perf_counter()
        if self.rest:
            data = self.rest + data
            self.rest = b""
        if data[-1] != 10:  # a line is not complete: a stamp may be cut in two
            end = data.rfind(b"\n") + 1
            self.rest = data[end:]
            data = data[:end]
        found = STAMP.findall(data)
        if self.late is not None and found:
            now = time.perf_counter_ns()
            self.late.extend(now - int(stamp) for stamp in set(found) - self.seen)
        self.seen.update(found)


class Exchange(asyncio.Protocol):
    """One keep-alive connection: a request, its whole answer, the next request."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = b""
        self.need = 0
        self.status = 0
        self.bytes = 0
        self.answered: Answered | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, problem: Exception | None) -> None:
        if self.answered is not None:
            self.answered(0, f"the connection was closed: {problem}".encode())

    def ask(self, request: bytes, answered: Answered) -> None:
        """Sends; `answered(status, body)` is called when the answer is complete, with status 0 when none came."""
        self.answered = answered
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        self.received += data
        if not self.need:
            head, end, _ = self.received.partition(b"\r\n\r\n")
            if not end:
                return
            self.status = int(head[9:12])
            if self.status == 204:  # it has no body, and no length (RFC 9110, 8.6)
                head += b"\r\ncontent-length: 0"
                self.received = head + end
            _, found, length = head.lower().partition(b"\r\ncontent-length:")
            if not found:
                raise ValueError(f"an answer without a length: {head!r}")
            self.need = len(head) + 4 + int(length.partition(b"\r")[0])
        if len(self.received) >= self.need:
            body = self.received[self.received.index(b"\r\n\r\n") + 4 :]
            self.received, self.need = b"", 0
            answered, self.answered = self.answered, None
            assert answered is not None
            answered(self.status, body)


async def connect(port: int) -> Exchange:
    """A connection of its own."""
    _, exchange = await asyncio.get_running_loop().create_connection(Exchange, "127.0.0.1", port)
    return exchange


async def ask(exchange: Exchange, request: bytes, expected: int = 200) -> bytes:
    """The body of the answer; raises LostError when its status is another."""
    future: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
    exchange.ask(request, lambda status, body: future.set_result((status, body)))
    status, body = await asyncio.wait_for(future, 30)
    if status != expected:
        raise LostError(f"answered {status}, not {expected}: {request[:80]!r} -> {body[:500]!r}")
    return body


async def heads(wire: Wire, rooms: Sequence[int]) -> dict[int, int]:
    """How far each conversation has come: the cursor to begin from. All 0 where a server has no cursors."""
    found = dict.fromkeys(rooms, 0)
    exchange = await connect(wire.port)
    for room in rooms:
        request = wire.head(room)
        if request is not None:
            found[room] = json.loads(await ask(exchange, request))["change"]
    exchange.transport.close()
    return found


async def open_streams(port: int, requests: Sequence[bytes], sampled: int = 0) -> list[Stream]:
    """Streams that all have begun; of `sampled` of them, spread evenly, every message is timed."""
    loop, streams = asyncio.get_running_loop(), []
    every = max(1, len(requests) // sampled) if sampled else 0
    for start in range(0, len(requests), 50):  # fifty at once: the accept queue is not what we measure
        some = []
        for number, request in enumerate(requests[start : start + 50], start):
            stream = Stream(request, [] if every and number % every == 0 else None)
            await loop.create_connection(lambda stream=stream: stream, "127.0.0.1", port)  # type: ignore[misc]
            some.append(stream)
        await asyncio.wait_for(asyncio.gather(*(stream.opened for stream in some)), 30)
        streams += some
    return streams


async def quiet(streams: Sequence[Stream], seconds: float = 1.0, at_most: float = 15.0) -> None:
    """Waits until no stream has received anything for a while: what a connect brings has come."""
    end = time.perf_counter() + at_most
    while time.perf_counter() < end:
        await asyncio.sleep(0.1)
        if time.perf_counter() - max(stream.last for stream in streams) >= seconds:
            return


async def arrived(streams: Sequence[Stream], wanted: Sequence[set[bytes]], seconds: float = 15.0) -> list[str]:
    """Waits until each stream has all that it should; gives what is missing then, as sentences."""
    end = time.perf_counter() + seconds
    pairs = list(zip(streams, wanted, strict=True))
    while True:
        pairs = [(stream, all_of_them) for stream, all_of_them in pairs if not stream.seen >= all_of_them]
        if not pairs:
            return []
        if time.perf_counter() > end:
            missing = sum(len(all_of_them - stream.seen) for stream, all_of_them in pairs)
            closed = sum(stream.closed for stream, _ in pairs)
            return [f"LOST: {missing} deliveries, on {len(pairs)} streams ({closed} of them were closed)"]
        await asyncio.sleep(0.02)


def close(streams: Sequence[Stream]) -> None:
    """Ends them all."""
    for stream in streams:
        stream.transport.abort()


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which that part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
