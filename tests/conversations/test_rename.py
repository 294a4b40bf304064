"""Giving a group another name."""

import asyncio

from tests.conftest import Cast
from tests.conversations.story import direct, events, held, waiting


async def test_the_owner_renames_and_everyone_is_told(cast: Cast) -> None:
    answer = await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": "  Chess\n& more  "})
    assert (answer.status_code, answer.json()["title"]) == (200, "Chess & more")
    assert (await cast.milo.api.get(f"/conversations/{cast.chess}")).json()["title"] == "Chess & more"
    assert (await events(cast.milo, cast.chess))[-1] == "Olive Owner renamed the group to “Chess & more”."


async def test_the_same_name_again_says_nothing(cast: Cast) -> None:
    before = await events(cast.olive, cast.chess)
    assert (await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": "Chess club"})).status_code == 200
    assert await events(cast.olive, cast.chess) == before


async def test_members_may_not_and_outsiders_do_not_know_the_group(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}"
    assert (await cast.milo.api.patch(url, json={"title": "Mine"})).status_code == 403
    assert (await cast.oscar.api.patch(url, json={"title": "Mine"})).status_code == 404
    assert (await cast.olive.api.get(url)).json()["title"] == "Chess club"


async def test_a_direct_conversation_has_no_name_of_its_own(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    assert (await cast.milo.api.patch(f"/conversations/{here}", json={"title": "Us"})).status_code == 403


async def test_titles_that_cannot_be_are_refused(cast: Cast) -> None:
    for title in ["", "  ", "\u200b", "\0", "Che\0ss", "x" * 101]:
        answer = await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": title})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["title"]), title


async def test_one_who_is_no_longer_owner_when_their_turn_comes_renames_nothing(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}"
    async with held(cast, cast.chess):
        handing = asyncio.create_task(cast.olive.api.put(f"{url}/owner", json={"username": "milo"}))
        await waiting(1)
        renaming = asyncio.create_task(cast.olive.api.patch(url, json={"title": "Too late"}))
        await waiting(2)
    assert ((await handing).status_code, (await renaming).status_code) == (204, 403)
    assert (await cast.olive.api.get(url)).json()["title"] == "Chess club"


async def test_a_refused_form_comes_back_as_it_was_filled(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}?_method=patch"
    answer = await cast.olive.browser.post(url, data={"title": "x" * 101})
    assert answer.status_code == 422
    assert "x" * 101 in answer.text
    answer = await cast.olive.browser.post(url, data={"title": "Chess"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/conversations/{cast.chess}")
