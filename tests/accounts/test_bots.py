"""Bots: members that are programs, made and looked after by people."""

import dataclasses
import json
from typing import Any

import pytest

from app.accounts import actions, bots
from app.core import database, limits
from app.core.settings import Settings
from tests.conftest import PASSWORD, Actor, Cast, Server, statements_of
from tests.pages import errors, parsed, says
from tests.pictures import picture

JSON = {"content-type": "application/json"}


async def made(who: Actor, username: str = "weather", name: str = "Weather") -> dict[str, Any]:
    answer = await who.api.post("/me/bots", json={"username": username, "name": name})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_bot_is_made_with_a_name_and_listed_by_whom_it_is(cast: Cast) -> None:
    bot = await made(cast.olive)
    assert (bot["username"], bot["name"], bot["avatar"]) == ("weather", "Weather", None)
    assert (await cast.olive.api.get("/me/bots")).json()["bots"] == [bot]
    assert (await cast.milo.api.get("/me/bots")).json()["bots"] == []
    assert (await cast.milo.api.get(f"/me/bots/{bot['id']}")).status_code == 404


async def test_others_find_it_among_the_people_marked_as_a_bot(cast: Cast) -> None:
    bot = await made(cast.olive)
    cards = (await cast.milo.api.get("/people?q=weather")).json()["people"]
    assert cards == [{"id": bot["id"], "username": "weather", "name": "Weather", "role": "student", "bot": True}]
    assert "bot" not in (await cast.milo.api.get("/people/olive")).json()
    for path in ("/people?q=weather", "/people/weather"):
        assert "bot" in [tag.get_text() for tag in parsed(await cast.milo.browser.get(path)).select("main .tag")], path


