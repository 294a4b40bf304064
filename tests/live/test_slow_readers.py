"""Clients that read slowly, or not at all: they get everything or are ended, and nobody waits for them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

from app.core import database
from app.live.hub import FURTHEST_BEHIND, Hub
from app.live.stream import Stream
from tests.conftest import Actor, Cast
from tests.streams import Feed, following


class Slow:
    """A stream on a socket with hardly any room, read only when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, own: socket.socket) -> None:
        self.reader = reader
        self.own = own
        self.text = bytearray()

    def make_room(self) -> None:
        """From now on it takes more at once: ten megabytes through four kilobytes take a minute on a busy machine."""
        self.own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    async def read_until(self, wanted: bytes, seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            start = 0
            while self.text.find(wanted, start) < 0:
                start = max(0, len(self.text) - len(wanted))
                got = await self.reader.read(65536)
                assert got, f"it ended before {wanted!r} came"
                self.text += got

    async def read_to_the_end(self, seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            try:
                while got := await self.reader.read(65536):
                    self.text += got
            except ConnectionError:
                return  # cut off in the middle of a chunk: that is an end too

    def changes(self, conversation: int) -> list[int]:
        """The changes of the events that came whole, by their ids."""
        found = []
        for event in self.text.replace(b"\r\n", b"\n").split(b"\n\n")[:-1]:
            for line in event.split(b"\n"):
                if line.startswith(b"id: %d:" % conversation):
                    found.append(int(line.split(b":")[2]))
        return found


@asynccontextmanager
async def slowly(cast: Cast, who: Actor, after: str) -> AsyncIterator[Slow]:
    where = urlsplit(cast.server.url)
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    own.setblocking(False)
    await asyncio.get_running_loop().sock_connect(own, (where.hostname, where.port))
    reader, writer = await asyncio.open_connection(sock=own, limit=2048)
    head = f"GET /live?format=json&after={after} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {who.access}\r\n\r\n"
    writer.write(head.encode())
    try:
        yield Slow(reader, own)
    finally:
        writer.transport.abort()


async def fill(cast: Cast, many: int, size: int = 1900) -> int:
    """So many long messages at once; gives the newest change."""
    return int(
        await database.fetch_value(
            """
            WITH bumped AS (
                UPDATE conversation SET change = change + $3, position = position + $3 WHERE id = $1
                RETURNING change - $3 AS change, position - $3 AS position, change AS head
            ), written AS (
                INSERT INTO message (conversation, position, change, author, body)
                SELECT $1, b.position + n, b.change + n, $2, repeat('<', $4)
                FROM bumped b, generate_series(1, $3::bigint) n
            )
            SELECT head FROM bumped
            """,
            cast.chess,
            cast.olive.id,
            many,
            size,
        )
    )


def stream_of(cast: Cast, who: Actor) -> Stream:
    hub: Hub = cast.server.app.state.hub
    (found,) = [stream for stream in hub.streams.values() if stream.person == who.id]
    return found


async def test_a_client_that_is_far_behind_and_reads_slowly_gets_everything_on_one_stream(cast: Cast) -> None:
    head = await fill(cast, 950)
    async with slowly(cast, cast.milo, f"{cast.chess}:2") as slow:
        await stuck(cast, cast.milo)
        slow.make_room()
        await slow.read_until(b"id: %d:%d\n" % (cast.chess, head))
        await slow.read_until(b"}\n\n")
        sent = await cast.say(cast.mina, "and now live")
        await slow.read_until(b"id: %d:%d\n" % (cast.chess, sent["change"]))
        assert not stream_of(cast, cast.milo).closing
        assert slow.changes(cast.chess)[:948] == list(range(3, 951))


async def test_a_client_that_reads_nothing_is_ended_and_comes_back_to_all_that_it_missed(cast: Cast) -> None:
    start = await fill(cast, 1)
    async with slowly(cast, cast.milo, f"{cast.chess}:{start}") as slow:
        await slow.read_until(b"event: conversation\n")
        stream = stream_of(cast, cast.milo)
        async with following(cast.server, cast.mina, f"{cast.chess}:{start}") as feed:
            head = start
            while not stream.closing:
                assert head < 9000, "a stream that reads nothing is never ended"
                head = await fill(cast, 100)
                cast.server.app.state.bell.ring("c", cast.chess)
                await feed.until(partial(at, f"{cast.chess}:{head}"), seconds=15)
        await gone(cast, stream)
        await slow.read_to_the_end()
        came = slow.changes(cast.chess)
        assert came == list(range(start + 1, start + 1 + len(came)))
    last = came[-1] if came else start
    heard = f"{cast.chess}:{last}"
    async with following(cast.server, cast.milo, f"{cast.chess}:{start}", last_event_id=heard) as again:
        await again.until(lambda f: bool(f.named("reset")) or f.cursor == f"{cast.chess}:{head}")
        assert bool(again.named("reset")) == (head - last > FURTHEST_BEHIND)
        if not again.named("reset"):
            assert [e.json["change"] for e in again.named("message")] == list(range(last + 1, head + 1))


async def stuck(cast: Cast, who: Actor) -> None:
    """Returns when their socket takes no more."""
    hub: Hub = cast.server.app.state.hub
    for _ in range(1000):
        if any(stream.queue is not None for stream in hub.streams.values() if stream.person == who.id):
            return
        await asyncio.sleep(0.01)  # a full socket has no event that a test could wait for
    raise AssertionError("the socket takes everything")


def at(cursor: str, feed: Feed) -> bool:
    return feed.cursor == cursor


async def gone(cast: Cast, stream: Stream) -> None:
    """Returns when the server holds neither the stream nor its connection."""
    hub: Hub = cast.server.app.state.hub
    for _ in range(500):
        if stream.number not in hub.streams and stream.transport is None:
            return
        await asyncio.sleep(0.01)  # the end of a connection has no event that a test could wait for
    raise AssertionError("its connection is held for ever")
