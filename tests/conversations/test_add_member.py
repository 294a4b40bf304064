"""Adding someone to a group."""

import asyncio

from app.core import database
from tests.conftest import Cast
from tests.conversations.story import assert_whole, events, held, members, sidebar, waiting
from tests.streams import following


async def test_the_owner_adds_someone_who_then_sees_all_that_was_written(cast: Cast) -> None:
    await cast.say(cast.milo, "before")
    added = await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
    assert added.status_code == 201
    assert "oscar" in {person["username"] for person in added.json()["people"]}
    messages = (await cast.oscar.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"]
    assert [m["body"] for m in messages][-2:] == ["before", "Olive Owner added Oscar Outsider."]
    assert (await sidebar(cast.oscar))[cast.chess]["unread"] == 0


async def test_a_member_may_not_and_an_outsider_does_not_know_the_group(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/members"
    assert (await cast.milo.api.post(url, json={"username": "oscar"})).status_code == 403
    assert (await cast.oscar.api.post(url, json={"username": "oscar"})).status_code == 404
    assert (await cast.remy.api.post(url, json={"username": "remy"})).status_code == 404
    assert await members(cast.olive, cast.chess) == {"olive", "milo", "mina"}


async def test_adding_someone_twice_changes_nothing(cast: Cast) -> None:
    before = await events(cast.olive, cast.chess)
    again = await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "milo"})
    assert again.status_code == 201
    assert await events(cast.olive, cast.chess) == before


async def test_ten_additions_of_one_person_at_once_are_one(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/members"
    answers = await asyncio.gather(*(cast.olive.api.post(url, json={"username": "oscar"}) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert (await events(cast.olive, cast.chess)).count("Olive Owner added Oscar Outsider.") == 1
    await assert_whole(cast.chess)


async def test_an_unknown_name_is_named(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/members"
    answer = await cast.olive.api.post(url, json={"username": "whoever"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"username": "Nobody here has the username whoever."}
    for name in ("", " ", "x" * 5000):
        assert (await cast.olive.api.post(url, json={"username": name})).status_code == 422, name
    assert (await cast.olive.api.post(url, json={"username": "a\0b"})).status_code == 400


async def test_someone_who_was_removed_can_be_added_again(cast: Cast) -> None:
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "remy"})
    await cast.say(cast.remy, "back again")
    assert "remy" in await members(cast.olive, cast.chess)


async def test_whoever_is_added_learns_of_it_live(cast: Cast) -> None:
    async with following(cast.server, cast.oscar, json=False) as feed:
        await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
        await feed.until(lambda f: any("Chess club" in e.data for e in f.events))


async def test_one_who_is_no_longer_owner_when_their_turn_comes_adds_nobody(cast: Cast) -> None:
    async with held(cast, cast.chess) as connection:
        adding = asyncio.create_task(
            cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
        )
        await waiting(1)
        await connection.execute("UPDATE conversation SET owner = $2 WHERE id = $1", cast.chess, cast.milo.id)
    assert (await adding).status_code == 403
    assert "oscar" not in await members(cast.olive, cast.chess)


async def test_adding_while_the_group_is_deleted_adds_nobody(cast: Cast) -> None:
    async with held(cast, cast.chess) as connection:
        adding = asyncio.create_task(
            cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
        )
        await waiting(1)
        await connection.execute("UPDATE conversation SET deleted_at = now() WHERE id = $1", cast.chess)
    assert (await adding).status_code == 404
    assert cast.chess not in await sidebar(cast.oscar)


async def test_adding_and_removing_one_person_at_once_never_wait_for_each_other(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/members"
    async with held(cast, cast.chess):
        adding = asyncio.create_task(cast.olive.api.post(url, json={"username": "milo"}))
        await waiting(1)
        removing = asyncio.create_task(cast.olive.api.delete(f"{url}/{cast.milo.id}"))
        await waiting(2)
    assert ((await adding).status_code, (await removing).status_code) == (201, 204)
    assert "milo" not in await members(cast.olive, cast.chess)
    await assert_whole(cast.chess)


async def test_a_plain_form_adds_and_a_refused_one_says_why(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/members"
    answer = await cast.olive.browser.post(url, data={"username": "@Oscar"})
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    answer = await cast.olive.browser.post(url, data={"username": "who<b>ever"})
    assert answer.status_code == 422
    assert "Nobody here has the username who&lt;b&gt;ever." in answer.text


async def test_a_read_mark_of_a_newcomer_starts_at_the_end(cast: Cast) -> None:
    for n in range(5):
        await cast.say(cast.milo, f"{n}")
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
    view = (await cast.oscar.api.get(f"/conversations/{cast.chess}")).json()
    assert view["read_position"] == view["total"]
    assert await database.fetch_value("SELECT count(*) FROM membership WHERE person = $1", cast.oscar.id) == 1
