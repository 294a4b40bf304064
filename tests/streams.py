"""Reading a stream as a client does: parsed events, waited for, never slept for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
import msgspec

from tests.conftest import NO_TLS, Actor


@dataclass
class Event:
    """One event: its name, its data, and the cursor it carried (empty for state)."""

    name: str
    data: str
    id: str = ""

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.data)


@dataclass
class Feed:
    """An open stream. `events` grows as they come; `ended` is set when the server ends it."""

    response: httpx.Response
    events: list[Event] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def cursor(self) -> str:
        """The last id, as a client would send it when it comes back."""
        return next((event.id for event in reversed(self.events) if event.id), "")

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    async def until(self, wanted: Callable[["Feed"], bool], seconds: float = 30) -> None:
        """Waits until the condition holds; fails with what came instead."""
        try:
            async with asyncio.timeout(seconds), self._came:
                await self._came.wait_for(lambda: wanted(self))
        except TimeoutError:
            raise AssertionError(f"it never came; there were {[(e.name, e.id) for e in self.events]}") from None

    async def next(self, name: str, seconds: float = 30) -> Event:
        """Waits for one more event of that name and gives it."""
        before = len(self.named(name))
        await self.until(lambda feed: len(feed.named(name)) > before, seconds)
        return self.named(name)[before]

    async def add(self, event: Event) -> None:
        async with self._came:
            self.events.append(event)
            self._came.notify_all()

    async def end(self) -> None:
        async with self._came:
            self.ended.set()
            self._came.notify_all()


class Served(Protocol):
    """Where a server listens."""

    url: str


@asynccontextmanager
async def following(
    server: Served, who: Actor, after: str | None = None, *, json: bool = True, last_event_id: str | None = None
) -> AsyncIterator[Feed]:
    """An open stream of that person, once the server has said its present state (or `reset`)."""
    params = {"format": "json"} if json else {}
    if after is not None:
        params["after"] = after
    headers = {"accept": "text/event-stream"} | ({"authorization": f"Bearer {who.access}"} if who.access else {})
    if last_event_id is not None:
        headers["last-event-id"] = last_event_id
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=None, verify=NO_TLS) as client,
        client.stream("GET", "/live", params=params, headers=headers) as response,
    ):
        feed = Feed(response)
        if response.status_code != 200:
            await response.aread()
            yield feed
            return
        reading = asyncio.create_task(_read(response, feed))
        try:
            await feed.until(lambda f: bool(f.events) or f.ended.is_set())
            yield feed
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(response: httpx.Response, feed: Feed) -> None:
    name, id_ = "", ""
    data: list[str] = []
    try:
        async for line in response.aiter_lines():
            if line == "":
                if name:
                    await feed.add(Event(name, "\n".join(data), id_))
                name, data, id_ = "", [], ""
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif line.startswith("id: "):
                id_ = line[4:]
    except httpx.TransportError:
        pass
    finally:
        await feed.end()
