"""Who is of the team: whoever is a teacher or an administrator now, without a block between them and the asker."""

import asyncio

import pytest

from app.core import database
from app.people.policy import ROLES, STAFF
from tests.conftest import PASSWORD, Actor, Cast
from tests.conversations.desk import Desk, become, open_desk, queue
from tests.conversations.story import sidebar
from tests.streams import following


@pytest.fixture
async def desk(cast: Cast) -> Desk:
    return await open_desk(cast)


async def may_see(who: Actor, thread: int) -> bool:
    status = (await who.api.get(f"/conversations/{thread}")).status_code
    assert status in (200, 404)
    return status == 200


async def test_the_role_of_now_decides(desk: Desk) -> None:
    """The trigger of the migration and the policy name the same roles."""
    who = desk.cast.oscar
    for role in (*ROLES, *reversed(ROLES)):
        await become(who, role)
        assert await may_see(who, desk.thread) is (role in STAFF), role
        there = await database.fetch_value(
            "SELECT EXISTS (SELECT FROM membership WHERE conversation = $1 AND person = $2)", desk.thread, who.id
        )
        assert there is (role in STAFF), role


async def test_whoever_is_no_teacher_any_more_is_out_of_everything_at_once(desk: Desk) -> None:
    mine = await desk.say(desk.tess, "Second floor.")
    await desk.put(desk.tess, "assignee")
    assert (await desk.ada.api.put("/people/tess/role", json={"role": "parent"})).status_code == 204
    thread = f"/conversations/{desk.thread}"
    for answer in (
        await desk.tess.api.get(thread),
        await desk.tess.api.get(f"{thread}/messages"),
        await desk.tess.api.get(f"/live?after={desk.thread}:0"),
        await desk.tess.api.get(f"/messages/{mine['id']}"),
        await desk.tess.api.patch(f"/messages/{mine['id']}", json={"body": "x"}),
        await desk.tess.api.delete(f"/messages/{mine['id']}"),
        await desk.tess.api.post(f"{thread}/messages", json={"body": "x"}),
        await desk.tess.api.put(f"{thread}/closed", json={}),
        await desk.tess.api.put(f"{thread}/assignee", json={}),
        await desk.tess.api.post(f"{thread}/typing", json={}),
    ):
        assert answer.status_code == 404, answer.request.url
    assert desk.thread not in await sidebar(desk.tess)
    assert (await desk.tess.api.get("/messages")).json()["messages"] == []
    assert (await desk.view(desk.milo))["assignee"] is None, "it waits for the team again"
    assert await queue(desk.ada) == [desk.thread]
    said = (await desk.milo.api.get(f"{thread}/messages")).json()["messages"]
    assert next(m for m in said if m["id"] == mine["id"])["of_team"], "what was answered stays the team's"


async def test_new_staff_sees_what_is_open(desk: Desk) -> None:
    assert not await may_see(desk.cast.oscar, desk.thread)
    await desk.ada.api.put("/people/oscar/role", json={"role": "teacher"})
    assert await queue(desk.cast.oscar) == [desk.thread]
    assert await may_see(desk.cast.oscar, desk.thread)


async def test_whoever_asked_stays_whatever_their_role_becomes(desk: Desk) -> None:
    for role in ("teacher", "student", "parent"):
        await become(desk.milo, role)
        assert await may_see(desk.milo, desk.thread)
        assert desk.thread in await sidebar(desk.milo)


@pytest.mark.parametrize("json", [True, False])
async def test_a_stream_of_whoever_leaves_the_team_ends_there(desk: Desk, json: bool) -> None:
    head = (await desk.view(desk.tess))["change"]
    async with (
        following(desk.cast.server, desk.tess, f"{desk.thread}:{head}", json=json) as theirs,
        following(desk.cast.server, desk.milo, f"{desk.thread}:{head}") as stays,
    ):
        await desk.say(desk.milo, "for the team")
        await theirs.until(lambda f: any("for the team" in event.data for event in f.named("message")))
        await desk.ada.api.put("/people/tess/role", json={"role": "student"})
        gone = (
            (lambda f: any(e.json.get("removed") for e in f.named("conversation")))
            if json
            else (lambda f: any(e.data == str(desk.thread) for e in f.named("conversation-gone")))
        )
        await theirs.until(gone, seconds=10)
        await desk.say(desk.milo, "not for Tess")
        await stays.until(lambda f: any("not for Tess" in event.data for event in f.named("message")))
        assert not any("not for Tess" in event.data for event in theirs.events)


