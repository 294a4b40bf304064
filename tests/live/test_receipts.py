"""Sent, delivered, read: told to who may know, of who tells it, at a cost that does not grow with the room."""

import re
import time
from typing import Any

import pytest

from app.conversations import receipts
from app.core import database
from app.live import receipts as live_receipts
from tests.conftest import Actor, Cast
from tests.processes import second_server
from tests.streams import Feed, following


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_receipts, "GATHER", 0.02)
    monkeypatch.setattr(live_receipts, "REST", 0)
    receipts._known.clear()


def marks(feed: Feed, who: Actor) -> list[tuple[int, int]]:
    """What the page's stream was told of that person: how far delivered, how far read."""
    pattern = rf'<bdi data-person="{who.id}" data-delivered="(\d+)" data-read="(\d+)">'
    return [(int(d), int(r)) for event in feed.named("receipt") for d, r in re.findall(pattern, event.data)]


async def told(feed: Feed, who: Actor, delivered: int, read: int) -> None:
    await feed.until(lambda f: marks(f, who)[-1:] == [(delivered, read)])


async def given(feed: Feed, who: Actor, delivered: int) -> None:
    """Waits until the page is told that this was delivered to them, and not read."""
    await feed.until(lambda f: any(d == delivered > r for d, r in marks(f, who)[-1:]))


async def status(who: Actor, message: int) -> str:
    return str((await who.api.get(f"/messages/{message}")).json()["status"])


async def reads(who: Actor, conversation: int, position: int) -> None:
    answer = await who.api.put(f"/conversations/{conversation}/read", json={"position": position})
    assert answer.status_code == 204


async def direct(cast: Cast) -> int:
    return int((await cast.milo.api.put("/direct/mina")).json()["id"])


async def test_a_message_is_sent_then_delivered_then_read(cast: Cast) -> None:
    there = await direct(cast)
    async with following(cast.server, cast.milo, f"{there}:0", json=False) as page:
        message = await cast.say(cast.milo, "hello", there)
        assert (message["status"], await status(cast.milo, message["id"])) == ("sent", "sent")
        async with following(cast.server, cast.mina, f"{there}:0", json=False):
            await told(page, cast.mina, 1, 0)
            assert await status(cast.milo, message["id"]) == "delivered"
            await reads(cast.mina, there, 1)
            await told(page, cast.mina, 1, 1)
            assert await status(cast.milo, message["id"]) == "read"


async def test_what_a_page_shows_is_delivered(cast: Cast) -> None:
    there = await direct(cast)
    message = await cast.say(cast.milo, "hello", there)
    cast.mina.browser.cookies.set("scripts", "1")
    await cast.mina.browser.get("/conversations")
    assert await status(cast.milo, message["id"]) == "sent"
    await cast.mina.browser.get(f"/conversations/{there}")
    assert await status(cast.milo, message["id"]) == "delivered"


async def test_a_program_is_told_of_marks(cast: Cast) -> None:
    there = await direct(cast)
    async with following(cast.server, cast.milo, f"{there}:0") as program:
        await cast.say(cast.milo, "hello", there)
        await reads(cast.mina, there, 1)
        person = {"id": cast.mina.id, "username": "mina", "name": "Mina Member"}
        mark = {"conversation_id": there, "person": person, "delivered": 1, "read": 1}
        await program.until(lambda f: mark in [event.json for event in f.named("receipt")])
        assert {event.id for event in program.named("receipt")} == {""}


async def test_at_connect_the_marks_of_now_are_told(cast: Cast) -> None:
    there = await direct(cast)
    await cast.say(cast.milo, "hello", there)
    await reads(cast.mina, there, 1)
    async with following(cast.server, cast.milo, f"{there}:0", json=False) as page:
        await told(page, cast.mina, 1, 1)
        assert marks(page, cast.milo) == [], "one's own marks are no news"


async def test_marking_unread_takes_nothing_back(cast: Cast) -> None:
    there = await direct(cast)
    message = await cast.say(cast.milo, "hello", there)
    await reads(cast.mina, there, 1)
    await cast.mina.api.put(f"/conversations/{there}/unread")
    assert (await cast.mina.api.get(f"/conversations/{there}")).json()["unread"] == 1
    assert await status(cast.milo, message["id"]) == "read"


async def test_who_tells_nobody_has_no_marks_for_others(cast: Cast) -> None:
    await cast.mina.api.patch("/me/privacy", json={"receipts": False})
    message = await cast.say(cast.milo, "e4")
    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as page:
        await reads(cast.mina, cast.chess, message["position"])
        await reads(cast.olive, cast.chess, message["position"])
        await told(page, cast.olive, message["position"], message["position"])
        assert marks(page, cast.mina) == []
    seen = (await cast.milo.api.get(f"/messages/{message['id']}/receipts")).json()
    assert [person["username"] for person in seen["read"]] == ["olive"]
    assert await status(cast.milo, message["id"]) == "read", "by all who tell it"


