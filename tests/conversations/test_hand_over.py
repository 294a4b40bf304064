"""Making another member the owner."""

import asyncio

from app.core import database
from tests.conftest import Cast
from tests.conversations.story import events, held, owner_of, waiting


async def test_the_owner_makes_a_member_the_owner_and_stays_a_member(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/owner"
    assert (await cast.olive.api.put(url, json={"username": "@Milo"})).status_code == 204
    assert await owner_of(cast.chess) == cast.milo.id
    assert (await events(cast.olive, cast.chess))[-1] == "Olive Owner made Milo Member the owner."
    assert (await cast.olive.api.get(f"/conversations/{cast.chess}")).json()["role"] == "member"
    assert (await cast.olive.api.put(url, json={"username": "olive"})).status_code == 403
    assert (await cast.milo.api.put(url, json={"username": "olive"})).status_code == 204


async def test_members_may_not_and_outsiders_do_not_know_the_group(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/owner"
    assert (await cast.milo.api.put(url, json={"username": "milo"})).status_code == 403
    assert (await cast.oscar.api.put(url, json={"username": "oscar"})).status_code == 404


async def test_only_another_member_whose_account_is_open_can_be_chosen(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/owner"
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.mina.id)
    for name in ("olive", "oscar", "remy", "mina", "whoever", ""):
        answer = await cast.olive.api.put(url, json={"username": name})
        assert answer.status_code == 422, name
        assert answer.json()["errors"] == {"username": "Choose a member of the group."}
    assert await owner_of(cast.chess) == cast.olive.id


async def test_two_at_once_are_one(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/owner"
    async with held(cast, cast.chess):
        first = asyncio.create_task(cast.olive.api.put(url, json={"username": "milo"}))
        await waiting(1)
        second = asyncio.create_task(cast.olive.api.put(url, json={"username": "mina"}))
        await waiting(2)
    assert ((await first).status_code, (await second).status_code) == (204, 403)
    assert await owner_of(cast.chess) == cast.milo.id


async def test_a_plain_form_hands_over(cast: Cast) -> None:
    answer = await cast.olive.browser.post(f"/conversations/{cast.chess}/owner?_method=put", data={"username": "milo"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/conversations/{cast.chess}/members")
    refused = await cast.milo.browser.post(f"/conversations/{cast.chess}/owner?_method=put", data={"username": "nope"})
    assert refused.status_code == 422
    assert "Choose a member of the group." in refused.text
