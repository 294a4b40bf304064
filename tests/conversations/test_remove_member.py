"""Removing someone from a group, and leaving it."""

import asyncio

from app.core import database
from tests.conftest import Actor, Cast
from tests.conversations.story import (
    assert_whole,
    events,
    held,
    history,
    make_group,
    members,
    owner_of,
    sidebar,
    waiting,
)


async def leave(who: Actor, conversation: int) -> int:
    return (await who.api.delete(f"/conversations/{conversation}/members/{who.id}")).status_code


async def test_the_owner_removes_someone_who_then_sees_nothing_of_it(cast: Cast) -> None:
    removed = await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    assert removed.status_code == 204
    assert (await events(cast.olive, cast.chess))[-1] == "Olive Owner removed Milo Member."
    assert cast.chess not in await sidebar(cast.milo)
    for path in ("", "/messages", "/members", "/settings"):
        assert (await cast.milo.api.get(f"/conversations/{cast.chess}{path}")).status_code == 404


async def test_a_member_may_not_remove_others_and_an_outsider_does_not_know_the_group(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/members/{cast.mina.id}"
    assert (await cast.milo.api.delete(url)).status_code == 403
    assert (await cast.oscar.api.delete(url)).status_code == 404
    assert (await cast.remy.api.delete(url)).status_code == 404


async def test_removing_someone_who_is_not_in_is_not_found(cast: Cast) -> None:
    for person in (cast.oscar.id, cast.remy.id, 10**9, 2**62):
        assert (await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{person}")).status_code == 404


async def test_two_removals_of_one_person_at_once_are_one(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/members/{cast.milo.id}"
    answers = await asyncio.gather(*(cast.olive.api.delete(url) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 5
    assert (await events(cast.olive, cast.chess)).count("Olive Owner removed Milo Member.") == 1
    await assert_whole(cast.chess)


async def test_a_member_leaves(cast: Cast) -> None:
    assert await leave(cast.milo, cast.chess) == 204
    assert (await events(cast.olive, cast.chess))[-1] == "Milo Member left."
    assert await owner_of(cast.chess) == cast.olive.id
    assert await leave(cast.milo, cast.chess) == 404


async def test_an_owner_who_leaves_hands_over_to_who_has_been_in_longest(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo)
    for name in ("mina", "oscar"):
        await cast.olive.api.post(f"/conversations/{group}/members", json={"username": name})
    await cast.olive.api.delete(f"/conversations/{group}/members/{cast.milo.id}")
    await cast.olive.api.post(f"/conversations/{group}/members", json={"username": "milo"})
    assert await leave(cast.olive, group) == 204
    assert await owner_of(group) == cast.mina.id
    assert (await events(cast.oscar, group))[-2:] == ["Olive Owner left.", "Olive Owner made Mina Member the owner."]
    assert (await cast.mina.api.patch(f"/conversations/{group}", json={"title": "Mine"})).status_code == 200


async def test_an_owner_does_not_hand_over_to_someone_whose_account_is_closed(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo, cast.mina)
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.milo.id)
    assert await leave(cast.olive, group) == 204
    assert await owner_of(group) == cast.mina.id


async def test_when_the_last_one_leaves_the_group_is_deleted(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo)
    assert await leave(cast.olive, group) == 204
    assert await leave(cast.milo, group) == 204
    assert await database.fetch_value("SELECT deleted_at IS NOT NULL FROM conversation WHERE id = $1", group)


async def test_all_leaving_at_once_leaves_a_deleted_group_and_never_an_owner_who_is_gone(cast: Cast) -> None:
    for _ in range(6):
        group = await make_group(cast.olive, cast.milo, cast.mina, cast.oscar)
        people = [cast.olive, cast.milo, cast.mina, cast.oscar]
        assert await asyncio.gather(*(leave(person, group) for person in people)) == [204] * 4
        assert await database.fetch_value("SELECT deleted_at IS NOT NULL FROM conversation WHERE id = $1", group)


async def test_an_heir_who_leaves_at_the_same_moment_hands_on(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo, cast.mina)
    async with held(cast, group):
        handing = asyncio.create_task(cast.olive.api.put(f"/conversations/{group}/owner", json={"username": "milo"}))
        await waiting(1)
        leaving = asyncio.create_task(leave(cast.milo, group))
        await waiting(2)
    assert ((await handing).status_code, await leaving) == (204, 204)
    assert await owner_of(group) in (cast.olive.id, cast.mina.id)


async def test_one_who_is_no_longer_owner_when_their_turn_comes_removes_nobody(cast: Cast) -> None:
    async with held(cast, cast.chess):
        handing = asyncio.create_task(
            cast.olive.api.put(f"/conversations/{cast.chess}/owner", json={"username": "milo"})
        )
        await waiting(1)
        removing = asyncio.create_task(cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}"))
        await waiting(2)
    assert ((await handing).status_code, (await removing).status_code) == (204, 403)
    assert await owner_of(cast.chess) == cast.milo.id
    assert await members(cast.milo, cast.chess) == {"olive", "milo", "mina"}


async def test_a_send_that_loses_against_the_removal_is_never_kept(cast: Cast) -> None:
    async with held(cast, cast.chess):
        removing = asyncio.create_task(cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}"))
        await waiting(1)
        url = f"/conversations/{cast.chess}/messages"
        sending = [asyncio.create_task(cast.milo.api.post(url, json={"body": f"late {n}"})) for n in range(3)]
        await waiting(2)
    assert (await removing).status_code == 204
    assert {answer.status_code for answer in await asyncio.gather(*sending)} == {404}
    assert not [m for m in await history(cast.olive, cast.chess) if m["body"].startswith("late")]
    await assert_whole(cast.chess)


async def test_a_send_that_wins_against_the_removal_stands_before_it(cast: Cast) -> None:
    async with held(cast, cast.chess):
        url = f"/conversations/{cast.chess}/messages"
        sending = asyncio.create_task(cast.milo.api.post(url, json={"body": "just in time"}))
        await waiting(1)
        removing = asyncio.create_task(cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}"))
        await waiting(2)
    assert ((await sending).status_code, (await removing).status_code) == (201, 204)
    last = [m["body"] for m in await history(cast.olive, cast.chess)][-2:]
    assert last == ["just in time", "Olive Owner removed Milo Member."]


async def test_an_edit_or_a_deletion_that_loses_against_the_removal_changes_nothing(cast: Cast) -> None:
    one, other = await cast.say(cast.milo, "one"), await cast.say(cast.milo, "other")
    async with held(cast, cast.chess):
        removing = asyncio.create_task(cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}"))
        await waiting(1)
        editing = asyncio.create_task(cast.milo.api.patch(f"/messages/{one['id']}", json={"body": "late"}))
        deleting = asyncio.create_task(cast.milo.api.delete(f"/messages/{other['id']}"))
        await waiting(3)
    assert (await removing).status_code == 204
    assert ((await editing).status_code, (await deleting).status_code) == (404, 404)
    assert [m["body"] for m in await history(cast.olive, cast.chess)][-3:-1] == ["one", "other"]
    await assert_whole(cast.chess)


async def test_plain_forms_remove_and_leave(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/members"
    answer = await cast.olive.browser.post(f"{url}/{cast.milo.id}?_method=delete")
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    answer = await cast.mina.browser.post(f"{url}/{cast.mina.id}?_method=delete")
    assert (answer.status_code, answer.headers["location"]) == (303, "/conversations")
    assert await members(cast.olive, cast.chess) == {"olive"}
