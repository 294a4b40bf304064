"""One answer, many representations: the format is chosen last, by what the client can use."""

from typing import Any

import httpx
import pytest

from app.core import database
from app.core.page import Shape, shape_wanted
from tests.conftest import PASSWORD, Cast, Server
from tests.pages import parsed, says

ANY = "*/*"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
WANTED: list[tuple[dict[str, str], Shape]] = [
    ({"accept": BROWSER}, "page"),
    ({"accept": BROWSER, "hx-request": "true"}, "partial"),
    ({"accept": "text/html"}, "page"),
    ({"accept": "application/json"}, "json"),
    ({"accept": "application/problem+json"}, "json"),
    ({"accept": "application/json", "hx-request": "true"}, "json"),
    ({"accept": "text/event-stream"}, "json"),
    ({"accept": ANY, "hx-request": "true"}, "partial"),
    ({"accept": ANY}, "page"),
    ({}, "page"),
    ({"accept": ANY, "content-type": "application/json"}, "json"),
    ({"accept": ANY, "authorization": "Bearer x"}, "json"),
    ({"accept": ANY, "authorization": "bearer x"}, "json"),
    ({"accept": BROWSER, "authorization": "Bearer x"}, "page"),
]


@pytest.mark.parametrize(("headers", "shape"), WANTED, ids=str)
def test_what_a_client_can_use(headers: dict[str, str], shape: Shape) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: Any = {"type": "http", "headers": raw, "state": {}}
    assert shape_wanted(scope) == shape


async def test_one_address_is_a_page_a_fragment_and_json(cast: Cast) -> None:
    await cast.say(cast.olive, "e4 e5")
    here = f"/conversations/{cast.chess}/messages"
    page = await cast.milo.browser.get(here)
    assert parsed(page).find(id="sidebar") is not None
    fragment = await cast.milo.browser.get(here, headers={"hx-request": "true"})
    assert "<html" not in fragment.text
    assert "e4 e5" in fragment.text
    told = await cast.milo.api.get(here)
    assert told.headers["content-type"] == "application/json"
    assert told.json()["messages"][-1]["body"] == "e4 e5"
    for answer in (page, fragment, told):
        assert "hx-request" in answer.headers["vary"].lower()
        assert "accept" in answer.headers["vary"].lower()


async def test_a_form_moves_on_a_fragment_is_told_where_to_go_and_a_program_gets_the_thing(cast: Cast) -> None:
    group = {"kind": "group", "title": "Tea"}
    plain = await cast.olive.browser.post("/conversations", data=group)
    assert plain.status_code == 303
    assert plain.headers["location"].startswith("/conversations/")
    swapped = await cast.olive.browser.post("/conversations", data=group, headers={"hx-request": "true"})
    assert swapped.status_code == 200
    assert swapped.headers["hx-redirect"].startswith("/conversations/")
    made = await cast.olive.api.post("/conversations", json=group)
    assert made.status_code == 201
    assert made.json()["title"] == "Tea"


async def test_nothing_to_say_is_said_with_204_to_programs_and_with_a_page_to_people(cast: Cast) -> None:
    read = f"/conversations/{cast.chess}/read"
    program = await cast.milo.api.put(read, json={"position": 1})
    assert (program.status_code, program.content) == (204, b"")
    assert (await cast.milo.browser.post(f"{read}?_method=put", data={"position": "1"})).status_code == 303


async def test_a_word_about_what_was_done_is_shown_once(server: Server) -> None:
    await server.someone("olive")
    browser = server.browser()
    await browser.post("/auth/login", data={"login": "olive", "password": PASSWORD})
    done = await browser.post("/me?_method=patch", data={"name": "Olive"})
    line = next(line for line in done.headers.get_list("set-cookie") if line.startswith("flash="))
    assert {"httponly", "path=/", "samesite=lax"} <= {part.strip().lower() for part in line.split(";")}
    assert "Saved." in says(await browser.get("/me"))
    assert "Saved." not in says(await browser.get("/me"))


async def test_a_word_cannot_be_put_into_our_mouth(server: Server) -> None:
    olive = await server.someone("olive")
    olive.browser.cookies.set("flash", "<script>alert(1)</script>")
    page = await olive.browser.get("/me")
    assert page.status_code == 200
    assert "alert(1)" not in page.text


async def test_times_in_json_are_utc_with_z_and_ids_are_integers(cast: Cast) -> None:
    said = await cast.say(cast.milo, "hello")
    told = (await cast.milo.api.get(f"/conversations/{cast.chess}")).json()
    for time in (said["created_at"], told["created_at"], told["last_activity_at"]):
        assert time.endswith("Z")
        assert "T" in time
    assert isinstance(told["id"], int)


async def test_the_json_of_a_page_has_no_more_than_may_be_published(cast: Cast) -> None:
    """The struct is the template's context and the JSON alike: nobody else's address, nothing of passwords."""
    email = await database.fetch_value("SELECT email FROM person WHERE username = 'olive'")
    paths = [f"/conversations/{cast.chess}", f"/conversations/{cast.chess}/members", "/people", "/people/olive"]
    for path in [*paths, "/conversations", "/me/sessions"]:
        for client in (cast.milo.api, cast.milo.browser):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            for secret in (email, "password_hash", "argon2", "token_hash", "refresh_token"):
                assert secret not in answer.text, (path, secret)


async def test_a_page_is_the_same_however_often_it_is_asked_for(cast: Cast) -> None:
    def stable(answer: httpx.Response) -> str:
        for key in parsed(answer).find_all("input", attrs={"name": "key"}):
            return answer.text.replace(str(key["value"]), "")
        return answer.text

    cast.milo.browser.cookies.set("scripts", "1")  # without, the first page is a sign of life that the second shows
    for path in ("/conversations", "/people", "/me", f"/conversations/{cast.chess}"):
        assert stable(await cast.milo.browser.get(path)) == stable(await cast.milo.browser.get(path)), path
