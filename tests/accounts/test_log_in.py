"""Logging in and out."""

import asyncio
from typing import Any

import httpx
import pytest

from app.core import database, security
from tests.conftest import PASSWORD, Actor, Server
from tests.pages import errors, form, says, typed
from tests.processes import second_server
from tests.streams import following

NEW = {"username": "zoe", "name": "Zoé", "email": "zoe@example.org", "password": PASSWORD}
ALIKE = "Incorrect email, username or password."


@pytest.fixture
async def olive(server: Server) -> Actor:
    someone = await server.someone("olive", "Olive Owner")
    await someone.api.get("/conversations")  # comes into the general room, so a stream has something to say
    return someone


async def log_in(server: Server, **body: Any) -> httpx.Response:
    return await server.client(accept="application/json").post("/auth/login", json=body)


async def test_by_username_or_address_in_any_case_by_json_or_form(server: Server, olive: Actor) -> None:
    for login in ("olive", "OLIVE", " Olive ", "olive@example.org", "Olive@Example.ORG"):
        answer = await log_in(server, login=login, password=PASSWORD)
        assert answer.status_code == 200, login
        assert answer.json()["person"]["id"] == olive.id
    program = server.client(accept="application/json")
    for fields in ({"username": "olive", "password": PASSWORD}, {"login": "olive", "password": PASSWORD}):
        assert (await program.post("/auth/login", data=fields, headers={"sec-fetch-site": "none"})).status_code == 200
    assert (await log_in(server, username="olive@example.org", password=PASSWORD)).status_code == 200


async def test_the_tokens_of_the_answer_open_the_door(server: Server, olive: Actor) -> None:
    told = (await log_in(server, login="olive", password=PASSWORD)).json()
    assert set(told) == {"person", "access_token", "refresh_token", "token_type", "expires_in"}
    program = server.client(accept="application/json", authorization=f"bearer {told['access_token']}")
    assert (await program.get("/me")).json()["username"] == "olive"


async def test_a_program_with_a_cookie_jar_goes_on_with_its_bearer_token(server: Server, olive: Actor) -> None:
    """Such a client sends the cookies along, without what browsers say of themselves."""
    program = server.client(accept="application/json")
    told = (await program.post("/auth/login", json={"login": "olive", "password": PASSWORD})).json()
    bearer = {"authorization": f"Bearer {told['access_token']}"}
    made = await program.post("/conversations", json={"kind": "group", "title": "Tea"}, headers=bearer)
    assert made.status_code == 201, made.text
    renewed = await program.post("/auth/refresh", json={"refresh_token": told["refresh_token"]})
    assert renewed.status_code == 200, renewed.text


