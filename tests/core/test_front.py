"""The front door: foreign sites, method overrides, headers of every answer, and what a log line tells."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest

from app.core import database
from app.core.templates import static_url
from tests.conftest import PASSWORD, Cast, Server, without_column
from tests.processes import second_server
from tests.raw import exchange, request
from tests.streams import following

GROUP = {"kind": "group", "title": "Forged"}


def plain(cast: Cast) -> httpx.AsyncClient:
    """Olive's cookies without anything that a browser says of itself."""
    cookie = f"access={cast.olive.access}; refresh={cast.olive.refresh}"
    return cast.server.client(**{"accept": "text/html", "cookie": cookie})


FOREIGN: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "nonsense"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1"},
    {"origin": "http://["},
    {"origin": "file://"},
    {"origin": "http://127.0.0.1.evil.example"},
    {"referer": "https://evil.example"},
    {},
]


@pytest.mark.parametrize("says", FOREIGN, ids=str)
async def test_a_write_of_another_site_is_refused_and_does_nothing(cast: Cast, says: dict[str, str]) -> None:
    browser = plain(cast)
    before = await database.fetch_value("SELECT count(*) FROM conversation")
    answers = [
        await browser.post("/conversations", data=GROUP, headers=says),
        await browser.post("/conversations", content=b'{"title": "x"}', headers=says | {"content-type": "text/plain"}),
        await browser.post(f"/conversations/{cast.chess}?_method=delete", headers=says),
        await browser.post("/auth/logout", headers=says),
        await browser.post("/me?_method=delete", data={"current": PASSWORD}, headers=says),
        await browser.post("/auth/login", data={"login": "oscar", "password": PASSWORD}, headers=says),
        await browser.post("/language", data={"language": "fr"}, headers=says),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert await database.fetch_value("SELECT count(*) FROM conversation WHERE deleted_at IS NULL") == before
    assert (await cast.olive.api.get("/me")).json()["language"] == "en"


async def test_a_foreign_page_cannot_send_json_either(cast: Cast) -> None:
    for says in FOREIGN:
        if says and "referer" not in says:
            answer = await plain(cast).post("/conversations", json=GROUP, headers=says)
            assert answer.status_code == 403, says
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    allowed = await plain(cast).options("/conversations", headers=asked)
    assert not [name for name in allowed.headers if name.startswith("access-control-")], (
        "no browser is told that it may"
    )


async def test_a_foreign_log_in_without_any_cookie_is_refused_too(server: Server) -> None:
    """Who is logged in to the account of an attacker tells the attacker what they write."""
    await server.someone("eve")
    sent = {"login": "eve", "password": PASSWORD}
    for says in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = await server.client(accept="text/html").post("/auth/login", data=sent, headers=says)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_own_pages_are_let_in_by_either_header(cast: Cast) -> None:
    here = cast.server.url
    for says in ({"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": here}):
        answer = await plain(cast).post("/conversations", data=GROUP | {"title": "Mine"}, headers=says)
        assert answer.status_code == 303, says


async def test_programs_with_a_bearer_token_need_no_header_of_browsers(cast: Cast) -> None:
    program = cast.server.client(authorization=f"Bearer {cast.olive.access}")
    assert (await program.post("/conversations", json=GROUP)).status_code == 201
    assert (await program.post("/conversations", data=GROUP)).status_code in (201, 303)
    assert (await program.patch("/me", json={"name": "Olive"})).status_code == 200


async def test_reading_is_not_refused_whoever_sent_it(cast: Cast) -> None:
    """A link on another page leads to ours."""
    for says in FOREIGN:
        answer = await plain(cast).get(f"/conversations/{cast.chess}", headers=says)
        assert answer.status_code == 200, says


async def test_a_method_is_overridden_on_posted_forms_alone(cast: Cast) -> None:
    path = f"/conversations/{cast.chess}"
    assert (await cast.olive.browser.get(f"{path}?_method=delete")).status_code == 200
    assert (await cast.olive.api.get(f"{path}?_method=delete")).status_code == 200
    assert (await cast.olive.api.post(f"{path}?_method=delete", json={"a": 1})).status_code == 405
    assert (await cast.olive.browser.put(f"{path}?_method=delete", data={"a": "1"})).status_code == 405
    for other in ("get", "head", "connect", "trace", "post", "delete_", "DELETE;"):
        assert (await cast.olive.browser.post(f"{path}?_method={other}", data={"a": "1"})).status_code == 405, other
    assert (await cast.olive.api.get(path)).status_code == 200
    renamed = await cast.olive.browser.post(f"{path}?_method=PATCH", data={"title": "Go club"})
    assert renamed.status_code == 303
    assert (await cast.olive.browser.post(f"{path}?_method=delete")).status_code == 303
    assert (await cast.olive.api.get(path)).status_code == 404


HARDENED = {
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


def assert_hardened(headers: httpx.Headers, what: str) -> None:
    assert HARDENED.items() <= dict(headers).items(), what
    for name in [*HARDENED, "content-security-policy", "referrer-policy", "permissions-policy"]:
        assert len(headers.get_list(name)) == 1, (what, name)
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]


async def test_every_kind_of_answer_has_the_security_headers(cast: Cast) -> None:
    here = f"/conversations/{cast.chess}"
    htmx = {"hx-request": "true"}
    kinds = {
        "page": await cast.milo.browser.get(here),
        "partial": await cast.milo.browser.get(f"{here}/messages", headers=htmx),
        "json": await cast.milo.api.get(here),
        "no content": await cast.milo.api.put(f"{here}/read", json={"position": 1}),
        "redirect": await cast.nobody.browser.get(here),
        "error page": await cast.oscar.browser.get(here),
        "error fragment": await cast.oscar.browser.get(here, headers=htmx),
        "error json": await cast.oscar.api.get(here),
        "refused at the door": await cast.milo.browser.post("/me", headers={"sec-fetch-site": "cross-site"}),
        "no such route": await cast.milo.browser.get("/nothing/here"),
        "no such method": await cast.milo.api.put(here, json={}),
        "options": await cast.milo.api.options(here),
        "static": await cast.nobody.browser.get(static_url("js/live.js")),
        "no such file": await cast.nobody.browser.get("/static/js/nothing.js"),
        "style": await cast.milo.browser.get("/me.css"),
        "health": await cast.nobody.api.get("/health"),
        "docs": await cast.nobody.browser.get("/docs"),
        "openapi": await cast.nobody.api.get("/docs/openapi.json"),
        "head": await cast.milo.browser.head(here),
    }
    for what, answer in kinds.items():
        assert answer.status_code < 500, what
        assert_hardened(answer.headers, what)
        assert len(answer.headers["x-request-id"]) == 32, what
    async with following(cast.server, cast.milo, json=False) as feed:
        assert_hardened(feed.response.headers, "stream")
        assert feed.response.headers["cache-control"] == "no-store"


async def test_answers_that_depend_on_the_asker_say_so_and_are_kept_by_no_shared_cache(cast: Cast) -> None:
    here = f"/conversations/{cast.chess}"
    for answer in (await cast.milo.browser.get(here), await cast.milo.api.get(here), await cast.oscar.api.get(here)):
        assert {v.strip().lower() for v in answer.headers["vary"].split(",")} >= {"accept", "hx-request", "cookie"}
        assert "private" in answer.headers["cache-control"] or answer.headers["cache-control"] == "no-store"
    static = await cast.nobody.browser.get(static_url("js/live.js"))
    assert "public" in static.headers["cache-control"]


async def test_there_is_strict_transport_security_with_https_alone(cast: Cast) -> None:
    assert "strict-transport-security" not in (await cast.nobody.browser.get("/auth/login")).headers


async def test_a_request_id_is_taken_over_when_it_is_a_harmless_one(server: Server) -> None:
    client = server.client(accept="application/json")
    for given, kept in (("trace-0123456789", True), ("short", False), ("x" * 65, False), ("a b\"c'<d>efgh", False)):
        answer = await client.get("/health", headers={"x-request-id": given})
        assert (answer.headers["x-request-id"] == given) is kept, given


async def test_head_is_like_get_without_the_body(cast: Cast) -> None:
    both = [(cast.milo, f"/conversations/{cast.chess}"), (cast.nobody, "/health"), (cast.nobody, "/auth/login")]
    for who, path in both:
        got, head = await who.browser.get(path), await who.browser.head(path)
        assert head.status_code == got.status_code == 200
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
    assert (await cast.oscar.browser.head(f"/conversations/{cast.chess}")).status_code == 404
    assert (await cast.nobody.api.head("/me")).status_code == 401


async def test_a_stream_is_for_reading_alone(cast: Cast) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD"):
        answer = await cast.milo.api.request(method, "/live", headers={"content-length": "0"})
        assert answer.status_code == 405, method


async def test_a_stream_is_for_reading_alone_however_its_address_is_written(cast: Cast) -> None:
    sent = {"authorization": f"Bearer {cast.milo.access}"}
    for path in ("/live/", "//live", "//live//"):
        for method in ("POST", "DELETE", "HEAD"):
            answer = await exchange(cast.server.url, request(method, path, **sent))
            assert answer.status == 405, (method, path)


async def test_a_trailer_is_no_header(cast: Cast) -> None:
    """Proxies look at headers: what comes after the body must not pass for what one of them wrote."""
    async with second_server(cast.server.settings, TRUSTED_PROXIES="1") as other:
        body = b'{"login":"olive","password":"%b"}' % PASSWORD.encode()
        head = b"POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
        head += b"x-forwarded-for: 198.51.100.7\r\ntransfer-encoding: chunked\r\n\r\n"
        chunks = b"%x\r\n%b\r\n0\r\nx-forwarded-for: 203.0.113.99\r\n\r\n" % (len(body), body)
        assert (await exchange(other.url, head + chunks)).status == 200
    assert await database.fetch_value("SELECT address FROM session ORDER BY id DESC LIMIT 1") == "198.51.100.7"


@pytest.mark.parametrize("line", [b"x: y\r\n", b"x: " + b"y" * 1000 + b"\r\n", b"y" * 100_000])
async def test_a_head_without_end_is_cut_off(cast: Cast, line: bytes) -> None:
    """Whatever comes before the end of the head is kept, twenty times as large, before anyone has signed in."""
    where = urlsplit(cast.server.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(b"GET / HTTP/1.1\r\n")
    sent = 0
    with suppress(ConnectionError):
        while sent < 20_000_000 and not reader.at_eof():
            writer.write(line * (100_000 // len(line)))
            await writer.drain()
            sent += 100_000
            await asyncio.sleep(0)
    writer.close()
    assert sent < 10_000_000


async def test_a_long_head_within_bounds_is_read(cast: Cast) -> None:
    many = {f"x-{number}": "y" * 500 for number in range(150)}
    assert (await exchange(cast.server.url, request("GET", "/info", **many))).status == 200
    too_many = {f"x-{number}": "y" for number in range(250)}
    assert (await exchange(cast.server.url, request("GET", "/info", **too_many))).status == 400


async def test_an_address_writes_no_line_of_its_own_into_the_log(server: Server) -> None:
    async with second_server(server.settings, LOG_LEVEL="info") as other:
        await exchange(other.url, request("GET", "/people/%E2%80%A8FAKE%C2%AD"))
        await other.output.until("FAKE")
    assert "\u2028" not in other.output.text
    assert "\\u2028FAKE\\xad" in other.output.text


async def test_a_wrong_method_is_told_which_ones_are_right(cast: Cast) -> None:
    answer = await cast.milo.api.put("/conversations", json={})
    assert answer.status_code == 405
    assert {part.strip() for part in answer.headers["allow"].split(",")} >= {"GET", "POST"}


SECRETS = ["hunter2 hunter2 hunter2", "sesame-token-0123456789", "wrong-refresh-token-abc", "zoe.secret@example.org"]


async def test_no_log_line_holds_a_password_a_token_or_a_cookie(server: Server) -> None:
    """In production and at the most talkative level, through success, refusal and failure."""
    production = {"ENV": "production", "SECRET_KEY": "k" * 64, "LOG_LEVEL": "debug", "RATE_LIMITS": "on"}
    async with second_server(server.settings, **production) as other:
        program = server.client(accept="application/json", origin=other.url)
        password, token, refresh, email = SECRETS
        sent = {"username": "zoe", "name": "Zoé", "email": email, "password": password}
        told = (await program.post(f"{other.url}/auth/signup", json=sent)).json()
        bearer = {"authorization": f"Bearer {told['access_token']}"}
        await program.post(f"{other.url}/auth/login", json={"login": email, "password": password})
        await program.post(f"{other.url}/auth/login", data={"login": email, "password": f"{password}x"})
        await program.get(f"{other.url}/me", headers=bearer)
        await program.get(f"{other.url}/auth/reset-password", params={"token": token})
        await program.get(f"{other.url}/me", params={"access_token": told["access_token"]})
        for there in ("join", "contacts/invitation"):
            await program.get(f"{other.url}/{there}/{token}", headers=bearer)
        await program.post(f"{other.url}/auth/reset-password", json={"token": token, "password": password})
        await program.post(f"{other.url}/auth/refresh", json={"refresh_token": refresh})
        await program.post(f"{other.url}/auth/refresh", json={"refresh_token": told["refresh_token"]})
        await program.put(f"{other.url}/me/password", json={"current": password, "password": token}, headers=bearer)
        await program.post(f"{other.url}/auth/forgot-password", json={"email": email})
        cookies = "__Host-access=cookie-secret-1; access=cookie-secret-2"
        await program.get(f"{other.url}/me", headers={"cookie": cookies})
        async with without_column("person", "email_key"):  # and when the house itself fails
            failed = await program.post(f"{other.url}/auth/login", json={"login": email, "password": password})
        assert failed.status_code == 500
        assert "gone" not in failed.text
        assert "Traceback" not in failed.text
        await other.output.until("unhandled")
        request_id = failed.json()["request_id"]
        await other.output.until(request_id)
    logged = other.output.text
    assert '"path":"/auth/login"' in logged, "there is a line for each request"
    secrets = [*SECRETS, told["access_token"], told["refresh_token"], "cookie-secret", "k" * 64]
    for secret in secrets:
        assert secret not in logged, secret


async def test_the_server_says_nothing_of_what_it_is_made_of(cast: Cast) -> None:
    answer = await exchange(cast.server.url, request("GET", "/nothing", accept="text/html"))
    assert b"litestar" not in answer.body.lower()
    assert b"python" not in answer.body.lower()
