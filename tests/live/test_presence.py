"""Who is there: right with several tabs and processes, told to whom it may be told, at a bounded cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from bs4 import BeautifulSoup

from app.core import database
from app.live import presence as live_presence
from app.live import registry
from app.live.audience import audience
from app.people import presence
from app.people.presence import PLACE, Entry, Present
from tests.conftest import Actor, Cast, statements_of
from tests.processes import second_server, until
from tests.streams import Feed, following


def html(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html5lib")


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are made meanwhile."""
    statements: list[str] = []
    really = database.fetch

    async def counting(sql: str, *args: object) -> list[database.Row]:
        statements.append(sql)
        return await really(sql, *args)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "fetch", counting)
        yield statements


def presences(feed: Feed, who: Actor) -> list[str]:
    """What the page's stream was told of that person, in order: one by one, or with all beside the conversation (what
    was known before the stream began is told in that way alone)."""
    found = []
    for event in [event for event in feed.events if event.name in ("presence", "presences")]:
        for mark in html(event.data).select(f'.presence[data-person="{who.id}"]'):
            found.append(next((each[9:] for each in mark["class"] if each != "presence"), "offline"))
    return found


async def told(feed: Feed, who: Actor, state: str, seconds: float = 30) -> None:
    """Waits until the page's stream has last said this of that person."""
    await feed.until(lambda f: presences(f, who)[-1:] == [state], seconds)


async def state_of(viewer: Actor, who: Actor) -> str:
    answer = await viewer.api.get(f"/people/{who.username}")
    assert answer.status_code == 200
    return str(answer.json()["presence"])


async def is_(viewer: Actor, who: Actor, state: str) -> None:
    async def so() -> bool:
        return await state_of(viewer, who) == state

    await until(so, f"{who.name} is {state}")