async def test_its_place_in_a_group_and_what_it_wrote_say_that_it_is_a_bot(cast: Cast) -> None:
    bot = await made(cast.olive)
    added = await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "weather"})
    assert added.status_code == 201
    await database.fetch(
        """
        WITH c AS (UPDATE conversation SET position = position + 1, change = change + 1 WHERE id = $1 RETURNING *)
        INSERT INTO message (conversation, position, change, author, body)
        SELECT id, position, change, $2, 'rain' FROM c
        """,
        cast.chess,
        bot["id"],
    )
    people = (await cast.milo.api.get(f"/conversations/{cast.chess}/members")).json()["people"]
    assert {person["username"] for person in people if person.get("bot")} == {"weather"}
    told = (await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"][-1]
    assert told["author"] == {"id": bot["id"], "username": "weather", "name": "Weather", "bot": True}
    page = parsed(await cast.milo.browser.get(f"/conversations/{cast.chess}"))
    (message,) = page.select(f'.message[data-author="{bot["id"]}"][data-kind="text"]')
    assert [tag.get_text() for tag in message.select(".message-head .tag")] == ["bot"]
    assert message.article is not None
    assert "Weather (bot)" in str(message.article["aria-label"])
    assert "bot" in [tag.get_text() for tag in page.select("#members-pane .tag")]


async def test_a_bot_has_no_password_and_no_way_to_get_one(cast: Cast) -> None:
    bot = await made(cast.olive)
    key = await database.fetch_value("SELECT email_key FROM person WHERE id = $1", bot["id"])
    for login in ("weather", key, ""):
        for password in ("", "!", PASSWORD):
            answer = await cast.nobody.api.post("/auth/login", json={"login": login, "password": password})
            assert answer.status_code == 401, (login, password)
    before = await database.fetch_value("SELECT count(*) FROM password_reset")
    for address in (key, "", "weather"):
        assert await actions.make_reset_link(cast.server.settings, address) is None
    assert await database.fetch_value("SELECT count(*) FROM password_reset") == before


async def test_its_address_is_shown_to_nobody_for_it_has_none(cast: Cast) -> None:
    bot = await made(cast.olive)
    key = await database.fetch_value("SELECT email_key FROM person WHERE id = $1", bot["id"])
    seen = await cast.ada.api.get("/people/weather")
    assert seen.json()["email"] is None
    for who in (cast.ada, cast.olive):
        assert key not in (await who.browser.get("/people/weather")).text


async def test_its_name_is_checked_as_that_of_a_person_and_what_was_typed_is_kept(cast: Cast) -> None:
    page = await cast.olive.browser.post("/me/bots", data={"username": "0live", "name": " "})
    assert page.status_code == 422
    assert set(errors(parsed(page))) == {"username", "name"}
    assert parsed(page).select_one("#field-username[value='0live']") is not None
    for username, name in (("admin", "x"), ("a", "x"), ("nul\x00l", "x"), ("fine", "\ud800"), ("fine", "x" * 51)):
        refused = await cast.olive.api.post(
            "/me/bots", content=json.dumps({"username": username, "name": name}), headers=JSON
        )
        assert refused.status_code in (400, 422), (username, name)


async def test_nobody_takes_the_name_of_a_bot_nor_a_bot_that_of_somebody(cast: Cast) -> None:
    await made(cast.olive)
    again = await cast.milo.api.post("/me/bots", json={"username": "weather", "name": "Other"})
    assert set(again.json()["errors"]) == {"username"}
    alike = {"username": "0scar", "name": "Me"}
    assert (await cast.milo.api.post("/me/bots", json=alike)).status_code == 422
    signup = {"username": "weather", "name": "W", "email": "w@example.org", "password": PASSWORD}
    assert "username" in (await cast.nobody.api.post("/auth/signup", json=signup)).json()["errors"]


async def test_somebody_has_so_many_bots_and_not_more(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bots, "MOST", 2)
    first = await made(cast.olive, "bot.one")
    await made(cast.olive, "bot.two")
    refused = await cast.olive.api.post("/me/bots", json={"username": "bot.three", "name": "Three"})
    assert refused.status_code == 422
    assert "2 bots" in refused.json()["detail"]
    await made(cast.milo, "bot.of-milo")
    await cast.olive.api.delete(f"/me/bots/{first['id']}")
    await made(cast.olive, "bot.three")


async def test_a_bot_gets_a_picture_as_people_do(cast: Cast) -> None:
    bot = await made(cast.olive)
    there = f"/me/bots/{bot['id']}"
    sent = await cast.olive.api.put(f"{there}/avatar", content=picture(), headers={"content-type": "image/png"})
    assert sent.status_code == 200
    address = (await cast.milo.api.get("/people/weather")).json()["avatar"]
    assert (await cast.milo.api.get(address)).status_code == 200
    theirs = await cast.milo.api.put(f"{there}/avatar", content=picture(), headers={"content-type": "image/png"})
    assert theirs.status_code == 404
    wrong = await cast.olive.browser.post(
        f"{there}/avatar?_method=put", files={"avatar": ("x.png", b"no picture", "image/png")}
    )
    assert wrong.status_code == 422
    assert set(errors(parsed(wrong))) == {"avatar"}
    assert (await cast.olive.api.delete(f"{there}/avatar")).status_code == 204
    assert "avatar" not in (await cast.milo.api.get("/people/weather")).json()


async def test_a_bot_is_renamed_by_its_owner_alone_and_a_refused_name_stays_typed(cast: Cast) -> None:
    bot = await made(cast.olive)
    there = f"/me/bots/{bot['id']}"
    moved = await cast.olive.browser.post(f"{there}?_method=patch", data={"name": "Rain or shine"})
    assert (moved.status_code, moved.headers["location"]) == (303, there)
    assert "Rain or shine" in says(await cast.olive.browser.get(there))
    refused = await cast.olive.browser.post(f"{there}?_method=patch", data={"name": " ", "username": "sunny"})
    assert refused.status_code == 422
    assert parsed(refused).select_one("#field-username[value='sunny']") is not None
    assert (await cast.milo.api.patch(there, json={"name": "Mine"})).status_code == 404


async def test_a_bot_that_is_removed_is_no_longer_found_and_what_it_wrote_keeps_its_name(cast: Cast) -> None:
    bot = await made(cast.olive)
    assert (await cast.milo.api.delete(f"/me/bots/{bot['id']}")).status_code == 404
    assert (await cast.olive.api.delete(f"/me/bots/{bot['id']}")).status_code == 204
    assert (await cast.milo.api.get("/people/weather")).status_code == 404
    assert (await cast.olive.api.get("/me/bots")).json()["bots"] == []
    assert await database.fetch_value("SELECT name FROM person WHERE id = $1", bot["id"]) == "Weather"


@pytest.mark.parametrize("way", ["close", "delete"])
async def test_with_their_owners_account_the_bots_end(cast: Cast, way: str) -> None:
    bot, other = await made(cast.olive), await made(cast.milo, "other")
    left = (
        await cast.olive.api.post("/me/deactivate", json={"current": PASSWORD})
        if way == "close"
        else await cast.olive.api.request("DELETE", "/me", json={"current": PASSWORD, "messages": "keep"})
    )
    assert left.status_code == 204, left.text
    ended = await database.fetch("SELECT id FROM person WHERE bot AND deactivated_at IS NOT NULL")
    assert [row["id"] for row in ended] == [bot["id"]]
    assert (await cast.ada.api.get("/people/other")).json()["id"] == other["id"]


async def test_a_bot_is_never_an_administrator(cast: Cast) -> None:
    await made(cast.ada)
    refused = await cast.ada.api.put("/people/weather/role", json={"role": "admin"})
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"role"})
    page = parsed(await cast.ada.browser.get("/people/weather"))
    assert [str(option["value"]) for option in page.select("#field-role option")] == ["student", "parent", "teacher"]
    assert (await cast.ada.api.put("/people/weather/role", json={"role": "teacher"})).status_code == 204


