"""Blocking: neither sees the other any more, nothing passes between them, and what they share goes on."""

import asyncio
from functools import partial

import pytest

from app.core import database
from tests.conftest import Actor, Cast
from tests.conversations.story import direct, history, make_group, sidebar
from tests.streams import Feed, following


async def block(who: Actor, whom: Actor) -> None:
    assert (await who.api.put(f"/people/{whom.username}/block")).status_code == 204


async def unblock(who: Actor, whom: Actor) -> None:
    assert (await who.api.delete(f"/people/{whom.username}/block")).status_code == 204


async def listed(who: Actor) -> set[str]:
    answer = await who.api.get("/people", params={"limit": 100})
    return {person["username"] for person in answer.json()["people"]}


async def send(who: Actor, conversation: int, body: str) -> int:
    return (await who.api.post(f"/conversations/{conversation}/messages", json={"body": body})).status_code


async def test_both_are_invisible_to_each_other_and_to_nobody_else(cast: Cast) -> None:
    await block(cast.mina, cast.milo)
    for one, other in ((cast.mina, cast.milo), (cast.milo, cast.mina)):
        assert other.username not in await listed(one)
        assert (await one.api.get(f"/people/{other.username}")).status_code == 404
        assert (await one.api.put(f"/direct/{other.username}")).status_code == 404
    assert {"mina", "milo"} <= await listed(cast.olive)
    await unblock(cast.mina, cast.milo)
    assert "milo" in await listed(cast.mina)
    assert "mina" in await listed(cast.milo)


async def test_one_who_is_blocked_and_blocks_too_needs_both_to_take_it_back(cast: Cast) -> None:
    where = await direct(cast.mina, cast.milo)
    await block(cast.mina, cast.milo)
    await block(cast.milo, cast.mina)
    await unblock(cast.mina, cast.milo)
    assert "milo" not in await listed(cast.mina)
    assert await send(cast.mina, where, "are you there?") == 404
    await unblock(cast.milo, cast.mina)
    assert await send(cast.mina, where, "are you there?") == 201


async def test_their_direct_conversation_is_gone_for_both_and_comes_back_whole(cast: Cast) -> None:
    where = await direct(cast.mina, cast.milo)
    assert await send(cast.milo, where, "before") == 201
    message = (await history(cast.milo, where))[-1]["id"]
    await block(cast.mina, cast.milo)
    for one in (cast.mina, cast.milo):
        assert where not in await sidebar(one)
        for path in (f"/conversations/{where}", f"/conversations/{where}/messages", f"/messages/{message}"):
            assert (await one.api.get(path)).status_code == 404, path
        assert await send(one, where, "let me in") == 404
        assert (await one.api.put(f"/conversations/{where}/read", json={"position": 1})).status_code == 404
    assert (await cast.milo.api.patch(f"/messages/{message}", json={"body": "changed"})).status_code == 404
    assert message not in [m["id"] for m in (await cast.milo.api.get("/messages")).json()["messages"]]
    await unblock(cast.mina, cast.milo)
    assert [m["body"] for m in await history(cast.mina, where)] == ["before"]
    assert where in await sidebar(cast.mina)


async def test_streams_lose_the_conversation_at_once_and_hear_nothing_more_of_it(cast: Cast) -> None:
    where = await direct(cast.mina, cast.milo)
    await send(cast.mina, where, "hello")
    async with following(cast.server, cast.milo, f"{where}:0") as his, following(cast.server, cast.mina) as hers:
        await his.until(lambda f: bool(f.named("message")))
        await block(cast.mina, cast.milo)
        for feed in (his, hers):
            await feed.until(lambda f: any(e.json == {"id": where, "removed": True} for e in f.named("conversation")))
        # As if a send had slipped through: it is in the database, and reaches nobody.
        await database.fetch(
            """
            WITH c AS (UPDATE conversation SET position = position + 1, change = change + 1 WHERE id = $1 RETURNING *)
            INSERT INTO message (conversation, position, change, author, body)
            SELECT id, position, change, $2, 'slipped through' FROM c
            """,
            where,
            cast.mina.id,
        )
        cast.server.app.state.bell.ring("c", where)
        for feed in (his, hers):
            known = len(feed.named("conversation"))
            await send(cast.mina, cast.chess, "for all")
            await feed.until(partial(_heard_more, known))
            assert "slipped through" not in [e.json["body"] for e in feed.named("message")]
    await database.fetch("UPDATE conversation SET blocked = false WHERE id = $1", where)
    async with following(cast.server, cast.mina, f"{where}:0") as again:
        assert again.response.status_code == 200, "that is what the test has undone"
    await database.fetch("UPDATE conversation SET blocked = true WHERE id = $1", where)
    async with following(cast.server, cast.mina, f"{where}:0") as refused:
        assert refused.response.status_code == 404


