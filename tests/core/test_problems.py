"""Errors as answers: a page, a fragment, or problem+json; in the reader's language, no more than they may know."""

import asyncio
import re

import asyncpg
import httpx
import pytest

from app.core import database
from app.core.errors import Unavailable
from app.core.problems import as_domain_error
from tests.conftest import Cast, Server, stop_kept, without_column
from tests.pages import errors, form, parsed, says, typed

HTMX = {"hx-request": "true", "accept": "text/html"}


async def test_a_missing_page_is_a_page_of_the_house_for_everyone(cast: Cast) -> None:
    outside = await cast.nobody.browser.get("/nothing/here")
    assert outside.status_code == 404
    assert "This page does not exist" in says(outside)
    inside = await cast.oscar.browser.get(f"/conversations/{cast.chess}")
    assert inside.status_code == 404
    assert "This page does not exist" in says(inside)
    assert parsed(inside).find(id="sidebar") is not None, "who is signed in still has their conversations beside it"
    assert "Chess club" not in inside.text
    assert parsed(inside).find("a", href="/conversations") is not None


async def test_a_missing_page_is_a_fragment_for_htmx(cast: Cast) -> None:
    answer = await cast.oscar.browser.get(f"/conversations/{cast.chess}/messages", headers=HTMX)
    assert answer.status_code == 404
    assert "<html" not in answer.text
    assert parsed(answer).find(class_="error-page") is not None


