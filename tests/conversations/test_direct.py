"""Direct conversations: one per pair, whoever opens it first."""

import asyncio

import pytest

from app.core import database
from tests.conftest import Cast
from tests.conversations.story import direct, members, sidebar
from tests.streams import following


async def test_twenty_openings_at_once_from_both_sides_are_one_conversation(cast: Cast) -> None:
    openings = [cast.milo.api.put("/direct/mina") for _ in range(10)] + [
        cast.mina.api.put("/direct/milo") for _ in range(10)
    ]
    answers = await asyncio.gather(*openings)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await database.fetch_value("SELECT count(*) FROM conversation WHERE kind = 'direct'") == 1
    assert await members(cast.milo, answers[0].json()["id"]) == {"milo", "mina"}


async def test_both_see_it_by_the_name_of_the_other(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    await cast.say(cast.milo, "hi", here)
    mine, theirs = (await sidebar(cast.milo))[here], (await sidebar(cast.mina))[here]
    assert (mine["title"], mine["person"]["username"]) == ("Mina Member", "mina")
    assert (theirs["title"], theirs["person"]["username"]) == ("Milo Member", "milo")


async def test_it_can_be_made_by_the_list_of_conversations_too(cast: Cast) -> None:
    made = await cast.milo.api.post("/conversations", json={"kind": "direct", "members": ["mina"]})
    assert (made.status_code, made.json()["id"]) == (201, await direct(cast.mina, cast.milo))


async def test_it_shows_to_the_other_one_once_there_is_a_message(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    assert here in await sidebar(cast.milo)
    assert here not in await sidebar(cast.mina)
    await cast.say(cast.milo, "hi", here)
    assert (await sidebar(cast.mina))[here]["unread"] == 1


@pytest.mark.parametrize("json", [True, False])
async def test_a_first_message_is_seen_live_by_the_other_whose_stream_was_open_before(cast: Cast, json: bool) -> None:
    async with following(cast.server, cast.mina, json=json) as feed:
        here = await direct(cast.milo, cast.mina)
        await cast.say(cast.milo, "hi", here)
        if json:
            await feed.until(lambda f: any(e.json["conversation_id"] == here for e in f.named("message")))
        else:
            await feed.until(lambda f: any(f'id="conversation-{here}"' in e.data for e in f.events))


async def test_with_oneself_it_is_refused(cast: Cast) -> None:
    answer = await cast.milo.api.put("/direct/milo")
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"username": "This is you. Choose someone else."}


async def test_with_nobody_it_is_not_found(cast: Cast) -> None:
    for name in ("whoever", "x" * 300, "mi%20lo", "%F0%9F%8E%BB"):
        assert (await cast.milo.api.put(f"/direct/{name}")).status_code == 404, name


async def test_a_name_in_any_case_or_with_an_at_is_the_same_person(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    for name in ("MINA", "@mina"):
        assert (await cast.milo.api.put(f"/direct/{name}")).json()["id"] == here


async def test_others_are_outside(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    assert (await cast.ada.api.get(f"/conversations/{here}")).status_code == 404


async def test_nobody_is_added_and_nobody_leaves(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    refused = [
        await cast.milo.api.post(f"/conversations/{here}/members", json={"username": "oscar"}),
        await cast.milo.api.delete(f"/conversations/{here}/members/{cast.milo.id}"),
        await cast.milo.api.delete(f"/conversations/{here}/members/{cast.mina.id}"),
        await cast.milo.api.patch(f"/conversations/{here}", json={"title": "Us"}),
        await cast.milo.api.delete(f"/conversations/{here}"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5


async def test_a_plain_form_leads_to_it(cast: Cast) -> None:
    answer = await cast.milo.browser.post("/direct/mina?_method=put")
    there = f"/conversations/{await direct(cast.milo, cast.mina)}"
    assert (answer.status_code, answer.headers["location"]) == (303, there)
