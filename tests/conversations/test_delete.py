"""Deleting a group."""

import asyncio

from app.core import database
from tests.conftest import Cast
from tests.conversations.story import assert_whole, direct, held, sidebar, waiting
from tests.streams import following


async def test_a_deleted_group_is_not_found_by_anyone(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "hello")
    assert (await cast.olive.api.delete(f"/conversations/{cast.chess}")).status_code == 204
    for who in (cast.olive, cast.milo, cast.oscar):
        for path in ("", "/messages", "/members", "/settings"):
            assert (await who.api.get(f"/conversations/{cast.chess}{path}")).status_code == 404
        assert (await who.api.get(f"/messages/{sent['id']}")).status_code == 404
        assert (await who.api.delete(f"/messages/{sent['id']}")).status_code == 404
        answer = await who.api.post(f"/conversations/{cast.chess}/messages", json={"body": "?"})
        assert answer.status_code == 404
        answer = await who.api.put(f"/conversations/{cast.chess}/read", json={"position": 1})
        assert answer.status_code == 404
        assert cast.chess not in await sidebar(who)
    assert (await cast.milo.api.get("/messages")).json()["messages"] == []


async def test_members_may_not_and_outsiders_do_not_know_the_group(cast: Cast) -> None:
    assert (await cast.milo.api.delete(f"/conversations/{cast.chess}")).status_code == 403
    assert (await cast.oscar.api.delete(f"/conversations/{cast.chess}")).status_code == 404
    here = await direct(cast.milo, cast.mina)
    assert (await cast.milo.api.delete(f"/conversations/{here}")).status_code == 403


async def test_a_second_deletion_finds_nothing(cast: Cast) -> None:
    answers = await asyncio.gather(*(cast.olive.api.delete(f"/conversations/{cast.chess}") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]


async def test_the_streams_of_its_members_are_told(cast: Cast) -> None:
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as looking,
        following(cast.server, cast.mina, json=False) as elsewhere,
        following(cast.server, cast.olive) as program,
    ):
        await cast.olive.api.delete(f"/conversations/{cast.chess}")
        for feed in (looking, elsewhere):
            await feed.until(lambda f: any(e.data == str(cast.chess) for e in f.named("conversation-gone")))
        gone = {"id": cast.chess, "removed": True}
        await program.until(lambda f: any(e.json == gone for e in f.named("conversation")))
    async with following(cast.server, cast.milo, f"{cast.chess}:0") as again:
        assert again.response.status_code == 404


async def test_a_send_that_loses_against_the_deletion_is_never_kept(cast: Cast) -> None:
    async with held(cast, cast.chess):
        deleting = asyncio.create_task(cast.olive.api.delete(f"/conversations/{cast.chess}"))
        await waiting(1)
        url = f"/conversations/{cast.chess}/messages"
        sending = asyncio.create_task(cast.milo.api.post(url, json={"body": "too late"}))
        await waiting(2)
    assert ((await deleting).status_code, (await sending).status_code) == (204, 404)
    assert await database.fetch_value("SELECT count(*) FROM message WHERE body = 'too late'") == 0
    await assert_whole(cast.chess)


async def test_one_who_is_no_longer_owner_when_their_turn_comes_deletes_nothing(cast: Cast) -> None:
    async with held(cast, cast.chess):
        handing = asyncio.create_task(
            cast.olive.api.put(f"/conversations/{cast.chess}/owner", json={"username": "milo"})
        )
        await waiting(1)
        deleting = asyncio.create_task(cast.olive.api.delete(f"/conversations/{cast.chess}"))
        await waiting(2)
    assert ((await handing).status_code, (await deleting).status_code) == (204, 403)
    assert cast.chess in await sidebar(cast.milo)


async def test_a_plain_form_deletes_and_leads_to_the_list(cast: Cast) -> None:
    answer = await cast.olive.browser.post(f"/conversations/{cast.chess}?_method=delete")
    assert (answer.status_code, answer.headers["location"]) == (303, "/conversations")