async def test_a_program_gets_problem_json(cast: Cast) -> None:
    answer = await cast.oscar.api.get(f"/conversations/{cast.chess}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["title"], told["status"]) == ("This page does not exist", 404)
    assert told["request_id"] == answer.headers["x-request-id"]


async def test_what_is_missing_and_what_may_not_be_known_are_told_alike(cast: Cast) -> None:
    def told(answer: httpx.Response) -> str:
        text = answer.text.replace(answer.headers["x-request-id"], "")
        # Whether they themselves are there, as a browser that was open before, may change between two pages.
        return re.sub(r'<span class="presence[^>]*>(<span[^>]*>\w+</span>)?</span>', "", text)

    hidden, missing = f"/conversations/{cast.chess}", "/conversations/999999"
    assert told(await cast.oscar.api.get(hidden)) == told(await cast.oscar.api.get(missing))
    pages = [told(await cast.oscar.browser.get(path)).replace(path, "") for path in (hidden, missing)]
    assert pages[0] == pages[1]


async def test_errors_speak_the_language_of_the_reader(cast: Cast) -> None:
    french = await cast.mina.browser.get("/conversations/999999")
    assert parsed(french).html["lang"] == "fr"  # type: ignore[index]
    assert "Cette page n’existe pas" in says(french)
    outside = await cast.nobody.browser.get("/nothing", headers={"accept-language": "fr-BE, en;q=0.5"})
    assert "Cette page n’existe pas" in says(outside)
    assert (await cast.mina.api.get("/conversations/999999")).json()["title"] == "Cette page n’existe pas"


async def test_a_refused_form_comes_back_with_what_was_typed(cast: Cast) -> None:
    answer = await cast.olive.browser.post("/conversations", data={"title": "x" * 101, "members": "milo nobody-here"})
    assert answer.status_code == 422
    again = form(answer, "/conversations")
    assert typed(again) == {"kind": "group", "title": "x" * 101, "members": "milo nobody-here"}
    assert set(errors(again)) == {"title", "members"}
    api = await cast.olive.api.post("/conversations", json={"title": "x" * 101, "members": ["milo", "nobody-here"]})
    assert api.status_code == 422
    assert set(api.json()["errors"]) == {"title", "members"}


async def test_what_was_typed_is_text_and_never_markup(cast: Cast) -> None:
    evil = '"><script>alert(1)</script>'
    for action, fields in (
        ("/conversations", {"title": "", "members": evil}),
        ("/auth/login", {"login": evil, "password": "x", "next": evil}),
        ("/auth/signup", {"username": evil, "name": "", "email": evil, "password": "x"}),
        ("/auth/reset-password", {"token": evil, "password": "x"}),
    ):
        answer = await cast.olive.browser.post(action, data=fields)
        assert answer.status_code in (401, 422), action
        assert "<script>alert" not in answer.text
        assert evil in typed(form(answer, action)).values(), action
    for path in (f"/people?q={evil}", f"/auth/login?next={evil}", f"/auth/reset-password?token={evil}"):
        assert "<script>alert" not in (await cast.nobody.browser.get(path)).text
        assert "<script>alert" not in (await cast.olive.browser.get(path)).text


async def test_who_is_not_signed_in_is_sent_to_the_door_or_told_so(cast: Cast) -> None:
    page = await cast.nobody.browser.get("/people?q=x")
    assert (page.status_code, page.headers["location"]) == (303, "/auth/login?next=/people%3Fq%3Dx")
    fragment = await cast.nobody.browser.get("/people", headers=HTMX)
    assert fragment.headers["hx-redirect"].startswith("/auth/login")
    assert fragment.content == b""
    program = await cast.nobody.api.get("/people")
    assert program.status_code == 401
    assert program.headers["www-authenticate"] == "Bearer"
    stream = await cast.nobody.browser.get("/live", headers={"accept": "text/event-stream"})
    assert stream.status_code == 401, "a stream cannot log in"
    sent = await cast.nobody.browser.post("/conversations", data={"title": "x"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/auth/login"), "a form cannot be sent again by a link"


async def test_a_fault_of_ours_is_written_down_and_shown_without_its_trace(cast: Cast) -> None:
    async with without_column("membership", "read_position"):
        for answer in (
            await cast.milo.api.get(f"/conversations/{cast.chess}"),
            await cast.milo.browser.get(f"/conversations/{cast.chess}/messages", headers=HTMX),
        ):
            assert answer.status_code == 500
            assert "read_position" not in answer.text
            assert "Traceback" not in answer.text
            assert answer.headers["x-request-id"] in answer.text, "it can be reported by its number"


async def test_a_page_can_say_that_something_failed_even_when_its_sidebar_fails_too(cast: Cast) -> None:
    async with without_column("membership", "read_position"):
        answer = await cast.milo.browser.get(f"/conversations/{cast.chess}")
        assert answer.status_code == 500
        assert "Something went wrong on our side" in says(answer)
        assert "read_position" not in answer.text
        missing = await cast.milo.browser.get("/people/nobody-here")
        assert missing.status_code == 500, "the page that says what is missing needs the sidebar"
        assert "Something went wrong on our side" in says(missing)
        assert "content-security-policy" in missing.headers


async def test_without_a_database_everyone_is_told_to_come_back(server: Server) -> None:
    olive = await server.someone("olive")
    pool = database.pool()
    taken = [await pool.acquire() for _ in range(pool.get_max_size())]
    try:
        pool.terminate()
        for client, path in ((olive.api, "/me"), (olive.browser, "/conversations"), (server.browser(), "/auth/signup")):
            answer = await asyncio.wait_for(client.get(path), 10)
            assert answer.status_code == 503, path
            assert answer.headers["retry-after"] == "2"
        health = await server.client(accept="application/json").get("/health")
        assert health.status_code == 503
    finally:
        del taken
        await stop_kept()  # this server is of no use to the next test


@pytest.mark.parametrize("path", ["/me", "/conversations", "/people", "/messages", "/live", "/me.css", "/me/sessions"])
async def test_no_answer_to_nobody_holds_anything_of_anyone(cast: Cast, path: str) -> None:
    for client in (cast.nobody.api, cast.nobody.browser):
        answer = await client.get(path)
        assert answer.status_code in (303, 401)
        for name in ("Olive", "olive", "Chess", "example.org"):
            assert name not in answer.text


def test_a_deadlock_is_to_be_tried_again_and_no_fault() -> None:
    found = as_domain_error(asyncpg.DeadlockDetectedError())
    assert isinstance(found, Unavailable)
    assert found.status == 503