async def long_silent(*people: Actor) -> None:
    """They did nothing for six minutes."""
    ids = [person.id for person in people]
    await database.fetch("UPDATE presence SET active_at = now() - interval '6 minutes' WHERE person = ANY($1)", ids)
    for number in ids:
        presence.book[number].present.active_at -= timedelta(minutes=6)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow each other at once, and who goes is gone at once."""
    monkeypatch.setattr(live_presence, "GATHER", 0.02)
    monkeypatch.setattr(live_presence, "REST", 0)
    monkeypatch.setattr(live_presence, "GRACE", 0.05)


async def test_who_opens_a_page_is_online_for_the_members_beside_them(cast: Cast, quick: None) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        assert await state_of(cast.mina, cast.milo) == "offline"
        async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
            await told(page, cast.milo, "online")
            await is_(cast.mina, cast.milo, "online")
        await told(page, cast.milo, "offline")
        assert await state_of(cast.mina, cast.milo) == "offline"


async def test_a_program_is_told_the_same(cast: Cast, quick: None) -> None:
    async with following(cast.server, cast.mina) as program:
        async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
            milo = {"id": cast.milo.id, "username": "milo", "name": "Milo Member"}
            await program.until(lambda f: {"person": milo, "state": "online"} in [e.json for e in f.named("presence")])
            assert {event.id for event in program.named("presence")} == {""}
        await program.until(lambda f: f.named("presence")[-1].json == {"person": milo, "state": "offline"})


async def test_an_old_page_with_what_it_was_told_is_a_fresh_page(cast: Cast, quick: None) -> None:
    here = f"/conversations/{cast.chess}"
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as feed:
        await told(feed, cast.mina, "online")
        old = html((await cast.mina.browser.get(here)).text)
        async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
            await told(feed, cast.milo, "online")
            for event in feed.named("presence"):
                for mark in html(event.data).select(".presence"):
                    for place in old.select(f'.presence[data-person="{mark["data-person"]}"]'):
                        place.replace_with(copy(mark))
            fresh = html((await cast.mina.browser.get(here)).text)
            assert [str(mark) for mark in old.select(".presence")] == [str(mark) for mark in fresh.select(".presence")]
            assert len(fresh.select("#members-pane .presence-online")) == 2


async def test_at_connect_a_page_is_told_who_is_there(cast: Cast, quick: None) -> None:
    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
        await is_(cast.mina, cast.milo, "online")
        async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
            await page.until(lambda f: bool(f.named("presences")))
            assert f'presence-online" data-person="{cast.milo.id}"' in page.named("presences")[0].data
            assert f'data-person="{cast.olive.id}"' not in page.named("presences")[0].data


async def test_with_two_tabs_open_closing_one_changes_nothing(cast: Cast, quick: None) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
            async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
                await told(page, cast.milo, "online")
            await cast.olive.api.post("/me/active")
            async with following(cast.server, cast.olive, f"{cast.chess}:0", json=False):
                await told(page, cast.olive, "online")  # what was on its way has come
            assert "offline" not in presences(page, cast.milo)
        await told(page, cast.milo, "offline")


async def test_going_from_page_to_page_is_not_leaving(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_presence, "GATHER", 0.02)
    rung: list[Any] = []
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
            await told(page, cast.milo, "online")
        hub = cast.server.app.state.hub
        await until(lambda: _is(cast.milo.id in hub.presence._leaving), "the stream has ended")
        monkeypatch.setattr(hub.presence, "hear", lambda *what: rung.append(what))
        async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
            assert cast.milo.id not in hub.presence._leaving
        assert rung == []


async def _is(value: bool) -> bool:
    return value


async def test_who_does_nothing_for_five_minutes_is_away_and_back_with_the_next_key(cast: Cast, quick: None) -> None:
    hub = cast.server.app.state.hub
    async with (
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page,
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False),
    ):
        await told(page, cast.milo, "online")
        await long_silent(cast.milo)
        await hub._say_alive()
        await told(page, cast.milo, "away")
        assert (await cast.milo.api.post("/me/active")).status_code == 204
        await told(page, cast.milo, "online")


async def test_who_is_active_elsewhere_is_not_away(cast: Cast, quick: None) -> None:
    """This process heard nothing of them for six minutes; the database knows of another that did."""
    hub = cast.server.app.state.hub
    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False):
        await is_(cast.mina, cast.milo, "online")
        await hub._say_alive()
        presence.book[cast.milo.id].present.active_at -= timedelta(minutes=6)
        await hub._say_alive()
        assert presence.state(cast.milo.id) == "online"


@pytest.mark.parametrize("choice", ["away", "busy"])
async def test_one_may_say_that_one_is_away_or_busy(cast: Cast, quick: None, choice: str) -> None:
    async with (
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page,
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False),
    ):
        await told(page, cast.milo, "online")
        answer = await cast.milo.api.patch("/me/privacy", json={"state": choice})
        assert answer.json() == {"state": choice, "shown_to": "everyone", "receipts": True}
        await told(page, cast.milo, choice)
        await cast.milo.api.post("/me/active")
        await is_(cast.mina, cast.milo, choice)


async def test_who_hides_it_is_seen_to_leave_and_no_more(cast: Cast, quick: None) -> None:
    async with (
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page,
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as own,
    ):
        await told(page, cast.milo, "online")
        await cast.milo.api.patch("/me/privacy", json={"shown_to": "nobody"})
        await told(page, cast.milo, "offline")
        await cast.milo.api.patch("/me/privacy", json={"state": "busy"})
        await told(own, cast.milo, "busy")  # to oneself it is shown
        assert "busy" not in presences(page, cast.milo)
        assert await state_of(cast.mina, cast.milo) == "offline"
        assert (await cast.mina.api.get("/people/milo")).json()["last_seen_at"] is None
        assert "milo" not in (await cast.mina.api.get("/people/online")).text


async def test_who_shows_it_to_contacts_shows_it_to_contacts(cast: Cast, quick: None) -> None:
    await cast.milo.api.patch("/me/privacy", json={"shown_to": "contacts"})
    asked = (await cast.milo.api.post("/contacts", json={"username": "mina"})).json()
    here = f"{cast.chess}:0"
    async with (
        following(cast.server, cast.mina, here, json=False) as friend,
        following(cast.server, cast.olive, here, json=False) as other,
        following(cast.server, cast.milo, here, json=False) as own,
    ):
        await told(own, cast.milo, "online")
        assert await state_of(cast.mina, cast.milo) == "offline"
        await cast.mina.api.put(f"/contacts/{asked['id']}/accept")
        await told(friend, cast.milo, "online")
        assert await state_of(cast.mina, cast.milo) == "online"
        assert await state_of(cast.olive, cast.milo) == "offline"
        await cast.mina.api.delete(f"/contacts/{asked['id']}")
        await told(friend, cast.milo, "offline")
        assert set(presences(other, cast.milo)) <= {"offline"}


@pytest.mark.parametrize(("blocker", "blocked"), [("milo", "mina"), ("mina", "milo")])
async def test_a_block_hides_them_from_each_other_at_once(cast: Cast, quick: None, blocker: str, blocked: str) -> None:
    here = f"{cast.chess}:0"
    async with (
        following(cast.server, cast.mina, here, json=False) as page,
        following(cast.server, cast.olive, here, json=False) as other,
        following(cast.server, cast.milo, here, json=False),
    ):
        await told(page, cast.milo, "online")
        await getattr(cast, blocker).api.put(f"/people/{blocked}/block")
        await told(page, cast.milo, "offline")
        before = len(presences(page, cast.milo))
        await cast.milo.api.patch("/me/privacy", json={"state": "busy"})
        await told(other, cast.milo, "busy")
        assert len(presences(page, cast.milo)) == before
        fresh = (await cast.mina.browser.get(f"/conversations/{cast.chess}")).text
        assert f'presence-busy" data-person="{cast.milo.id}"' not in fresh
        assert "milo" not in (await cast.mina.api.get("/people/online")).text
        await getattr(cast, blocker).api.delete(f"/people/{blocked}/block")
        await told(page, cast.milo, "busy")


async def test_who_reads_without_scripts_is_there_for_a_while(cast: Cast, quick: None) -> None:
    hub = cast.server.app.state.hub
    await cast.milo.browser.get(f"/conversations/{cast.chess}")
    await is_(cast.mina, cast.milo, "online")
    await database.fetch("UPDATE presence SET plain_until = now() - interval '1 second'")
    presence.book[cast.milo.id].present.plain_until = presence.now()
    await hub._say_alive()
    assert await state_of(cast.mina, cast.milo) == "offline"
    seen = (await cast.mina.api.get("/people/milo")).json()["last_seen_at"]
    assert seen is not None and seen.endswith("Z")


async def test_those_who_are_online_are_listed_by_name(cast: Cast, quick: None) -> None:
    here = f"{cast.chess}:0"
    async with (
        following(cast.server, cast.olive, here, json=False),
        following(cast.server, cast.milo, here, json=False),
    ):
        await is_(cast.mina, cast.milo, "online")
        await is_(cast.mina, cast.olive, "online")
        first = (await cast.mina.api.get("/people/online", params={"limit": 1})).json()
        second = (await cast.mina.api.get("/people/online", params={"limit": 1, "after": first["next"]})).json()
        listed = [person["username"] for person in (*first["people"], *second["people"])]
        assert (listed, second["next"]) == (["milo", "olive"], None)
        page = html((await cast.mina.browser.get("/people/online")).text)
        assert [place["data-person"] for place in page.select("#people .presence-online")] == [
            str(cast.milo.id),
            str(cast.olive.id),
        ]


async def test_another_process_knows_and_what_was_killed_is_gone(cast: Cast, quick: None) -> None:
    hub = cast.server.app.state.hub
    async with (
        second_server(cast.server.settings) as other,
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page,
        following(other, cast.milo, f"{cast.chess}:0", json=False),
    ):
        await told(page, cast.milo, "online")
        # What kill -9 leaves behind: a process that says no more that it lives, and its streams.
        await database.fetch(
            "UPDATE live_process SET seen_at = now() - interval '2 minutes' WHERE id <> $1", hub.process
        )
        await hub._say_alive()
        await told(page, cast.milo, "offline")


async def test_two_hundred_who_come_and_go_cost_rounds_and_not_people(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four rounds, each with two hundred signals: each at most three statements, and one event to the page."""
    hub = cast.server.app.state.hub
    monkeypatch.setattr(live_presence, "GATHER", 0.0)
    monkeypatch.setattr(live_presence, "REST", 0)
    rows = await database.fetch(
        """
        WITH made AS (
            INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key)
            SELECT 'crowd' || n, 'crowd' || n, 'Crowd ' || n, '', 'crowd' || n, '', 'crowd ' || n
            FROM generate_series(1, 200) n RETURNING id
        ), there AS (
            INSERT INTO membership (conversation, person) SELECT $1, id FROM made
        ), seen AS (INSERT INTO presence (person, active_at) SELECT id, now() FROM made)
        SELECT id FROM made
        """,
        cast.chess,
    )
    people = [row["id"] for row in rows]
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        await told(page, cast.mina, "online")
        for come in (True, False, True, False):
            until_then = "now() + interval '1 minute'" if come else "NULL"
            await database.fetch(f"UPDATE presence SET plain_until = {until_then} WHERE person = ANY($1)", people)
            before = len(page.named("presence"))
            with counted() as statements:
                for person in people:
                    hub.presence.hear(person, 0)
                event = await page.next("presence")
            assert len(PLACE.findall(event.data)) == (0 if come else 47), "of a crowd those who are shown"
            assert event.data.count("presence-online") == (47 if come else 0)
            assert len(page.named("presence")) == before + 1
            assert len([sql for sql in statements if "presence" in sql]) <= 3, statements  # the watch goes on meanwhile


