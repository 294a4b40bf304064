"""Sessions: their tokens, how they are renewed, listed and ended."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from app.core import database
from app.core.security import Claims, make_token
from tests.conftest import PASSWORD, Actor, Cast, Server
from tests.pages import says
from tests.streams import following

REUSED = "UPDATE session SET rotated_at = rotated_at - interval '1 minute' WHERE id = $1"


@pytest.fixture
async def olive(server: Server) -> Actor:
    someone = await server.someone("olive", "Olive Owner")
    await someone.api.get("/conversations")  # comes into the general room, so a stream has something to say
    return someone


async def refresh(server: Server, token: Any) -> httpx.Response:
    return await server.client(accept="application/json").post("/auth/refresh", json={"refresh_token": token})


async def opens(server: Server, access: str) -> bool:
    """Whether that access token is let in."""
    answer = await server.client(accept="application/json", authorization=f"Bearer {access}").get("/me")
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


async def test_a_refresh_gives_new_tokens_that_work(server: Server, olive: Actor) -> None:
    told = (await refresh(server, olive.refresh)).json()
    assert set(told) == {"person", "access_token", "refresh_token", "token_type", "expires_in"}
    assert told["refresh_token"] != olive.refresh
    assert await opens(server, told["access_token"])
    assert (await refresh(server, told["refresh_token"])).status_code == 200


async def test_many_tabs_that_refresh_at_once_all_stay_in_with_the_same_tokens(server: Server, olive: Actor) -> None:
    answers = await asyncio.gather(*(refresh(server, olive.refresh) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}
    tokens = {(answer.json()["access_token"], answer.json()["refresh_token"]) for answer in answers}
    assert len(tokens) == 1
    access, _refresh = tokens.pop()
    assert await opens(server, access)
    assert await database.fetch_value("SELECT generation FROM session WHERE id = $1", olive.session) == 1


async def test_a_refresh_token_used_again_later_ends_the_whole_family_and_its_streams(
    server: Server, olive: Actor
) -> None:
    renewed = (await refresh(server, olive.refresh)).json()
    async with following(server, olive, json=False) as feed:
        await database.fetch(REUSED, olive.session)
        stolen = await refresh(server, olive.refresh)
        assert stolen.status_code == 401
        await feed.until(lambda f: f.ended.is_set(), 10)
    assert not await opens(server, renewed["access_token"])
    assert (await refresh(server, renewed["refresh_token"])).status_code == 401
    assert (await refresh(server, olive.refresh)).status_code == 401


async def test_a_refresh_token_two_generations_old_ends_the_family_at_once(server: Server, olive: Actor) -> None:
    second = (await refresh(server, olive.refresh)).json()
    third = (await refresh(server, second["refresh_token"])).json()
    assert (await refresh(server, olive.refresh)).status_code == 401
    assert not await opens(server, third["access_token"])


async def test_a_stolen_token_ends_its_own_family_and_no_other(server: Server, olive: Actor) -> None:
    program = server.client(accept="application/json")
    other = (await program.post("/auth/login", json={"login": "olive", "password": PASSWORD})).json()
    await refresh(server, olive.refresh)
    await database.fetch(REUSED, olive.session)
    await refresh(server, olive.refresh)
    assert await opens(server, other["access_token"])


def over(server: Server, who: Actor) -> str:
    """An access token of that session as it looks when its quarter of an hour is over."""
    made = datetime.now(UTC) - timedelta(minutes=15, seconds=1)
    claims = Claims(who.id, who.session, 0)
    return make_token("access", claims, server.settings.secret_key, made, timedelta(minutes=15))


async def test_an_access_token_ends_by_itself(server: Server, olive: Actor) -> None:
    assert not await opens(server, over(server, olive))


GETS = ["/conversations", "/me", "/people", "/conversations/general", "/messages", "/me.css", "/live"]


@pytest.mark.parametrize("path", GETS)
async def test_a_browser_is_renewed_on_the_way_whatever_it_asks_for(server: Server, olive: Actor, path: str) -> None:
    for cookies in (f"refresh={olive.refresh}", f"access={over(server, olive)}; refresh={olive.refresh}"):
        async with server.browser().stream("GET", path, headers={"cookie": cookies}) as answer:
            assert answer.status_code in (200, 303), path
            assert "/auth/" not in answer.headers.get("location", "")
            assert set(answer.cookies) >= {"access", "refresh"}
            lines = [line.lower() for line in answer.headers.get_list("set-cookie")]
            assert all("httponly" in line and "path=/" in line for line in lines)
            assert await opens(server, answer.cookies["access"])


async def test_a_form_that_is_sent_when_the_access_is_over_is_not_lost(server: Server, olive: Actor) -> None:
    headers = {"cookie": f"access={over(server, olive)}; refresh={olive.refresh}"}
    answer = await server.browser().post("/conversations", data={"title": "Tea", "kind": "group"}, headers=headers)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/conversations/")
    assert set(answer.cookies) >= {"access", "refresh"}


async def test_a_good_access_token_is_not_renewed(server: Server, olive: Actor) -> None:
    headers = {"cookie": f"access={olive.access}; refresh={olive.refresh}"}
    answer = await server.browser().get("/conversations", headers=headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_a_browser_whose_session_has_ended_loses_its_cookies_and_gets_the_door(
    server: Server, olive: Actor
) -> None:
    await olive.api.post("/auth/logout")
    answer = await server.browser().get("/conversations", headers={"cookie": f"refresh={olive.refresh}"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/auth/login")
    lines = answer.headers.get_list("set-cookie")
    assert {line.split("=")[0] for line in lines} == {"access", "refresh"}
    assert all("max-age=0" in line.lower() for line in lines)


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forgeries(server: Server, olive: Actor, other: Actor) -> dict[str, str]:
    """Access tokens for Olive that must not be believed, each with what is wrong about it."""
    now = datetime.now(UTC)
    secret = server.settings.secret_key
    good = jwt.decode(olive.access, secret, algorithms=["HS256"])

    def signed(secret: str = secret, algorithm: str = "HS256", **changes: Any) -> str:
        payload = {name: value for name, value in (good | changes).items() if value is not None}
        return jwt.encode(payload, secret, algorithm=algorithm)

    header, payload, signature = olive.access.split(".")
    return {
        "alg none": f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
        "alg None": f"{encoded({'alg': 'None'})}.{payload}.{signature}",
        "another algorithm": signed(algorithm="HS512"),
        "another secret": signed("x" * 64),
        "no signature": f"{header}.{payload}.",
        "a changed payload": f"{header}.{encoded(good | {'sub': str(other.id)})}.{signature}",
        "a refresh token": olive.refresh,
        "no kind": signed(typ=None),
        "no end": signed(exp=None),
        "an end in the past": signed(exp=int(now.timestamp()) - 1),
        "an end that is no number": signed(exp="tomorrow"),
        "no person": signed(sub=None),
        "another person": signed(sub=str(other.id)),
        "a person that is no number": signed(sub="olive"),
        "no session": signed(sid=None),
        "another one's session": signed(sid=other.session),
        "a session that never was": signed(sid=10**12),
        "noise": "a.b.c",
        "a long noise": "." * 20_000,
        "another script": "\u00e9.\u00e8.\u00ff",
    }


async def test_no_forged_access_token_is_believed(server: Server, olive: Actor) -> None:
    other = await server.someone("eve")
    for wrong, token in forgeries(server, olive, other).items():
        sent = token.encode("latin-1")
        headers: list[tuple[bytes, bytes]] = [(b"accept", b"application/json"), (b"authorization", b"Bearer " + sent)]
        program = server.client()
        assert (await program.get("/me", headers=headers)).status_code == 401, wrong
        cookie: list[tuple[bytes, bytes]] = [(b"accept", b"application/json"), (b"cookie", b"access=" + sent)]
        assert (await program.get("/me", headers=cookie)).status_code == 401, wrong
    assert await opens(server, olive.access), "the true one is"


async def test_no_forged_refresh_token_is_taken_and_none_of_them_ends_a_session(server: Server, olive: Actor) -> None:
    other = await server.someone("eve")
    secret = server.settings.secret_key
    good = jwt.decode(olive.refresh, secret, algorithms=["HS256"])
    tokens = [
        olive.access,
        "",
        "a.b.c",
        jwt.encode(good, "x" * 64, algorithm="HS256"),
        jwt.encode({k: v for k, v in good.items() if k != "exp"}, secret, algorithm="HS256"),
        jwt.encode(good | {"sub": str(other.id)}, secret, algorithm="HS256"),
        jwt.encode(good | {"sid": other.session}, secret, algorithm="HS256"),
    ]
    for token in tokens:
        assert (await refresh(server, token)).status_code == 401, token
    for wrong in (None, 5, [olive.refresh], {"a": 1}):
        assert 400 <= (await refresh(server, wrong)).status_code < 500
    assert (await refresh(server, olive.refresh)).status_code == 200
    assert await opens(server, other.access)


async def test_no_token_is_taken_from_a_url(server: Server, olive: Actor) -> None:
    program = server.client(accept="application/json")
    for name in ("token", "access_token", "access", "authorization", "bearer"):
        assert (await program.get("/me", params={name: olive.access})).status_code == 401
        assert (await program.get("/live", params={name: olive.access})).status_code == 401


async def test_the_sessions_are_listed_with_device_and_last_use(server: Server, olive: Actor) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    browser = server.client(**{"accept": "text/html", "sec-fetch-site": "same-origin", "user-agent": firefox})
    await browser.post("/auth/login", data={"login": "olive", "password": PASSWORD})
    listed = (await olive.api.get("/me/sessions")).json()["sessions"]
    assert [(s["device"], s["current"]) for s in listed] == [(firefox, False), ("tests", True)]
    assert {s["address"] for s in listed} == {"127.0.0.1"}
    assert all(s["last_used_at"].endswith("Z") and s["created_at"].endswith("Z") for s in listed)
    page = says(await browser.get("/me/sessions"))
    assert "Firefox · Linux this device" in page
    assert "last used" in page


async def test_the_last_use_is_good_to_a_minute(server: Server, olive: Actor) -> None:
    await database.fetch("UPDATE session SET last_used_at = now() - interval '2 hours' WHERE id = $1", olive.session)
    await olive.api.get("/me")
    old = await database.fetch_value("SELECT last_used_at < now() - interval '1 minute' FROM session")
    assert not old


async def test_a_session_is_ended_one_by_one_with_its_streams(server: Server, olive: Actor) -> None:
    program = server.client(accept="application/json")
    other = (await program.post("/auth/login", json={"login": "olive", "password": PASSWORD})).json()
    listed = (await olive.api.get("/me/sessions")).json()["sessions"]
    there = next(s["id"] for s in listed if not s["current"])
    elsewhere = Actor("", olive.id, "olive", server, other["access_token"], other["refresh_token"])
    async with following(server, elsewhere, json=False) as feed:
        assert (await olive.api.delete(f"/me/sessions/{there}")).status_code == 204
        assert not await opens(server, other["access_token"])
        await feed.until(lambda f: f.ended.is_set(), 10)
    assert (await refresh(server, other["refresh_token"])).status_code == 401
    assert (await olive.api.delete(f"/me/sessions/{there}")).status_code == 404, "it is over already"
    assert [s["id"] for s in (await olive.api.get("/me/sessions")).json()["sessions"]] == [olive.session]


async def test_a_session_is_ended_by_a_plain_form(server: Server, olive: Actor) -> None:
    program = server.client(accept="application/json")
    other = (await program.post("/auth/login", json={"login": "olive", "password": PASSWORD})).json()
    there = await database.fetch_value("SELECT max(id) FROM session")
    answer = await olive.browser.post(f"/me/sessions/{there}?_method=delete")
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/sessions")
    assert not await opens(server, other["access_token"])
    assert "That device has been logged out." in says(await olive.browser.get("/me/sessions"))


async def test_the_session_of_someone_else_does_not_exist_for_me(server: Server, olive: Actor) -> None:
    eve = await server.someone("eve")
    assert (await eve.api.delete(f"/me/sessions/{olive.session}")).status_code == 404
    assert (await eve.api.delete("/me/sessions/999999")).status_code == 404
    assert await opens(server, olive.access)


async def test_ended_and_expired_sessions_are_not_listed(server: Server, olive: Actor) -> None:
    for ending in ("ended_at = now()", "expires_at = now() - interval '1 second'"):
        program = server.client(accept="application/json")
        await program.post("/auth/login", json={"login": "olive", "password": PASSWORD})
        await database.fetch(f"UPDATE session SET {ending} WHERE id = (SELECT max(id) FROM session)")
    assert [s["id"] for s in (await olive.api.get("/me/sessions")).json()["sessions"]] == [olive.session]


async def test_what_goes_on_beside_the_page_takes_no_cookies_away(cast: Cast) -> None:
    """The answer to a try of the outbox, or of the feed, with the cookies of before may come after a new log-in."""
    await database.fetch("UPDATE session SET ended_at = now() WHERE id = $1", cast.milo.session)
    beside = {"sec-fetch-mode": "cors", "hx-request": "true"}
    written = await cast.milo.browser.post(
        f"/conversations/{cast.chess}/messages", data={"body": "not lost"}, headers=beside
    )
    followed = await cast.milo.browser.get("/live", headers=beside | {"accept": "text/event-stream"})
    for answer in (written, followed):
        assert answer.status_code == 401 or "hx-redirect" in answer.headers
        assert "set-cookie" not in answer.headers
    page = await cast.milo.browser.get("/conversations")
    assert all("max-age=0" in line.lower() for line in page.headers.get_list("set-cookie"))
    assert len(page.headers.get_list("set-cookie")) == 2
