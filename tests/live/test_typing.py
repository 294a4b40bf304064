"""Who is typing: told to those who have the conversation open and may see the person, and to nobody else."""

import asyncio
import dataclasses
import time
from typing import Any

import pytest

from app.conversations import feed as conversations
from app.core import database
from app.core.settings import Settings
from app.live import wire
from app.live.state import GATHER
from app.live.typing import Typing
from tests.conftest import Actor, Cast
from tests.processes import second_server
from tests.streams import Event, Feed, following


async def types(who: Actor, conversation: int, status: int = 204) -> None:
    answer = await who.api.post(f"/conversations/{conversation}/typing")
    assert answer.status_code == status, answer.text


async def told_first(feed: Feed) -> Event:
    """The first signal that comes."""
    await feed.until(lambda f: bool(f.named("typing")))
    return feed.named("typing")[0]


async def told(cast: Cast, feed: Feed) -> list[Event]:
    """What the stream was told of typing, once everything that was on its way has come: a line that follows it is."""
    await types(cast.olive, cast.chess)
    await feed.until(lambda f: any("Olive" in event.data for event in f.named("typing")))
    return [event for event in feed.named("typing") if "Olive" not in event.data]


async def test_members_who_have_it_open_are_told(cast: Cast) -> None:
    async with (
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page,
        following(cast.server, cast.olive) as program,
    ):
        await types(cast.milo, cast.chess)
        shown = await told_first(page)
        assert (shown.data, shown.id) == (f'<bdi data-person="{cast.milo.id}">Milo Member</bdi>', "")
        event = await told_first(program)
        milo = {"id": cast.milo.id, "username": "milo", "name": "Milo Member"}
        assert event.json == {"conversation_id": cast.chess, "person": milo, "seconds": 6}


async def test_one_is_not_told_of_oneself(cast: Cast) -> None:
    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as page:
        await types(cast.milo, cast.chess)
        assert await told(cast, page) == []


async def test_a_page_of_another_conversation_is_not_told(cast: Cast) -> None:
    await cast.milo.api.get("/conversations")
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        await types(cast.milo, cast.general)
        assert await told(cast, page) == []


async def test_whoever_is_not_in_it_tells_nothing(cast: Cast) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        for who, status in ((cast.oscar, 404), (cast.remy, 404), (cast.nobody, 401)):
            await types(who, cast.chess, status)
        assert await told(cast, page) == []


@pytest.mark.parametrize(("blocker", "blocked"), [("milo", "mina"), ("mina", "milo")])
async def test_those_who_are_blocked_either_way_are_not_told_of_each_other(
    cast: Cast, blocker: str, blocked: str
) -> None:
    await getattr(cast, blocker).api.put(f"/people/{blocked}/block")
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        await types(cast.milo, cast.chess)
        assert await told(cast, page) == []


@pytest.mark.parametrize("gone", ["milo", "mina"])
async def test_whoever_was_removed_at_this_moment_neither_tells_nor_is_told(cast: Cast, gone: str) -> None:
    """Also when the hint came before the removal, and the feed has not told of it yet."""
    hub: Any = cast.server.app.state.hub
    typing: Typing = hub.typing
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        removed = getattr(cast, gone)
        await database.fetch("DELETE FROM membership WHERE conversation = $1 AND person = $2", cast.chess, removed.id)
        await typing._tell([(cast.chess, cast.milo.id)])
        for stream in hub.by_person.get(cast.mina.id, ()):
            stream.deliver(wire.PING)
        await page.until(lambda f: bool(f.named("ping")))  # whatever was written before it has come
        assert page.named("typing") == []


async def test_it_is_asked_for_once_for_all_who_type_within_a_moment(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[tuple[int, int]]] = []
    real = conversations.typists

    async def counted(signals: list[tuple[int, int]], viewers: list[int]) -> Any:
        asked.append(signals)
        return await real(signals, viewers)

    monkeypatch.setattr(conversations, "typists", counted)
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        began = time.monotonic()
        await asyncio.gather(*(types(who, cast.chess) for who in (cast.milo, cast.olive) for _ in range(20)))
        await page.until(lambda f: {"Milo", "Olive"} <= {e.data.split(">")[1].split()[0] for e in f.named("typing")})
    assert len(asked) <= 4 + (time.monotonic() - began) / GATHER, "forty signals"


async def test_nobody_is_asked_about_where_nobody_looks(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    typing: Typing = cast.server.app.state.hub.typing
    await types(cast.milo, cast.chess)
    assert typing.waiting == {}


async def test_in_a_crowd_nothing_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, int]] = []
    monkeypatch.setattr(cast.server.app.state.hub.typing, "hear", lambda *signal: heard.append(signal))
    await types(cast.milo, cast.chess)
    assert heard == [(cast.chess, cast.milo.id)]
    await database.fetch(
        """
        WITH made AS (
            INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key)
            SELECT 'p' || n, 'p' || n, 'P', 'p' || n, 'p' || n, 'x', 'p' FROM generate_series(1, 98) n RETURNING id
        ) INSERT INTO membership (conversation, person) SELECT $1, id FROM made
        """,
        cast.chess,
    )
    await types(cast.milo, cast.chess)
    assert len(heard) == 1


async def test_in_another_process_it_is_told_too(cast: Cast) -> None:
    async with (
        second_server(cast.server.settings) as other,
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page,
    ):
        url = f"{other.url}/conversations/{cast.chess}/typing"
        assert (await cast.milo.api.post(url)).status_code == 204
        await told_first(page)


class TestInASchool:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, role_policy="school")

    async def test_whoever_may_only_read_does_not_type(self, cast: Cast) -> None:
        await cast.milo.api.get("/conversations/general")
        await types(cast.milo, cast.general, 403)
        await types(cast.olive, cast.general)


async def test_it_is_a_name_and_no_markup(cast: Cast) -> None:
    await cast.milo.api.patch("/me", json={"name": "<img src=x onerror=alert(1)> & Co"})
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        await types(cast.milo, cast.chess)
        assert "&lt;img src=x onerror=alert(1)&gt; &amp; Co</bdi>" in (await told_first(page)).data
