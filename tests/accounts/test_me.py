"""One's own account: the profile, the password, and leaving."""

import asyncio
from typing import Any

import pytest

from app.core import database
from tests.conftest import PASSWORD, Actor, Server
from tests.pages import errors, form, says, typed
from tests.streams import following

NEW = "seven green boats sing"


@pytest.fixture
async def olive(server: Server) -> Actor:
    someone = await server.someone("olive", "Olive Owner")
    await someone.api.get("/conversations")  # comes into the general room, so a stream has something to say
    return someone


async def log_in(server: Server, password: str = PASSWORD) -> dict[str, Any]:
    program = server.client(accept="application/json")
    answer = await program.post("/auth/login", json={"login": "olive", "password": password})
    told: dict[str, Any] = answer.json()
    return told


async def test_i_see_myself_and_nothing_that_is_secret(server: Server, olive: Actor) -> None:
    told = (await olive.api.get("/me")).json()
    fields = {"id", "username", "name", "email", "role", "about", "language", "time_zone", "created_at", "updated_at"}
    fields |= {"avatar"}
    assert set(told) == fields
    assert told["email"] == "olive@example.org"


async def test_i_change_my_name_language_and_time_zone(server: Server, olive: Actor) -> None:
    answer = await olive.api.patch("/me", json={"name": "  Olive\n d'Or ", "language": "fr", "time_zone": "Asia/Tokyo"})
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["language"], answer.json()["time_zone"]) == (
        "Olive d'Or",
        "fr",
        "Asia/Tokyo",
    )
    assert answer.json()["updated_at"] > answer.json()["created_at"]
    only = await olive.api.patch("/me", json={"language": "en"})
    assert (only.json()["name"], only.json()["language"]) == ("Olive d'Or", "en")
    found = (await olive.api.get("/people", params={"q": "olive d'or"})).json()["people"]
    assert [person["username"] for person in found] == ["olive"]


