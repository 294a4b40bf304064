"""Closing one's account: the groups go to someone who can look after them, and nobody counts who is gone."""

import asyncio
import runpy

import httpx
import pytest

from app.accounts import leaving
from app.conversations.queries import many
from app.core import database
from app.core.templates import ROOT
from tests.accounts.test_tokens import bot_of
from tests.conftest import PASSWORD, Actor, Cast
from tests.conversations.story import assert_whole, events, held, make_group, members, owner_of, waiting
from tests.messages.test_plans import plan
from tests.pages import parsed, says
from tests.streams import following


async def close(who: Actor, current: str = PASSWORD) -> httpx.Response:
    return await who.api.post("/me/deactivate", json={"current": current})


async def test_the_groups_go_to_whoever_has_been_in_longest_and_open_pages_see_it(cast: Cast) -> None:
    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as feed:
        assert (await close(cast.olive)).status_code == 204
        await feed.until(lambda f: any("made Milo Member the owner" in e.data for e in f.named("message")), 15)
    assert (await events(cast.milo, cast.chess))[-1] == "Olive Owner made Milo Member the owner."
    assert (await cast.milo.api.get(f"/conversations/{cast.chess}")).json()["role"] == "owner"
    assert (await cast.milo.api.patch(f"/conversations/{cast.chess}", json={"title": "Ours"})).status_code == 200
    await assert_whole(cast.chess)


async def test_an_account_that_is_not_closed_keeps_its_groups(cast: Cast) -> None:
    assert (await close(cast.olive, "wrong")).status_code == 422
    assert (await close(cast.ada)).status_code == 422  # the only administrator
    assert await owner_of(cast.chess) == cast.olive.id


async def test_neither_a_bot_nor_who_is_gone_becomes_the_owner(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo)
    await bot_of(cast.oscar)
    for name in ("weather", "mina"):
        await cast.olive.api.post(f"/conversations/{group}/members", json={"username": name})
    assert (await close(cast.milo)).status_code == 204
    assert (await close(cast.olive)).status_code == 204
    assert await owner_of(group) == cast.mina.id


async def test_a_group_in_which_nobody_else_is_stays_as_it_is(cast: Cast) -> None:
    group = await make_group(cast.olive)
    before = await database.fetch_row("SELECT * FROM conversation WHERE id = $1", group)
    assert (await close(cast.olive)).status_code == 204
    assert await database.fetch_row("SELECT * FROM conversation WHERE id = $1", group) == before


@pytest.mark.parametrize("way", ["close", "delete", "remove the bot"])
async def test_a_group_that_a_bot_made_goes_on_without_it(cast: Cast, way: str) -> None:
    number, bot = await bot_of(cast.olive)
    group = await make_group(bot, cast.milo, cast.mina)
    if way == "close":
        left = await close(cast.olive)
    elif way == "delete":
        left = await cast.olive.api.request("DELETE", "/me", json={"current": PASSWORD, "messages": "keep"})
    else:
        left = await cast.olive.api.delete(f"/me/bots/{number}")
    assert left.status_code == 204, left.text
    assert await owner_of(group) == cast.milo.id
    assert (await events(cast.milo, group))[-1] == "Weather made Milo Member the owner."
    await assert_whole(group)


async def test_of_two_who_go_at_once_neither_becomes_the_owner(cast: Cast) -> None:
    for _ in range(4):
        one, other = [await cast.server.someone(f"guest{cast.milo.id}x{_}{n}") for n in range(2)]
        mine, theirs = await make_group(one, other, cast.mina), await make_group(other, one, cast.mina)
        assert [a.status_code for a in await asyncio.gather(close(one), close(other))] == [204, 204]
        assert [await owner_of(group) for group in (mine, theirs)] == [cast.mina.id] * 2


async def test_whoever_is_made_the_owner_at_the_moment_they_go_hands_on(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/owner"
    async with held(cast, cast.chess):
        handing = asyncio.create_task(cast.olive.api.put(url, json={"username": "milo"}))
        await waiting(1)
        closing = asyncio.create_task(close(cast.milo))
        await waiting(2)
    assert ((await handing).status_code, (await closing).status_code) == (204, 204)
    assert await owner_of(cast.chess) == cast.olive.id
    assert (await events(cast.olive, cast.chess))[-1] == "Milo Member made Olive Owner the owner."


async def test_an_heir_who_leaves_meanwhile_is_none(cast: Cast) -> None:
    async with held(cast, cast.chess) as first:
        closing = asyncio.create_task(close(cast.olive))
        await waiting(1)
        await first.execute("DELETE FROM membership WHERE conversation = $1 AND person = $2", cast.chess, cast.milo.id)
    assert (await closing).status_code == 204
    assert await owner_of(cast.chess) == cast.mina.id


async def test_as_many_are_counted_as_are_listed(cast: Cast) -> None:
    await cast.milo.api.get("/conversations/general")
    await cast.mina.api.get("/conversations/general")
    code = (await cast.olive.api.put(f"/conversations/{cast.chess}/code", json={})).json()["code"]
    assert (await close(cast.milo)).status_code == 204
    for conversation in (cast.chess, cast.general):
        counted = (await cast.mina.api.get(f"/conversations/{conversation}")).json()["members"]
        assert counted == len(await members(cast.mina, conversation)), conversation
    page = await cast.olive.browser.get(f"/conversations/{cast.chess}")
    assert "2 members" in says(page)
    assert [tag.text for tag in parsed(page).select(".members-title .quiet")] == ["2"]
    assert (await cast.oscar.api.get(f"/join/{code}")).json()["members"] == 2
    rooms = (await cast.ada.api.get("/admin/conversations")).json()["rooms"]
    assert {room["id"]: room["members"] for room in rooms}[cast.chess] == 2


async def test_groups_that_were_left_behind_before_are_handed_over_by_the_migration(cast: Cast) -> None:
    alone = await make_group(cast.olive)
    teacher = await cast.server.someone("theo", role="teacher")
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "theo"})
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.olive.id)
    statements = runpy.run_path(str(ROOT / "migrations" / "causerie_2026_11_22_heirs.py"))["STATEMENTS"]
    await database.fetch(statements.split(";\n")[1])
    assert await owner_of(cast.chess) == teacher.id
    assert (await events(cast.milo, cast.chess))[-1] == "Olive Owner made Theo the owner."
    assert await owner_of(alone) == cast.olive.id
    await assert_whole(cast.chess)


async def test_who_is_gone_is_not_looked_for_member_by_member(cast: Cast) -> None:
    nodes = await plan(f"SELECT {many('c')} FROM conversation c WHERE c.id = (SELECT $1::bigint)", cast.general)
    asked = [node for node in nodes if node.get("Relation Name") == "person"]
    assert asked, "who is gone is asked for"
    assert all(node["Actual Loops"] <= 1 for node in asked), asked


async def test_a_group_that_one_makes_while_the_account_is_closed_is_not_left_without_an_owner(cast: Cast) -> None:
    async with database.transaction():
        await leaving.one_goes()
        await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.milo.id)
        making = asyncio.create_task(cast.milo.api.post("/conversations", json={"kind": "group", "title": "Late"}))
        await waiting()
    assert (await making).status_code == 404
    assert await database.fetch_value("SELECT count(*) FROM conversation WHERE title = 'Late'") == 0