async def test_a_browser_is_led_where_it_wanted_to_go(server: Server, olive: Actor) -> None:
    browser = server.browser()
    wanted = "/people?q=Zo%C3%A9%20%26&limit=5"
    sent = await browser.get(wanted)
    assert sent.status_code == 303
    page = await browser.get(sent.headers["location"])
    fields = typed(form(page, "/auth/login"))
    assert fields["next"] == wanted
    refused = await browser.post("/auth/login", data=fields | {"login": "olive", "password": "wrong wrong wrong"})
    assert refused.status_code == 401
    again = typed(form(refused, "/auth/login"))
    assert (again["login"], again["password"], again["next"]) == ("olive", "", wanted)
    assert ALIKE in says(refused)
    done = await browser.post("/auth/login", data=again | {"password": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, wanted)
    assert (await browser.get(wanted)).status_code == 200


async def test_a_path_with_letters_of_any_script_survives_the_way_through_log_in(server: Server, olive: Actor) -> None:
    browser = server.browser()
    sent = await browser.get("/people/%C3%A9l%C3%A8ve%3F?q=%E6%97%A5")
    fields = typed(form(await browser.get(sent.headers["location"]), "/auth/login"))
    done = await browser.post("/auth/login", data=fields | {"login": "olive", "password": PASSWORD})
    assert done.headers["location"] == "/people/%C3%A9l%C3%A8ve%3F?q=%E6%97%A5"


ELSEWHERE = ["//evil.example", "/\\evil.example", "https://evil.example", "\\\\evil.example", "/\t/evil.example"]
ELSEWHERE += ["javascript:alert(1)", "/ok\r\nset-cookie: a=b", "evil.example", "", "/\\/evil.example"]
ELSEWHERE += ["///evil.example"]
ELSEWHERE += ["/..//evil.example", "/.//evil.example", "/%0d%0aset-cookie:%20a=b", "/x/..//evil.example"]


async def test_nobody_is_led_to_another_site(server: Server, olive: Actor) -> None:
    for there in ELSEWHERE:
        browser = server.browser()
        await browser.get("/auth/login", params={"next": there})
        answer = await browser.post("/auth/login", data={"login": "olive", "password": PASSWORD, "next": there})
        assert answer.status_code == 303, there
        assert answer.headers["location"].startswith("/"), there
        led = httpx.URL(server.url).join(answer.headers["location"])
        assert (led.scheme, led.host) == ("http", "127.0.0.1"), there
        assert "a" not in answer.cookies
        inside = await browser.get("/auth/login", params={"next": there})
        assert httpx.URL(server.url).join(inside.headers["location"]).host == "127.0.0.1", there
        chosen = await browser.post("/language", data={"language": "en", "next": there})
        assert httpx.URL(server.url).join(chosen.headers["location"]).host == "127.0.0.1", there


async def test_known_and_unknown_accounts_get_the_same_answer_for_the_same_work(
    server: Server, olive: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = []
    really = security._verify

    def counted(hashed: str, password: str) -> bool:
        verified.append(hashed)
        return really(hashed, password)

    monkeypatch.setattr(security, "_verify", counted)
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", (await server.someone("dora")).id)
    await database.fetch("UPDATE person SET password_hash = $1", await security.hash_password(PASSWORD))
    bodies = set()
    for login in ("olive", "olive@example.org", "nobody-here", "no@example.org", "dora", "", "o\0live", "x" * 5000):
        before = len(verified)
        answer = await log_in(server, login=login, password="not the right one")
        assert answer.status_code == 401, login
        assert len(verified) == before + 1, f"{login!r} costs another number of verifications"
        told = answer.json()
        told.pop("request_id")
        bodies.add(str(told))
    assert len(bodies) == 1
    assert {hashed.split("$")[3] for hashed in verified} == {"m=19456,t=2,p=1"}


async def test_an_unknown_account_and_a_wrong_password_look_alike_in_the_browser(server: Server, olive: Actor) -> None:
    def plain(answer: httpx.Response, login: str) -> str:
        return answer.text.replace(f'value="{login}"', "")

    pages = [
        plain(await server.browser().post("/auth/login", data={"login": login, "password": "not the right one"}), login)
        for login in ("olive", "nobody-here")
    ]
    assert pages[0] == pages[1]


async def test_a_password_is_refused_when_anything_about_it_differs(server: Server, olive: Actor) -> None:
    for password in ("", PASSWORD + " ", PASSWORD.upper(), PASSWORD + "\0", PASSWORD[:-1], PASSWORD * 20):
        assert (await log_in(server, login="olive", password=password)).status_code == 401, password


async def test_a_log_in_form_names_no_field_and_echoes_no_password(server: Server, olive: Actor) -> None:
    answer = await server.browser().post("/auth/login", data={"login": "olive", "password": "secret secret"})
    assert errors(form(answer, "/auth/login")) == {}
    assert "secret secret" not in answer.text


async def test_log_in_never_goes_on_with_a_session_that_was_there_before(server: Server, olive: Actor) -> None:
    """Fixation: whoever planted their own cookies must not share the session of the one who logs in."""
    eve = await server.someone("eve")
    browser = server.client(**{"accept": "text/html", "sec-fetch-site": "same-origin"})
    planted = {"access": eve.access, "refresh": eve.refresh}
    answer = await browser.post(
        "/auth/login",
        data={"login": "olive", "password": PASSWORD},
        headers={"cookie": "; ".join(f"{name}={value}" for name, value in planted.items())},
    )
    assert answer.status_code == 303
    assert answer.cookies["access"] != eve.access
    assert answer.cookies["refresh"] != eve.refresh
    assert (await eve.api.get("/me")).status_code == 401, "the planted session has ended"
    me = await server.client(accept="application/json", authorization=f"Bearer {answer.cookies['access']}").get("/me")
    assert me.json()["username"] == "olive"


async def test_log_out_ends_access_at_once_and_closes_the_streams(server: Server, olive: Actor) -> None:
    async with following(server, olive) as feed:
        answer = await olive.api.post("/auth/logout")
        assert answer.status_code == 204
        assert (await olive.api.get("/me")).status_code == 401
        await feed.until(lambda f: f.ended.is_set(), 10)
        assert feed.events[-1].name == "close"
    program = server.client(accept="application/json")
    assert (await program.post("/auth/refresh", json={"refresh_token": olive.refresh})).status_code == 401


async def test_log_out_in_a_browser_takes_the_cookies_and_leads_to_the_door(server: Server, olive: Actor) -> None:
    browser = server.browser()
    await browser.post("/auth/login", data={"login": "olive", "password": PASSWORD})
    assert set(browser.cookies) >= {"access", "refresh"}
    kept = dict(browser.cookies)
    answer = await browser.post("/auth/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/login")
    assert not {"access", "refresh"} & set(browser.cookies)
    stolen = server.client(accept="text/html", cookie="; ".join(f"{k}={v}" for k, v in kept.items()))
    assert (await stolen.get("/conversations")).status_code == 303, "the cookies are worth nothing any more"


async def test_log_out_with_only_a_refresh_cookie_ends_the_session_too(server: Server, olive: Actor) -> None:
    browser = server.browser()
    browser.headers["cookie"] = f"refresh={olive.refresh}"
    answer = await browser.post("/auth/logout")
    assert answer.status_code == 303
    assert all("max-age=0" in line.lower() for line in answer.headers.get_list("set-cookie"))
    assert await database.fetch_value("SELECT ended_at FROM session WHERE id = $1", olive.session) is not None


async def test_log_out_ends_only_this_device(server: Server, olive: Actor) -> None:
    other = (await log_in(server, login="olive", password=PASSWORD)).json()
    await olive.api.post("/auth/logout")
    program = server.client(accept="application/json", authorization=f"Bearer {other['access_token']}")
    assert (await program.get("/me")).status_code == 200


async def test_nobody_can_log_out(server: Server) -> None:
    assert (await server.nobody().api.post("/auth/logout")).status_code == 204
    assert (await server.browser().get("/auth/logout")).status_code == 405, "a link or an image must not log out"


async def test_who_is_in_already_is_led_on_from_the_door(server: Server, olive: Actor) -> None:
    answer = await olive.browser.get("/auth/login")
    assert (answer.status_code, answer.headers["location"]) == (303, "/conversations")


async def test_an_expired_or_ended_session_is_nobody(server: Server, olive: Actor) -> None:
    await database.fetch("UPDATE session SET expires_at = now() - interval '1 second' WHERE id = $1", olive.session)
    assert (await olive.api.get("/me")).status_code == 401
    answer = await olive.browser.get("/conversations")
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/login?next=/conversations")


async def test_a_stream_ends_within_a_second_or_two_of_its_session(server: Server, olive: Actor) -> None:
    async with following(server, olive) as feed:
        await database.fetch("UPDATE session SET expires_at = now() - interval '1 second' WHERE id = $1", olive.session)
        await feed.until(lambda f: f.ended.is_set(), 10)


async def test_with_https_the_cookies_are_bound_to_the_host_and_to_https(server: Server, olive: Actor) -> None:
    async with second_server(server.settings, BASE_URL="https://chat.example.org") as other:
        browser = server.client(**{"accept": "text/html", "origin": "https://chat.example.org"})
        answer = await browser.post(f"{other.url}/auth/login", data={"login": "olive", "password": PASSWORD})
        assert answer.status_code == 303
        lines = {line.split("=")[0]: line.lower() for line in answer.headers.get_list("set-cookie")}
        assert set(lines) == {"__Host-access", "__Host-refresh"}
        for line in lines.values():
            assert {"path=/", "secure", "httponly", "samesite=lax"} <= {part.strip() for part in line.split(";")}
            assert "domain=" not in line
        assert "max-age=" in answer.headers["strict-transport-security"]
        plain = server.client(accept="application/json", cookie=f"access={olive.access}; refresh={olive.refresh}")
        assert (await plain.get(f"{other.url}/me")).status_code == 401, "cookies that any host of the domain can set"
        flashed = await browser.post(f"{other.url}/auth/signup", data=NEW)
        flash = next(line for line in flashed.headers.get_list("set-cookie") if line.startswith("flash="))
        assert "secure" in flash.lower()


async def test_with_http_the_cookies_are_for_the_server_alone_and_lax(server: Server, olive: Actor) -> None:
    answer = await server.browser().post("/auth/login", data={"login": "olive", "password": PASSWORD})
    lines = {line.split("=")[0]: line.lower() for line in answer.headers.get_list("set-cookie")}
    assert set(lines) == {"access", "refresh"}
    for line in lines.values():
        assert {"path=/", "httponly", "samesite=lax"} <= {part.strip() for part in line.split(";")}
        assert "domain=" not in line


async def test_a_log_in_under_way_does_not_survive_a_new_password(
    server: Server, olive: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thief's old password matched before the change, and their session would be written after it."""
    real, matched, changed = security.password_matches, asyncio.Event(), asyncio.Event()

    async def slow(hashed: str | None, password: str) -> bool:
        found = await real(hashed, password)
        if not matched.is_set():
            matched.set()
            await changed.wait()
        return found

    monkeypatch.setattr(security, "password_matches", slow)
    thief = asyncio.create_task(log_in(server, login="olive", password=PASSWORD))
    await asyncio.wait_for(matched.wait(), 10)
    new = {"current": PASSWORD, "password": "four green horses sleep"}
    assert (await olive.api.put("/me/password", json=new)).status_code == 204
    changed.set()
    assert (await thief).status_code == 401
    assert (await log_in(server, login="olive", password=new["password"])).status_code == 200


async def test_a_program_whose_token_names_nobody_is_not_told_that_it_is_logged_out(
    server: Server, olive: Actor
) -> None:
    program = server.client(accept="application/json", authorization=f"Bearer {olive.access}x")
    assert (await program.post("/auth/logout")).status_code == 401


async def test_log_out_leaves_no_page_to_go_back_to(server: Server, olive: Actor) -> None:
    answer = await olive.browser.post("/auth/logout")
    assert answer.headers["clear-site-data"] == '"cache"'
