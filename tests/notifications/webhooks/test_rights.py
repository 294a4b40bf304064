"""A webhook takes no more than its maker may give and comes nowhere uninvited; nobody makes them without an end."""

import asyncio
import dataclasses
from typing import Any

import pytest

from app.core import database
from app.core.settings import Settings
from app.notifications.webhooks import incoming
from tests.conftest import Cast

Make = Any


async def post(cast: Cast, made: dict[str, Any], **more: Any) -> Any:
    return await cast.server.client().post(made["url"], json={"text": "hello", **more})


async def test_it_ends_when_its_maker_owns_the_group_no_more_until_the_new_owner_renews_it(
    cast: Cast, make_hook: Make
) -> None:
    made = await make_hook(cast.olive, cast.chess)
    assert made["maker"]["username"] == "olive"
    assert (await post(cast, made)).status_code == 201
    await cast.olive.api.put(f"/conversations/{cast.chess}/owner", json={"username": "milo"})
    refused = await post(cast, made)
    assert refused.status_code == 403
    assert "a new address" in refused.json()["detail"]
    there = f"/conversations/{cast.chess}/webhooks"
    renewed = (await cast.milo.api.put(f"{there}/{made['id']}/secret")).json()
    assert renewed["maker"]["username"] == "milo"
    assert (await post(cast, renewed)).status_code == 201
    assert "@milo is responsible for it" in (await cast.milo.browser.get(there)).text


async def test_in_the_general_room_it_ends_with_the_role_of_its_maker(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, cast.general)
    assert (await post(cast, made)).status_code == 201
    await database.fetch("UPDATE person SET role = 'teacher' WHERE id = $1", cast.ada.id)
    assert (await post(cast, made)).status_code == 403


async def test_one_of_the_instance_does_not_come_into_what_the_staff_is_asked(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, None)
    asked = await cast.milo.api.post("/conversations", json={"kind": "support", "title": "Help", "body": "Please"})
    assert asked.status_code == 201, asked.text
    to = {"conversation": asked.json()["id"]}
    assert (await post(cast, made, to=to)).status_code == 422
    assert (await post(cast, made, to={"conversation": cast.general})).status_code == 201
    inside = await database.fetch_value(
        "SELECT count(*) FROM membership WHERE conversation = $1 AND person = $2", to["conversation"], made["bot"]["id"]
    )
    assert inside == 0


async def test_one_person_makes_so_many_and_not_more(
    cast: Cast, make_hook: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "MOST_OF_ONE", 2)
    first = await make_hook(cast.ada, None)
    await make_hook(cast.ada, cast.general)
    body = {"name": "Third"}
    assert (await cast.ada.api.post("/admin/webhooks", json=body)).status_code == 409
    await make_hook(cast.olive, cast.chess)
    await cast.ada.api.delete(f"/admin/webhooks/{first['id']}")
    await make_hook(cast.ada, None)


async def test_many_that_are_made_at_once_are_counted(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "MOST", 2)
    there = f"/conversations/{cast.chess}/webhooks"
    made = await asyncio.gather(*(cast.olive.api.post(there, json={"name": "Many"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in made) == [201] * 2 + [409] * 6


class TestInASchool:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, role_policy="school")

    async def test_a_teacher_who_becomes_a_student_has_no_bots_of_the_staff_nor_new_tokens(self, cast: Cast) -> None:
        async def role(username: str, wanted: str) -> int:
            return (await cast.ada.api.put(f"/people/{username}/role", json={"role": wanted})).status_code

        assert await role("olive", "teacher") == 204
        bot = (await cast.olive.api.post("/me/bots", json={"username": "weather", "name": "W"})).json()["id"]
        assert await role("weather", "teacher") == 204
        assert await role("olive", "student") == 204
        assert (await cast.ada.api.get("/people/weather")).json()["role"] == "student"
        assert await role("weather", "teacher") == 422
        refused = await cast.olive.api.post(f"/me/bots/{bot}/tokens", json={"name": "x", "scopes": ["read"]})
        assert refused.status_code == 403


async def test_a_group_that_ends_takes_its_webhooks_and_their_bots_along(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    other = await make_hook(cast.ada, cast.general)
    assert (await cast.olive.api.delete(f"/conversations/{cast.chess}")).status_code == 204
    assert (await post(cast, made)).status_code == 404
    rows = await database.fetch("SELECT id FROM webhook WHERE id = ANY($1)", [made["id"], other["id"]])
    assert [row["id"] for row in rows] == [other["id"]]
    bots = [made["bot"]["id"], other["bot"]["id"]]
    closed = await database.fetch("SELECT id FROM person WHERE id = ANY($1) AND deactivated_at IS NOT NULL", bots)
    assert [row["id"] for row in closed] == bots[:1]
