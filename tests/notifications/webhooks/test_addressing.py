"""Webhooks of the instance: to a person, to all of a role, to a conversation."""

import dataclasses
from typing import Any

import msgspec
import pytest

from app.core import database
from app.core.settings import Settings
from app.notifications.webhooks import posts
from app.notifications.webhooks.events import PostedToRole
from tests.conftest import Actor, Cast, Newcomer

Make = Any


async def inbox(who: Actor) -> list[str]:
    """The texts of this person's direct conversations."""
    lines = (await who.api.get("/conversations")).json()["conversations"]
    found = []
    for line in lines:
        if line["kind"] == "direct":
            history = (await who.api.get(f"/conversations/{line['id']}/messages")).json()["messages"]
            found += [message["body"] for message in history]
    return found


async def hand_on(cast: Cast) -> int:
    """Does the jobs that wait, as the worker would, until none does; gives how many steps."""
    steps = 0
    while rows := await database.fetch("DELETE FROM pgqueuer WHERE entrypoint = 'PostedToRole' RETURNING payload"):
        for row in rows:
            event = msgspec.convert(msgspec.json.decode(row["payload"])["event"], PostedToRole)
            await posts.hand_on(cast.server.settings, event)
            steps += 1
    return steps


async def test_to_a_person_it_is_a_direct_message(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, None)
    poster = cast.server.client()
    for to in ({"person": "mina"}, "person:mina"):
        answer = await poster.post(made["url"], json={"text": "Your child was absent at 8:00.", "to": to})
        assert answer.status_code == 201, answer.text
    assert await inbox(cast.mina) == ["Your child was absent at 8:00."] * 2
    assert await inbox(cast.milo) == []


async def test_whoever_is_not_there_or_wants_nothing_from_it_is_told_alike(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, None)
    poster = cast.server.client()
    await poster.post(made["url"], json={"text": "first", "to": {"person": "mina"}})
    await cast.mina.api.put(f"/people/{made['bot']['username']}/block")
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.oscar.id)
    refused = [
        await poster.post(made["url"], json={"text": "x", "to": {"person": name}})
        for name in ("mina", "oscar", "nobody-there", made["bot"]["username"], "")
    ]
    assert {answer.status_code for answer in refused} == {422}
    assert len({answer.json()["errors"]["to"] for answer in refused[:4]}) == 1
    assert await database.fetch_value("SELECT count(*) FROM message WHERE body = 'x'") == 0


async def test_to_a_role_it_goes_to_each_of_them_once_in_steps(
    cast: Cast, make_hook: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posts, "STEP", 3)
    parents = await cast.server.people(*(Newcomer(f"parent{number}", role="parent") for number in range(7)))
    made = await make_hook(cast.ada, None)
    await parents[0].api.put(f"/people/{made['bot']['username']}/block")
    body = {"title": "Strike", "text": "No school on Monday.", "to": {"role": "parent"}, "key": "strike"}
    poster = cast.server.client()
    answers = [await poster.post(made["url"], json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == {"message_id": None, "conversation_id": None, "status": "accepted"}
    assert (await poster.post(made["url"], json=body | {"text": "other"})).status_code == 409
    assert await inbox(parents[1]) == [], "nothing yet: it is a job"
    assert await hand_on(cast) == 3
    for parent in parents[1:]:
        assert await inbox(parent) == ["**Strike**\nNo school on Monday."]
    assert await inbox(parents[0]) == [], "who blocked it is passed over"
    assert await inbox(cast.milo) == []
    post = await database.fetch_value("SELECT id FROM webhook_post")
    await posts.hand_on(cast.server.settings, PostedToRole(post))  # the worker was killed after it, and does it again
    assert [len(await inbox(parent)) for parent in parents[1:4]] == [1, 1, 1]


async def test_to_a_conversation_it_goes_where_its_bot_was_added(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, None)
    poster = cast.server.client()
    refused = await poster.post(made["url"], json={"text": "x", "to": {"conversation": cast.chess}})
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"to"})
    added = await cast.olive.api.post(
        f"/conversations/{cast.chess}/members", json={"username": made["bot"]["username"]}
    )
    assert added.status_code == 201
    for to in ({"conversation": cast.chess}, f"conversation:{cast.chess}"):
        assert (await poster.post(made["url"], json={"text": "x", "to": to})).status_code == 201
    assert (await poster.post(made["url"], json={"text": "x", "to": {"conversation": cast.general}})).status_code == 201


async def test_to_whom_must_be_said_and_be_possible(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, None)
    for to in (
        None,
        "",
        {},
        "mina",
        "planet:mars",
        {"role": "headmaster"},
        {"role": ""},
        {"person": "mina", "role": "parent"},
        {"conversation": -1},
        {"conversation": 2**63},
        {"conversation": 10**30},
        {"conversation": "１"},
        {"conversation": "x"},
        {"person": "a\0b"},
        7,
        ["person"],
    ):
        answer = await cast.server.client().post(made["url"], json={"text": "x", "to": to})
        assert answer.status_code in (400, 422), (to, answer.status_code)


async def test_it_ends_with_the_right_of_who_made_it(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, None)
    body = {"text": "x", "to": {"role": "student"}}
    assert (await cast.server.client().post(made["url"], json=body)).status_code == 202
    await database.fetch("UPDATE person SET role = 'teacher' WHERE id = $1", cast.ada.id)
    answer = await cast.server.client().post(made["url"], json=body)
    assert answer.status_code == 403
    assert "administrator" in answer.json()["detail"]
    await hand_on(cast)
    assert await inbox(cast.milo) == [], "nor is handed on what was accepted before"


async def test_only_administrators_have_webhooks_of_the_instance(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, None)
    for who in (cast.olive, cast.milo):
        for method, path in (
            ("GET", "/admin/webhooks"),
            ("POST", "/admin/webhooks"),
            ("PUT", f"/admin/webhooks/{made['id']}/secret"),
            ("DELETE", f"/admin/webhooks/{made['id']}"),
            ("POST", "/admin/subscriptions"),
        ):
            assert (await who.api.request(method, path)).status_code == 403
    page = await cast.ada.browser.get("/admin/webhooks")
    assert "Absences" in page.text
    wrong = await cast.olive.api.delete(f"/conversations/{cast.chess}/webhooks/{made['id']}")
    assert wrong.status_code == 404, "it is not of her group"
    assert (await cast.ada.api.delete(f"/admin/webhooks/{made['id']}")).status_code == 204
    assert (await cast.server.client().post(made["url"], json={"text": "x", "to": "role:student"})).status_code == 404


class TestInASchool:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, role_policy="school")

    async def test_a_webhook_writes_to_everyone_as_the_staff_does(self, cast: Cast, make_hook: Make) -> None:
        made = await make_hook(cast.ada, None)
        await cast.server.someone("percy", role="parent")
        for name in ("milo", "percy", "olive", "ada"):
            answer = await cast.server.client().post(made["url"], json={"text": "x", "to": {"person": name}})
            assert answer.status_code == 201, name

    async def test_of_a_group_that_nobody_of_the_staff_looks_after_none_is_made(self, cast: Cast) -> None:
        await database.fetch("UPDATE person SET role = 'student' WHERE id = $1", cast.olive.id)
        answer = await cast.olive.api.post(f"/conversations/{cast.chess}/webhooks", json={"name": "x"})
        assert answer.status_code == 403