async def test_half_a_minute_costs_one_statement_however_many_are_online(
    cast: Cast, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = cast.server.app.state.hub
    here = f"{cast.chess}:0"
    async with (
        following(cast.server, cast.olive, here, json=False),
        following(cast.server, cast.milo, here, json=False),
    ):
        await is_(cast.mina, cast.milo, "online")
        await is_(cast.mina, cast.olive, "online")
        hub.presence.active(cast.milo.id)
        say_alive = hub._say_alive
        monkeypatch.setattr(hub, "_say_alive", AsyncMock())  # its own, of each half minute, would count too
        with counted() as statements:
            await say_alive()
        assert len([sql for sql in statements if "live_process" in sql]) == 1


async def test_a_page_asks_nothing_more_for_those_who_are_there(cast: Cast, quick: None) -> None:
    here = f"/conversations/{cast.chess}"
    cast.mina.browser.cookies.set("scripts", "1")
    await cast.mina.browser.get(here)
    alone = await statements_of(cast.mina.browser.get(here))
    olive = Present(cast.olive.id, "olive", "Olive Owner", "auto", "everyone", presence.now(), None)
    presence.book[cast.olive.id] = Entry(olive, "online")
    assert await statements_of(cast.mina.browser.get(here)) == alone
    assert "presence-online" in (await cast.mina.browser.get(here)).text


async def test_a_database_that_is_away_delays_it(cast: Cast, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        await told(page, cast.mina, "online")
        failures = iter([True, True, False])
        whereabouts = registry.whereabouts

        async def failing(people: list[int]) -> Any:
            if next(failures, False):
                raise ConnectionRefusedError
            return await whereabouts(people)

        monkeypatch.setattr(registry, "whereabouts", failing)
        await cast.mina.api.patch("/me/privacy", json={"state": "busy"})
        await told(page, cast.mina, "busy")


async def test_a_database_that_goes_away_before_it_was_told_delays_it(
    cast: Cast, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as page:
        await told(page, cast.mina, "online")
        failures = iter([True, True])
        really = audience

        async def failing(*asked: Any) -> Any:
            if next(failures, False):
                raise ConnectionRefusedError
            return await really(*asked)

        monkeypatch.setattr(live_presence, "audience", failing)
        await cast.mina.api.patch("/me/privacy", json={"state": "busy"})
        await told(page, cast.mina, "busy")


def test_nothing_that_people_write_is_taken_for_a_place() -> None:
    assert PLACE.search('&lt;span class="presence" data-person="1"&gt;&lt;/span&gt;') is None