@pytest.mark.parametrize(("blocker", "blocked"), [("milo", "mina"), ("mina", "milo")])
async def test_those_between_whom_there_is_a_block_have_no_marks(cast: Cast, blocker: str, blocked: str) -> None:
    await getattr(cast, blocker).api.put(f"/people/{blocked}/block")
    message = await cast.say(cast.milo, "e4")
    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as page:
        await reads(cast.mina, cast.chess, message["position"])
        await reads(cast.olive, cast.chess, message["position"])
        await told(page, cast.olive, message["position"], message["position"])
        assert marks(page, cast.mina) == []
    seen = (await cast.milo.api.get(f"/messages/{message['id']}/receipts")).json()
    assert [person["username"] for person in seen["read"]] == ["olive"]


async def test_who_was_removed_is_told_no_marks(cast: Cast) -> None:
    message = await cast.say(cast.olive, "e4")
    hub: Any = cast.server.app.state.hub
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as gone,
        following(cast.server, cast.olive, f"{cast.chess}:0", json=False) as page,
    ):
        await given(page, cast.milo, message["position"])
        # Behind the back of the feed, so that his stream is still among those of the conversation.
        await database.fetch("DELETE FROM membership WHERE conversation = $1 AND person = $2", cast.chess, cast.milo.id)
        assert any(stream.person == cast.milo.id for stream in hub.tails[cast.chess].streams)
        await reads(cast.mina, cast.chess, message["position"])
        await told(page, cast.mina, message["position"], message["position"])
        assert (message["position"], message["position"]) not in marks(gone, cast.mina)


async def test_a_page_of_another_conversation_is_told_nothing(cast: Cast) -> None:
    there = await direct(cast)
    async with following(cast.server, cast.olive, f"{cast.chess}:0", json=False) as page:
        for word in ("one", "two", "three", "four", "five"):
            elsewhere = await cast.say(cast.milo, word, there)
        await reads(cast.mina, there, elsewhere["position"])
        message = await cast.say(cast.milo, "e4")
        await reads(cast.mina, cast.chess, message["position"])
        await told(page, cast.mina, message["position"], message["position"])
        assert elsewhere["position"] != message["position"]
        assert (elsewhere["position"], elsewhere["position"]) not in marks(page, cast.mina)


async def test_a_mark_that_moves_in_another_process_is_told(cast: Cast) -> None:
    message = await cast.say(cast.milo, "e4")
    async with (
        second_server(cast.server.settings) as other,
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as page,
        following(other, cast.mina, f"{cast.chess}:0", json=False),
    ):
        await given(page, cast.mina, message["position"])


async def test_nobody_counts_in_a_room_of_more_than_fifty(cast: Cast) -> None:
    async def crowd(first: int, last: int) -> None:
        await database.fetch(
            """
            WITH made AS (
                INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key)
                SELECT 'crowd' || n, 'crowd' || n, 'Crowd ' || n, '', 'crowd' || n, '', 'crowd ' || n
                FROM generate_series($2::int, $3::int) n RETURNING id
            ) INSERT INTO membership (conversation, person) SELECT $1, id FROM made
            """,
            cast.chess,
            first,
            last,
        )

    await crowd(1, 47)
    message = await cast.say(cast.milo, "e4")
    await reads(cast.mina, cast.chess, message["position"])
    here = f"/messages/{message['id']}/receipts"
    seen = (await cast.milo.api.get(here)).json()
    assert ([person["username"] for person in seen["read"]], seen["counted"]) == (["mina"], True)
    await crowd(48, 48)
    seen = (await cast.milo.api.get(here)).json()
    assert (seen["read"], seen["counted"]) == ([], False)
    assert "more than fifty" in (await cast.milo.browser.get(here)).text
    assert await receipts.write({(cast.chess, cast.olive.id): message["position"]}) == set()


async def test_twenty_messages_at_once_cost_a_few_statements(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three members with a page each: marks are written and read for all that came within a round."""
    monkeypatch.setattr(live_receipts, "GATHER", 0.5)
    statements: list[str] = []
    really = database.fetch

    async def counting(sql: str, *args: object) -> list[database.Row]:
        if "delivered_position" in sql:
            statements.append(sql)
        return await really(sql, *args)

    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as page,
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False),
        following(cast.server, cast.olive, f"{cast.chess}:0", json=False),
    ):
        monkeypatch.setattr(database, "fetch", counting)
        began = time.monotonic()
        for number in range(20):
            message = await cast.say(cast.olive, str(number))
        await given(page, cast.mina, message["position"])
        # Two in each half second that it took, and those of the beginning.
        assert len(statements) <= 8 + 4 * (time.monotonic() - began), statements


async def test_without_scripts_the_page_says_who_has_read(cast: Cast) -> None:
    here = f"/conversations/{cast.chess}"
    message = await cast.say(cast.milo, "e4")

    async def said() -> str:
        text = (await cast.milo.browser.get(here)).text
        found = re.search(r'id="receipts"[^>]*>(.*?)</p>', text)
        assert found is not None
        return found[1]

    assert await said() == "Sent"
    await receipts.write({(cast.chess, cast.olive.id): message["position"]})
    assert await said() == "Delivered"
    await reads(cast.mina, cast.chess, message["position"])
    assert await said() == "Read by <bdi>Mina Member</bdi>"
    await reads(cast.olive, cast.chess, message["position"])
    assert await said() == "Read by <bdi>Mina Member</bdi> and <bdi>Olive Owner</bdi>"
    await cast.say(cast.olive, "e5")
    assert await said() == "", "what was answered was read"
