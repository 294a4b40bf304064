"""What changes while the state is being read is told as well: a read never takes a later change with it."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock

import pytest

from app.conversations import feed as conversations
from app.conversations import lines
from app.live.tail import Tail
from tests.conftest import Cast
from tests.streams import following


@pytest.mark.parametrize("read", ["panel", "item_rows"])
async def test_a_change_during_the_read_of_the_one_before_is_told(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    """The read ends late: what it found was true before the second change."""
    hub: Any = cast.server.app.state.hub
    module = {"panel": conversations, "item_rows": lines}[read]
    real = getattr(module, read)
    reading, go = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        found = await real(*arguments)
        reading.set()
        await go.wait()
        return found

    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as feed:
        await feed.until(lambda f: bool(f.named("conversation-head")))
        monkeypatch.setattr(module, read, slow)
        hub.state.head(cast.chess)
        hub.state.line(cast.milo.id, cast.chess)
        await asyncio.wait_for(reading.wait(), 5)
        renamed = await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": "Late club"})
        assert renamed.status_code == 200
        await feed.until(lambda f: any("Late club" in event.data for event in f.named("message")))
        hub.state.line(cast.milo.id, cast.chess)
        go.set()
        event = {"panel": "conversation-head", "item_rows": "conversation"}[read]
        await feed.until(lambda f: any("Late club" in e.data for e in f.named(event)))


async def test_a_removed_member_is_not_told_what_was_renamed_after(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the tail, which tells of the removal, is late."""
    hub: Any = cast.server.app.state.hub
    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as feed:
        await feed.until(lambda f: bool(f.named("sidebar")))
        monkeypatch.setattr(Tail, "wake", lambda _tail: None)
        monkeypatch.setattr(hub, "refresh", AsyncMock())
        await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
        await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": "Without Milo"})
        hub.state.head(cast.chess)
        hub.state.line(cast.milo.id, cast.chess)
        await feed.until(lambda f: bool(f.named("conversation-gone")))
        assert not any("Without Milo" in event.data for event in feed.events)