async def test_whoever_signs_up_first_is_the_administrator_though_a_bot_was_there_before(server: Server) -> None:
    async with database.transaction():
        await bots.insert("Absences")
    entrance = await server.nobody().browser.get("/auth/login")
    assert entrance.headers["location"] == "/auth/signup"
    signup = {"username": "first", "name": "First", "email": "first@example.org", "password": PASSWORD}
    assert (await server.nobody().api.post("/auth/signup", json=signup)).json()["person"]["role"] == "admin"


async def test_the_last_person_deletes_their_account_though_a_bot_of_the_house_stays(server: Server) -> None:
    ada = await server.someone("ada", role="admin")
    async with database.transaction():
        await bots.insert("Absences")
    left = await ada.api.request("DELETE", "/me", json={"current": PASSWORD, "messages": "keep"})
    assert left.status_code == 204, left.text


async def test_bots_of_the_house_have_names_of_their_own_and_no_owner(cast: Cast) -> None:
    async with database.transaction():
        one, two = await bots.insert("Absences"), await bots.insert("Absences")
    assert one != two
    found = (await cast.milo.api.get("/people?q=absences")).json()["people"]
    assert [person["bot"] for person in found] == [True, True]
    assert (await cast.ada.api.get("/me/bots")).json()["bots"] == []


async def test_a_group_that_loses_its_owner_goes_to_a_person_before_a_bot(cast: Cast) -> None:
    await made(cast.olive)
    await database.fetch("UPDATE person SET role = 'teacher' WHERE username = 'weather'")
    group = (await cast.olive.api.post("/conversations", json={"title": "G", "members": ["weather", "oscar"]})).json()
    await cast.olive.api.delete(f"/conversations/{group['id']}/members/{cast.olive.id}")
    assert (await cast.oscar.api.get(f"/conversations/{group['id']}")).json()["role"] == "owner"


async def test_it_enters_the_general_room_by_looking_and_is_not_online_by_being_there(cast: Cast) -> None:
    bot = await made(cast.olive)
    rooms = await database.fetch("SELECT FROM membership WHERE person = $1", bot["id"])
    assert rooms == []
    online = (await cast.milo.api.get("/people/online")).json()["people"]
    assert bot["id"] not in [person["id"] for person in online]


async def test_the_list_of_bots_costs_the_same_for_one_and_for_many(cast: Cast) -> None:
    await made(cast.olive, "bot.0")
    one = await statements_of(cast.olive.api.get("/me/bots"))
    for number in range(1, 6):
        await made(cast.olive, f"bot.{number}x")
    assert await statements_of(cast.olive.api.get("/me/bots")) == one


class TestInASchool:
    """The staff alone make bots."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, role_policy="school")

    async def test_teachers_make_bots_and_students_do_not(self, cast: Cast) -> None:
        assert (await made(cast.olive))["username"] == "weather"  # a teacher here
        refused = await cast.milo.api.post("/me/bots", json={"username": "homework", "name": "Homework"})
        assert refused.status_code == 403
        assert "teachers and administrators" in refused.json()["detail"]
        page = await cast.milo.browser.get("/me/bots")
        assert not parsed(page).select("form[action='/me/bots']")


class TestWithLimits:
    """How many somebody makes in a day."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, rate_limits=True)

    async def test_nobody_tries_names_of_bots_without_end(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "BOT_PERSON", dataclasses.replace(limits.BOT_PERSON, most=2))
        for expected in (422, 422, 429):
            answer = await cast.olive.api.post("/me/bots", json={"username": "milo", "name": "x"})
            assert answer.status_code == expected
