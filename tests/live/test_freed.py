"""A stream that ended leaves nothing behind, however it ended and whatever happened meanwhile."""

import asyncio

import pytest

from app.core import database
from app.live.hub import Hub
from app.live.stream import Stream
from tests.conftest import Cast
from tests.conversations.story import make_group
from tests.streams import following


async def assert_nothing_is_left(hub: Hub) -> None:
    for _ in range(1000):
        if not hub.streams and not await database.fetch_value("SELECT count(*) FROM live_stream"):
            break
        await asyncio.sleep(0.01)  # the server notices a hang-up by itself; there is no event for it
    await hub.watch.check_heads()
    left = {
        "streams": hub.streams,
        "by_person": hub.by_person,
        "tails": hub.tails,
        "conversations_of": hub.conversations_of,
        "people_of": hub.people_of,
        "heads": hub.heads,
    }
    assert not {name: held for name, held in left.items() if held}


async def test_after_people_were_removed_left_and_came_while_streams_were_open(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo, cast.mina)
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0,{group}:0") as milo,
        following(cast.server, cast.mina) as mina,
        following(cast.server, cast.oscar, json=False) as oscar,
    ):
        await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
        await cast.mina.api.delete(f"/conversations/{cast.chess}/members/{cast.mina.id}")
        await cast.olive.api.post(f"/conversations/{group}/members", json={"username": "oscar"})
        await milo.until(lambda f: any(e.json.get("removed") for e in f.named("conversation")))
        await mina.until(lambda f: any(e.json.get("removed") for e in f.named("conversation")))
        await oscar.until(lambda f: any(f'id="conversation-{group}"' in e.data for e in f.events))
    await assert_nothing_is_left(cast.server.app.state.hub)


async def test_after_a_group_was_deleted_while_streams_were_open(cast: Cast) -> None:
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0") as looking,
        following(cast.server, cast.mina, json=False) as elsewhere,
    ):
        await cast.olive.api.delete(f"/conversations/{cast.chess}")
        await looking.until(lambda f: any(e.json.get("removed") for e in f.named("conversation")))
        await elsewhere.until(lambda f: bool(f.named("conversation-gone")))
    await assert_nothing_is_left(cast.server.app.state.hub)


async def test_after_streams_that_were_refused_or_told_to_load_anew(cast: Cast) -> None:
    for after in (f"{cast.chess}:0", f"{cast.chess}:0,{cast.general}:0"):
        async with following(cast.server, cast.oscar, after) as refused:
            assert refused.response.status_code == 404
    async with following(cast.server, cast.milo, f"{cast.chess}:{10**12}") as reset:
        assert reset.named("reset")
    await assert_nothing_is_left(cast.server.app.state.hub)


async def test_after_a_client_that_hung_up_while_it_was_let_in(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    hub: Hub = cast.server.app.state.hub
    let_in = hub.admit
    asked, gone, admitted = (asyncio.Event() for _ in range(3))

    async def slowly(stream: Stream) -> dict[int, int] | None:
        asked.set()
        await gone.wait()
        heads = await let_in(stream)
        admitted.set()
        return heads

    monkeypatch.setattr(hub, "admit", slowly)
    before = set(cast.server.process.server_state.connections)
    _reader, writer = await asyncio.open_connection("127.0.0.1", cast.server.settings.port)
    writer.write(f"GET /live HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {cast.milo.access}\r\n\r\n".encode())
    await asyncio.wait_for(asked.wait(), 10)
    writer.close()
    async with asyncio.timeout(10):
        while set(cast.server.process.server_state.connections) - before:
            await asyncio.sleep(0.01)  # the server notices a hang-up by itself; there is no event for it
    gone.set()
    await asyncio.wait_for(admitted.wait(), 10)
    await assert_nothing_is_left(hub)


async def test_after_a_refresh_that_comes_too_late(cast: Cast) -> None:
    hub: Hub = cast.server.app.state.hub
    async with following(cast.server, cast.milo) as feed:
        stream = next(iter(hub.streams.values()))
        late = asyncio.create_task(hub.refresh(cast.milo.id))
        await asyncio.sleep(0)  # it waits for the database
        stream.close()
        await feed.until(lambda f: f.ended.is_set())
    await late
    await assert_nothing_is_left(hub)


async def test_what_the_registry_forgot_to_remove_is_removed_by_the_next_sign_of_life(cast: Cast) -> None:
    hub: Hub = cast.server.app.state.hub
    async with following(cast.server, cast.milo):
        await database.fetch(
            "INSERT INTO live_stream (id, process, person, opened_at) VALUES (7, $1, $2, now() - interval '1 hour')",
            hub.process,
            cast.milo.id,
        )
        hub._unsure = True  # as after a close of which the database did not hear
        await hub._say_alive()
        numbers = await database.fetch("SELECT id FROM live_stream")
        assert [row["id"] for row in numbers] == list(hub.streams)
