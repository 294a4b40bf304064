"""HTTP and Server-Sent Events over bare sockets: every cut is seen as it is, and nothing is retried unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec

PATIENCE = 30.0  # no answer takes longer, whatever is broken; a hang fails the test


class Cut(Exception):
    """The connection broke before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream; `id` is empty for state."""

    name: str
    data: str
    id: str


class Connection:
    """One connection, opened when first needed and again after a cut."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port = port
        self.token = token
        self.local_port = 0
        self.torn = b""  # what a stream ended with, beyond its last whole event
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request and its answer. Raises Cut when it is not known whether it was done."""
        try:
            async with asyncio.timeout(PATIENCE):
                head = await self._send(method, path, {}, msgspec.json.encode(body) if body is not None else b"")
                assert self._reader is not None
                content = await self._reader.readexactly(int(head.headers.get("content-length", "0")))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Cut(type(error).__name__) from error
        except BaseException:
            self.close()
            raise
        if head.headers.get("connection") == "close":
            self.close()
        return Answer(head.status, head.headers, content)

    async def follow(self, path: str, last_event_id: str = "") -> Answer:
        """Opens a stream; then `events` are read. Raises Cut."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._send("GET", path, {"Last-Event-ID": last_event_id} if last_event_id else {}, b"")
                if answer.status == 200:
                    return answer
                assert self._reader is not None
                content = await self._reader.readexactly(int(answer.headers.get("content-length", "0")))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Cut(type(error).__name__) from error
        return Answer(answer.status, answer.headers, content)

    async def events(self) -> AsyncIterator[Event]:
        """The events until the server ends the stream in good order. Raises Cut when it breaks instead."""
        assert self._reader is not None
        self.torn = b""
        try:
            while size := int(await self._reader.readline() or b"x", 16):
                *blocks, self.torn = (self.torn + await self._reader.readexactly(size)).split(b"\n\n")
                await self._reader.readexactly(2)
                for block in blocks:
                    yield _event(block.decode())
        except asyncio.IncompleteReadError as error:
            self.torn += error.partial.strip(b"\r\n")
            raise Cut(type(error).__name__) from error
        except (OSError, ValueError) as error:
            raise Cut(type(error).__name__) from error
        finally:
            self.close()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _send(self, method: str, path: str, more: dict[str, str], body: bytes) -> Answer:
        if self._writer is None or self._reader is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
            self.local_port = self._writer.get_extra_info("sockname")[1]
        headers = {"Host": f"localhost:{self.port}", "Accept": "application/json", "Content-Length": str(len(body))}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in (headers | more).items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        status, *rest = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        named = [line.partition(": ") for line in rest if line]
        return Answer(int(status.split()[1]), {name.lower(): value for name, _sep, value in named})


def _event(block: str) -> Event:
    fields: dict[str, list[str]] = {}
    for line in block.split("\n"):
        name, _sep, value = line.partition(": ")
        fields.setdefault(name, []).append(value)
    return Event(
        name=fields.get("event", [""])[0], data="\n".join(fields.get("data", [])), id=fields.get("id", [""])[0]
    )
