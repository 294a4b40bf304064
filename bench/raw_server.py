"""The yardstick: the least that a Python server can do for a live room, and no framework.

It knows no people, no rights, no templates, no cursors and no replay. It inserts a message, answers after the commit,
and writes the same bytes as our app's event to every stream of the room. What Causerie costs beyond it is Causerie.
"""

import argparse
import asyncio
import html
import json
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, cast

import asyncpg
import uvloop

TABLE = """CREATE TABLE IF NOT EXISTS raw_message
    (id bigserial PRIMARY KEY, room int NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX IF NOT EXISTS raw_message_room ON raw_message (room, id)"""
INSERT = "INSERT INTO raw_message (room, body) VALUES ($1, $2) RETURNING id"
LATEST = "SELECT id, body, created_at FROM raw_message WHERE room = $1 ORDER BY id DESC LIMIT 50"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
HEARTBEAT = b"3\r\n:\n\n\r\n"
MAX_WAITING = 1 << 20  # bytes that a stream may leave unread before it is closed


class Server:
    """The streams of each room, and what arrives for them."""

    def __init__(self, pool: asyncpg.Pool, event: bytes) -> None:
        self.pool = pool
        self.event = event  # one event of our app, with @ID@ and @BODY@ where those stood
        self.rooms: dict[int, set[asyncio.Transport]] = {}

    def deliver(self, room: int, number: int, body: str) -> None:
        event = self.event.replace(b"@ID@", b"%d:%d" % (room, number)).replace(b"@BODY@", html.escape(body).encode())
        self.write(self.rooms.get(room, ()), b"%x\r\n%b\r\n" % (len(event), event))  # encoded once

    def write(self, streams: Iterable[asyncio.Transport], chunk: bytes) -> None:
        for stream in streams:
            stream.write(chunk)
            if stream.get_write_buffer_size() > MAX_WAITING:
                stream.abort()

    async def send(self, room: int, request: bytes) -> bytes:
        body = json.loads(request)["body"]
        number = await self.pool.fetchval(INSERT, room, body)  # committed when it returns
        self.deliver(room, number, body)
        return _answer(b"201 Created", b"application/json", b'{"id":%d}' % number)

    async def page(self, room: int) -> bytes:
        rows = await self.pool.fetch(LATEST, room)
        shown = "".join(
            f'<li id="m{row["id"]}"><time>{row["created_at"].isoformat()}</time><p>{html.escape(row["body"])}</p>'
            for row in reversed(rows)
        )
        text = f"<!doctype html><title>Room {room}</title><ol>{shown}</ol>"
        return _answer(b"200 OK", b"text/html; charset=utf-8", text.encode())

    async def beat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            for streams in self.rooms.values():
                self.write(streams, HEARTBEAT)


class Connection(asyncio.Protocol):
    """One client: requests one after another, or a stream."""

    transport: asyncio.Transport
    task: asyncio.Task[None]  # held here: the loop alone would let it be collected

    def __init__(self, server: Server) -> None:
        self.server = server
        self.received = b""
        self.room: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, problem: Exception | None) -> None:
        if self.room is not None:
            self.server.rooms[self.room].discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, rest = self.received.partition(b"\r\n\r\n")
        if not end:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return
        self.received = rest[length:]
        self.handle(head.split(b" ", 2)[1], rest[:length])

    def handle(self, path: bytes, body: bytes) -> None:
        _, what, room = path.split(b"/")
        if what == b"live":
            self.room = int(room)
            self.server.rooms.setdefault(self.room, set()).add(self.transport)
            self.transport.write(STREAM_HEAD)
        elif what == b"send":
            self.task = asyncio.create_task(self.reply(self.server.send(int(room), body)))
        else:
            self.task = asyncio.create_task(self.reply(self.server.page(int(room))))

    async def reply(self, answer: Coroutine[Any, Any, bytes]) -> None:
        self.transport.write(await answer)


def _answer(status: bytes, kind: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (status, kind, len(body), body)


async def serve(dsn: str, port: int, event: bytes, heartbeat: float) -> None:
    """Listens on the loopback until the process is ended."""
    async with asyncpg.create_pool(dsn, min_size=8, max_size=8) as pool:
        await pool.execute(TABLE)
        server = Server(pool, event)
        listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(server), "127.0.0.1", port, backlog=2048
        )
        async with listening:
            await server.beat(heartbeat)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("dsn")
    parser.add_argument("port", type=int)
    parser.add_argument("event", type=Path, help="a file with one event of our app")
    parser.add_argument("heartbeat", type=float, help="seconds between two heartbeats")
    given = parser.parse_args()
    uvloop.run(serve(given.dsn, given.port, given.event.read_bytes(), given.heartbeat))
