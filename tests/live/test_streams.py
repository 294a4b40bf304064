"""Streams themselves: how many, how slow, how they end, what they cost when they are gone."""

import asyncio
import dataclasses
from uuid import uuid4

import asyncpg
import httpx
import pytest

from app.core import database
from app.core.settings import Settings
from app.messages import sending
from tests.conftest import NO_TLS, Cast
from tests.conversations.story import waiting
from tests.streams import following


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, max_connections_per_user=2, heartbeat_seconds=0.3)


async def test_the_oldest_of_too_many_streams_is_closed_with_the_word(cast: Cast) -> None:
    async with (
        following(cast.server, cast.milo) as first,
        following(cast.server, cast.milo) as second,
        following(cast.server, cast.milo) as third,
    ):
        await first.until(lambda f: f.ended.is_set())
        assert (first.events[-1].name, first.events[-1].data) == ("close", "too-many")
        assert not second.ended.is_set()
        assert not third.ended.is_set()


async def test_a_stream_hears_a_ping_and_when_to_come_back(cast: Cast) -> None:
    async with following(cast.server, cast.milo) as feed:
        await feed.next("ping")
    waits = set()
    for _ in range(3):
        headers = {"authorization": f"Bearer {cast.milo.access}"}
        async with (
            httpx.AsyncClient(base_url=cast.server.url, verify=NO_TLS) as client,
            client.stream("GET", "/live", headers=headers) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert "content-security-policy" in answer.headers
            line = await anext(answer.aiter_lines())
            waits.add(line)
            assert 1000 <= int(line.removeprefix("retry: ")) <= 4000
    assert len(waits) > 1


async def test_the_database_may_go_away_while_a_stream_reads_what_it_missed(cast: Cast) -> None:
    said = [await cast.say(cast.milo, f"line {number}") for number in range(3)]
    other = await asyncpg.connect(cast.server.settings.database_url)
    try:
        holding = other.transaction()
        await holding.start()
        await other.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
        async with following(cast.server, cast.milo, f"{cast.chess}:{said[0]['change']}") as feed:
            await waiting()  # the head of its answer has gone: it is too late for a 503
            assert await other.fetchval("SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE NOT granted") > 0
            await waiting()
            await holding.rollback()
            await feed.until(lambda f: [e.json["id"] for e in f.named("message")] == [m["id"] for m in said[1:]])
            assert feed.named("conversation")
            assert not feed.ended.is_set()
    finally:
        await other.close()


async def test_a_lost_hint_costs_a_moment_and_no_message(cast: Cast) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0") as feed:
        kept = await sending.send(cast.chess, sending.Draft(cast.milo.id, uuid4(), "nobody rang", None))
        assert kept is not None
        await feed.until(lambda f: any(e.json["body"] == "nobody rang" for e in f.named("message")), seconds=15)


async def test_nothing_is_left_of_streams_that_ended(cast: Cast) -> None:
    hub = cast.server.app.state.hub
    async with following(cast.server, cast.milo, f"{cast.chess}:0"), following(cast.server, cast.mina):
        assert hub.tails
        assert hub.people_of
    async with asyncio.timeout(10):
        while hub.streams or await database.fetch_value("SELECT count(*) FROM live_stream"):
            await asyncio.sleep(0.01)  # the server notices a hang-up by itself; there is no event for it
    assert not hub.by_person
    assert not hub.tails
    assert not hub.conversations_of
    assert not hub.people_of
    assert not hub.heads


async def test_an_html_stream_without_a_cursor_gets_the_state_alone(cast: Cast) -> None:
    async with following(cast.server, cast.mina, json=False) as feed:
        await feed.until(lambda f: bool(f.named("notification")))
        names = [event.name for event in feed.events if event.name not in ("ping", "presence")]  # who comes, whenever
        assert names == ["sidebar", "notification"]
        await cast.say(cast.milo, "hello?")
        line = await feed.next("conversation")
        assert f'id="conversation-{cast.chess}"' in line.data
        assert 'data-unread="1"' in line.data
        assert not feed.named("message")


async def test_state_is_said_in_the_language_of_the_stream(cast: Cast) -> None:
    for who in (cast.mina, cast.milo):  # who looks is in the general room
        await who.api.get("/conversations")
    async with following(cast.server, cast.mina, json=False) as french:
        await french.until(lambda feed: any("Général" in event.data for event in feed.named("sidebar")))
    async with following(cast.server, cast.milo, json=False) as english:
        await english.until(lambda feed: any("General" in event.data for event in feed.named("sidebar")))


async def test_reading_elsewhere_takes_the_count_away(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "read me")
    async with following(cast.server, cast.mina) as feed:
        await feed.until(lambda f: any(e.json["id"] == cast.chess for e in f.named("conversation")))
        counts = {e.json["id"]: e.json["unread"] for e in feed.named("conversation")}
        assert counts[cast.chess] == 1
        await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": sent["position"]})
        await feed.until(
            lambda f: any(e.json["id"] == cast.chess and e.json["unread"] == 0 for e in f.named("conversation"))
        )