async def test_by_a_plain_form_the_page_comes_back_in_the_new_language(server: Server, olive: Actor) -> None:
    page = await olive.browser.get("/me")
    fields = typed(form(page, "/me?_method=patch"))
    assert fields == {
        "name": "Olive Owner",
        "username": "olive",
        "about": "",
        "language": "en",
        "time_zone": "UTC",
    }
    answer = await olive.browser.post("/me?_method=patch", data=fields | {"language": "fr"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    changed = await olive.browser.get("/me")
    assert 'lang="fr"' in changed.text
    assert typed(form(changed, "/me?_method=patch"))["language"] == "fr"


async def test_what_is_wrong_is_named_and_nothing_is_changed(server: Server, olive: Actor) -> None:
    wrong = {"name": "x" * 51, "language": "tlh", "time_zone": "Mars/Olympus"}
    answer = await olive.api.patch("/me", json=wrong)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"name", "language", "time_zone"}
    for name in ("", " ", "\u200b"):
        assert (await olive.api.patch("/me", json={"name": name})).status_code == 422
    page = await olive.browser.post("/me?_method=patch", data={"name": "x" * 51})
    again = form(page, "/me?_method=patch")
    assert page.status_code == 422
    assert typed(again)["name"] == "x" * 51
    assert set(errors(again)) == {"name"}
    assert (await olive.api.get("/me")).json()["name"] == "Olive Owner"


async def test_nobody_changes_what_is_not_theirs_to_change(server: Server, olive: Actor) -> None:
    """Role, address and id are not fields of a profile, so they are as if they were not there."""
    before = (await olive.api.get("/me")).json()
    sent = {"role": "admin", "email": "eve@example.org", "id": 1, "password_hash": "x"}
    after = (await olive.api.patch("/me", json=sent)).json()
    assert after | {"updated_at": ""} == before | {"updated_at": ""}


async def test_a_new_password_keeps_this_session_and_ends_the_others_with_their_streams(
    server: Server, olive: Actor
) -> None:
    other = await log_in(server)
    program = server.client(accept="application/json", authorization=f"Bearer {other['access_token']}")
    elsewhere = Actor("", olive.id, "olive", server, other["access_token"], other["refresh_token"])
    async with following(server, elsewhere, json=False) as theirs, following(server, olive, json=False) as mine:
        answer = await olive.api.put("/me/password", json={"current": PASSWORD, "password": NEW})
        assert answer.status_code == 204
        assert (await program.get("/me")).status_code == 401
        await theirs.until(lambda f: f.ended.is_set(), 10)
        await olive.api.post("/conversations", json={"title": "Tea"})
        await mine.until(lambda f: any("Tea" in event.data for event in f.events))
        assert not mine.ended.is_set()
    assert (await olive.api.get("/me")).status_code == 200
    assert "access_token" in await log_in(server, NEW)
    assert "access_token" not in await log_in(server)


async def test_a_new_password_needs_the_present_one_and_must_be_good(server: Server, olive: Actor) -> None:
    async def change(current: str, password: str) -> list[str]:
        answer = await olive.api.put("/me/password", json={"current": current, "password": password})
        assert answer.status_code == 422
        return list(answer.json()["errors"])

    assert await change("not the right one", NEW) == ["current"]
    assert await change("", NEW) == ["current"]
    for poor in ("short", "password123", "olive@example.org", "Olive Owner", "x" * 257):
        assert await change(PASSWORD, poor) == ["password"], poor
    assert "access_token" in await log_in(server)


async def test_a_refused_password_form_echoes_neither_password(server: Server, olive: Actor) -> None:
    sent = {"current": "wrong current one", "password": "wanted new one"}
    answer = await olive.browser.post("/me/password?_method=put", data=sent)
    assert answer.status_code == 422
    assert set(errors(form(answer, "/me/password?_method=put"))) == {"current"}
    assert "wrong current one" not in answer.text
    assert "wanted new one" not in answer.text


async def test_leaving_ends_everything_and_hides_me(server: Server, olive: Actor) -> None:
    milo = await server.someone("milo")
    async with following(server, olive, json=False) as feed:
        answer = await olive.api.post("/me/deactivate", json={"current": PASSWORD})
        assert answer.status_code == 204
        assert (await olive.api.get("/me")).status_code == 401
        await feed.until(lambda f: f.ended.is_set(), 10)
    assert "access_token" not in await log_in(server)
    program = server.client(accept="application/json")
    assert (await program.post("/auth/refresh", json={"refresh_token": olive.refresh})).status_code == 401
    assert (await milo.api.get("/people/olive")).status_code == 404
    assert [p["username"] for p in (await milo.api.get("/people")).json()["people"]] == ["milo"]
    assert (await milo.api.put("/direct/olive")).status_code == 404
    again = {"username": "olive", "name": "Olive", "email": "other@example.org", "password": PASSWORD}
    assert (await program.post("/auth/signup", json=again)).status_code == 422, "nobody becomes who left"


async def test_leaving_by_a_plain_form_leads_to_the_door_without_cookies(server: Server, olive: Actor) -> None:
    browser = server.browser()
    await browser.post("/auth/login", data={"login": "olive", "password": PASSWORD})
    page = await browser.get("/me/deactivate")
    answer = await browser.post(str(form(page, "/me/deactivate")["action"]), data={"current": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/login")
    assert not {"access", "refresh"} & set(browser.cookies)
    assert "Your account has been deactivated." in says(await browser.get("/auth/login", follow_redirects=True))


async def test_leaving_needs_the_password(server: Server, olive: Actor) -> None:
    for body in ({"current": "not the right one"}, {"current": ""}, {}):
        answer = await olive.api.post("/me/deactivate", json=body)
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["current"]
    assert (await olive.api.get("/me")).status_code == 200


async def test_the_only_administrator_cannot_leave(server: Server) -> None:
    ada = await server.someone("ada", role="admin")
    await server.someone("milo")
    answer = await ada.api.post("/me/deactivate", json={"current": PASSWORD})
    assert answer.status_code == 422
    assert (await ada.api.get("/me")).status_code == 200


async def test_of_the_last_two_administrators_who_leave_at_once_one_stays(server: Server) -> None:
    admins = [await server.someone(name, role="admin") for name in ("ada", "adele", "agnes")]
    answers = await asyncio.gather(*(a.api.post("/me/deactivate", json={"current": PASSWORD}) for a in admins))
    assert sorted(answer.status_code for answer in answers) == [204, 204, 422]
    assert await database.fetch_value("SELECT count(*) FROM person WHERE deactivated_at IS NULL") == 1


async def test_every_page_of_the_account_can_be_read(server: Server, olive: Actor) -> None:
    for path in ("/me", "/me/email", "/me/password", "/me/deactivate", "/me/delete", "/me/sessions"):
        page = await olive.browser.get(path)
        assert page.status_code == 200
        assert "Olive Owner" in says(page)