async def test_without_a_ring_it_takes_about_a_second(desk: Desk) -> None:
    head = (await desk.view(desk.tess))["change"]
    async with following(desk.cast.server, desk.tess, f"{desk.thread}:{head}", json=False) as theirs:
        await become(desk.tess, "student")
        await theirs.until(lambda f: any(e.data == str(desk.thread) for e in f.named("conversation-gone")), seconds=10)
        await desk.say(desk.milo, "not for Tess")
        await desk.cast.say(desk.ada, "for all", desk.cast.general)
        await theirs.until(lambda f: any(_line(desk) in event.data for event in f.named("conversation")))
        assert not any("not for Tess" in event.data for event in theirs.events)


def _line(desk: Desk) -> str:
    """What the line of the general room has in it, when something new came into that."""
    return f'id="conversation-{desk.cast.general}"'


async def test_a_role_that_goes_while_one_writes_lets_nothing_through_after_it(desk: Desk) -> None:
    await desk.view(desk.tess)
    url = f"/conversations/{desk.thread}/messages"
    sends = [desk.tess.api.post(url, json={"body": f"{n}"}) for n in range(20)]
    answers = await asyncio.gather(
        *sends[:10], desk.ada.api.put("/people/tess/role", json={"role": "parent"}), *sends[10:]
    )
    kept = sum(answer.status_code == 201 for answer in answers)
    assert {answer.status_code for answer in answers} <= {201, 204, 404}
    there = await database.fetch_value("SELECT count(*) FROM message WHERE author = $1 AND of_team", desk.tess.id)
    assert there == kept
    assert not await may_see(desk.tess, desk.thread)


async def test_someone_who_closes_their_account_looks_after_nothing(desk: Desk) -> None:
    await desk.put(desk.tess, "assignee")
    closed = await desk.tess.api.request("DELETE", "/me", json={"current": PASSWORD})
    assert closed.status_code == 204, closed.text
    assert (await desk.view(desk.milo))["assignee"] is None
    assert (await desk.tess.api.get(f"/conversations/{desk.thread}")).status_code == 401
    assert (await desk.put(desk.ada, "assignee", username="tess")).status_code == 422


@pytest.mark.parametrize("blocker", ["milo", "tess"])
async def test_a_block_between_the_asker_and_one_of_the_team_leaves_it_to_the_others(desk: Desk, blocker: str) -> None:
    one, other = (desk.milo, desk.tess) if blocker == "milo" else (desk.tess, desk.milo)
    await desk.put(desk.tess, "assignee")
    head = (await desk.view(desk.tess))["change"]
    async with (
        following(desk.cast.server, desk.tess, f"{desk.thread}:{head}", json=False) as theirs,
        following(desk.cast.server, desk.milo, f"{desk.thread}:{head}", json=False) as page,
    ):
        assert (await one.api.put(f"/people/{other.username}/block")).status_code == 204
        await theirs.until(lambda f: any(e.data == str(desk.thread) for e in f.named("conversation-gone")), seconds=10)
        await page.until(lambda f: bool(f.named("reset")), seconds=10)
    assert not await may_see(desk.tess, desk.thread)
    assert await queue(desk.tess) == []
    assert await queue(desk.ada) == [desk.thread]
    assert (await desk.view(desk.milo))["assignee"] is None
    assert (await desk.put(desk.ada, "assignee", username="tess")).status_code == 422
    assert (await desk.say(desk.milo, "anyone else?"))["position"]
    await one.api.delete(f"/people/{other.username}/block")
    assert await may_see(desk.tess, desk.thread)