def _heard_more(known: int, feed: Feed) -> bool:
    return len(feed.named("conversation")) > known


async def test_without_a_ring_the_watch_takes_leave_of_it_within_a_second_or_two(cast: Cast) -> None:
    where = await direct(cast.mina, cast.milo)
    await send(cast.mina, where, "hello")
    async with following(cast.server, cast.milo, f"{where}:0") as his:
        await his.until(lambda f: bool(f.named("message")))
        await database.fetch("INSERT INTO block (person, blocked) VALUES ($1, $2)", cast.mina.id, cast.milo.id)
        await database.fetch("UPDATE conversation SET blocked = true WHERE id = $1", where)
        await his.until(lambda f: any(e.json.get("removed") for e in f.named("conversation")), seconds=15)


async def test_a_blocked_person_is_invited_by_neither(cast: Cast) -> None:
    group = await make_group(cast.olive)
    await block(cast.milo, cast.olive)
    answer = await cast.olive.api.post(f"/conversations/{group}/members", json={"username": "milo"})
    assert answer.status_code == 422
    made = await cast.milo.api.post("/conversations", json={"title": "Tea", "members": ["olive"]})
    assert made.status_code == 422
    assert "olive" in made.json()["errors"]["members"]


async def test_rooms_that_both_are_in_go_on_and_fold_the_messages_away(cast: Cast) -> None:
    await block(cast.mina, cast.milo)
    assert await send(cast.milo, cast.chess, "in the club") == 201
    assert "in the club" in [m["body"] for m in await history(cast.mina, cast.chess)]
    page = (await cast.mina.browser.get(f"/conversations/{cast.chess}")).text
    address = page.split('href="/me.css?')[1].split('"')[0]
    style = (await cast.mina.browser.get(f"/me.css?{address}")).text
    assert f'[data-author="{cast.milo.id}"]' in style
    assert "Vous avez bloqué" in style, "in her language"
    assert f'[data-author="{cast.mina.id}"]' not in (await cast.milo.browser.get("/me.css")).text, "his page folds none"
    await unblock(cast.mina, cast.milo)
    again = (await cast.mina.browser.get(f"/conversations/{cast.chess}")).text
    assert again.split('href="/me.css?')[1].split('"')[0] != address, (
        "a new address, for the old one is kept by browsers"
    )


async def test_whom_one_blocked_is_listed_for_oneself_alone(cast: Cast) -> None:
    await block(cast.mina, cast.milo)
    await block(cast.mina, cast.milo)
    assert [p["username"] for p in (await cast.mina.api.get("/me/blocks")).json()["people"]] == ["milo"]
    assert (await cast.milo.api.get("/me/blocks")).json()["people"] == []
    page = await cast.mina.browser.get("/me/blocks")
    assert "Milo Member" in page.text
    done = await cast.mina.browser.post("/people/milo/block?_method=delete")
    assert (done.status_code, done.headers["location"]) == (303, "/me/blocks")
    assert "Milo Member" not in (await cast.mina.browser.get("/me/blocks")).text.split("<main")[1]


@pytest.mark.parametrize("whom", ["mina", "nobody-here"])
async def test_nobody_blocks_themselves_or_nobody(cast: Cast, whom: str) -> None:
    expected = {"mina": 422, "nobody-here": 404}[whom]
    assert (await cast.mina.api.put(f"/people/{whom}/block")).status_code == expected


async def test_a_conversation_that_is_opened_while_its_person_is_blocked_stays_shut(cast: Cast) -> None:
    for _round in range(10):
        answer, blocked = await asyncio.gather(
            cast.milo.api.put("/direct/oscar"), cast.oscar.api.put("/people/milo/block")
        )
        assert blocked.status_code == 204
        opened = answer.json().get("id")
        if opened is not None:
            assert await send(cast.milo, opened, "hello?") == 404
        await unblock(cast.oscar, cast.milo)
        await database.fetch("DELETE FROM conversation WHERE kind = 'direct'")
