"""Hostile input: whatever is sent, the answer is a 4xx at once (or a proper 2xx), never a trace, and all goes on."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.routes import HTTPRoute

from tests.conftest import PASSWORD, Cast, Server
from tests.raw import Answer, exchange, request
from tests.test_routes import TABLE

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
# The longest that the loop may be away while it is being attacked, on a machine that does other things too.
STALL = 3.0


def writes(cast: "Scene") -> list[tuple[str, str, dict[str, Any]]]:
    """Every route that takes a body, with one that it would accept."""
    group = f"/conversations/{cast.chess}"
    return [
        ("POST", "/auth/signup", {"username": "zoe", "name": "Zoé", "email": "z@example.org", "password": PASSWORD}),
        ("POST", "/auth/login", {"login": "olive", "password": PASSWORD, "next": "/people"}),
        ("POST", "/auth/refresh", {"refresh_token": cast.olive.refresh}),
        ("POST", "/auth/forgot-password", {"email": "olive@example.org"}),
        ("POST", "/auth/reset-password", {"token": "abc", "password": PASSWORD}),
        ("POST", "/language", {"language": "fr", "next": "/"}),
        ("PATCH", "/me", {"name": "Olive", "language": "en", "time_zone": "UTC"}),
        ("PUT", "/me/password", {"current": "not the right one", "password": PASSWORD}),
        ("DELETE", "/me", {"current": "not the right one", "messages": "keep"}),
        ("POST", "/conversations", {"kind": "group", "title": "Tea", "members": "milo"}),
        ("PATCH", group, {"title": "Chess"}),
        ("POST", f"{group}/members", {"username": "mina"}),
        ("PUT", f"{group}/owner", {"username": "nobody-here"}),
        ("PUT", f"{group}/read", {"position": 1}),
        ("POST", f"{group}/messages", {"body": "hello", "key": str(uuid4()), "reply_to": None}),
        ("PATCH", f"/messages/{cast.message}", {"body": "edited"}),
        ("POST", "/auth/confirm-email", {"token": "abc"}),
        ("PUT", "/me/email", {"current": "not the right one", "email": "new@example.org"}),
        ("POST", "/me/deactivate", {"current": "not the right one"}),
        ("PATCH", "/me/privacy", {"state": "auto"}),
        ("POST", "/me/tokens", {"name": "Script", "scopes": "read"}),
        ("POST", "/me/bots", {"username": "helper.olive", "name": "Helper"}),
        ("PUT", "/me/notification-settings", {"mail": "nothing", "quiet_from": "22:00", "quiet_to": "07:00"}),
        ("POST", "/me/push-subscriptions", {"endpoint": "https://localhost", "p256dh": "x", "auth": "y"}),
        ("POST", "/contacts", {"username": "mina"}),
        ("POST", "/exports", {"conversation_id": cast.chess, "format": "json"}),
        ("PUT", f"{group}/level", {"level": "nothing"}),
        ("PUT", f"{group}/mute", {"until": "hour"}),
        ("POST", f"{group}/webhooks", {"name": "Absences"}),
        ("POST", f"{group}/subscriptions", {"url": "https://example.org/hook", "events": "message.sent"}),
    ]


# With a password or a link that is not right, or an address where no push service is.
REFUSED = {
    *("/auth/reset-password", "/auth/confirm-email", "/me/password", "/me/email", "/me/deactivate"),
    "/me/push-subscriptions",
}
# With what they take: an administrator's alone, a program's without a session, a file, or nothing that anybody wrote.
ELSEWHERE = {
    *("POST /broadcasts", "PUT /people/{username:str}/role", "POST /admin/conversations/{conversation_id:int}/audit"),
    *("POST /admin/webhooks", "POST /admin/subscriptions", "POST /hooks/{webhook_id:int}/{secret:str}"),
    *("PATCH /me/bots/{bot_id:int}", "POST /me/bots/{bot_id:int}/tokens"),
}


class Scene(Cast):
    """The cast, with a message of Olive's in the chess club."""

    message: int


@pytest.fixture
async def scene(cast: Cast) -> Scene:
    said = await cast.say(cast.olive, "e4")
    made = Scene(**vars(cast))
    made.message = said["id"]
    return made


def sound(answer: httpx.Response | Answer, what: object) -> int:
    """Asserts that an answer is one that a careful server gives; gives its status."""
    status = answer.status_code if isinstance(answer, httpx.Response) else answer.status
    body = answer.content if isinstance(answer, httpx.Response) else answer.body
    assert 200 <= status < 500, (what, status, body[:500])
    for word in (b"Traceback", b"asyncpg", b"litestar", b"msgspec", b'File "'):
        assert word not in body, (what, word)
    return status


@asynccontextmanager
async def awake(server: Server) -> AsyncIterator[None]:
    """Asks /health again and again meanwhile: the loop must never be away for long."""
    longest, client, stop = 0.0, server.client(accept=JSON), asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        before = time.monotonic()
        while not stop.is_set():
            assert (await client.get("/health")).status_code == 200
            now = time.monotonic()
            longest, before = max(longest, now - before), now
            await asyncio.sleep(0.01)  # it counts as well; without it the watch takes as much as what it watches

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        stop.set()
        await watching
    assert longest < STALL, f"the loop was away for {longest:.1f} s"


async def send(scene: Scene, method: str, path: str, body: bytes, kind: str = JSON, **headers: str) -> Answer:
    """Olive sends these bytes."""
    # At the entrance as nobody: whoever logs in with a session of before has ended it.
    bearer = "" if path.startswith("/auth/") else f"Bearer {scene.olive.access}"
    sent = request(method, path, body, content_type=kind, accept=JSON, authorization=bearer, **headers)
    return await exchange(scene.server.url, sent)


async def test_the_bodies_that_the_other_tests_spoil_are_good_ones(scene: Scene) -> None:
    """Otherwise they would prove nothing."""
    for method, path, body in writes(scene):
        answer = await send(scene, method, path, json.dumps(body).encode())
        refused = path in REFUSED or path.endswith("/owner") or method == "DELETE"
        expected = 422 if refused else 0
        assert answer.status == expected or (not expected and answer.status < 300), (method, path, answer)


async def test_no_route_that_takes_a_body_is_forgotten(scene: Scene) -> None:
    taken = {
        f"{method} {route.path}"
        for route in scene.server.app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods & {"POST", "PUT", "PATCH"}
    }
    with_body = {name for name, _address, _answers, body in TABLE if body} & taken
    named = {re.sub(r"\d+", "#", f"{method} {path}") for method, path, _good in writes(scene)}
    forgotten = [name for name in with_body - ELSEWHERE if re.sub(r"\{\w+:int\}", "#", name) not in named]
    assert forgotten == []


async def test_bodies_over_64_kb_are_refused_everywhere(scene: Scene) -> None:
    big = b"x" * (64 * 1024 + 1)
    async with awake(scene.server):
        for method, path, _body in writes(scene):
            for kind in (JSON, FORM, "text/plain", "multipart/form-data; boundary=x"):
                assert (await send(scene, method, path, big, kind)).status == 413, (method, path, kind)


async def test_what_fits_into_64_kb_is_read(scene: Scene) -> None:
    fits = json.dumps({"title": "Tea", "padding": ""}).encode()
    fits = fits[:-2] + b"x" * (64 * 1024 - len(fits)) + b'"}'
    assert len(fits) == 64 * 1024
    assert (await send(scene, "POST", "/conversations", fits)).status == 201


async def test_a_body_that_lies_about_its_length_is_refused(scene: Scene) -> None:
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    chunked = {"transfer_encoding": "chunked", "content_length": "", "content_type": JSON}
    endless = request("POST", "/auth/login", b"", **chunked) + chunk * 17 + b"0\r\n\r\n"
    assert (await exchange(scene.server.url, endless)).status == 413
    bearer = {"authorization": f"Bearer {scene.olive.access}"}
    fine = request("POST", "/conversations", b"", **chunked, **bearer) + b'f\r\n{"title":"Tea"}\r\n0\r\n\r\n'
    assert (await exchange(scene.server.url, fine)).status == 201
    for announced in ("99999999999999999999", "65537", "-1", "1e3", "0x10", "\u00b2", "5, 5", "five"):
        sent = request("POST", "/auth/login", b"{}", content_length=announced, content_type=JSON)
        answer = await exchange(scene.server.url, sent)
        assert answer.status in (400, 413), announced
    both = request(
        "POST", "/auth/login", b"0\r\n\r\n", content_length="3", transfer_encoding="chunked", content_type=JSON
    )
    sound(await exchange(scene.server.url, both), "both lengths")


async def test_a_body_that_never_ends_is_given_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.front.SECONDS_FOR_BODY", 0.2)
    sent = request("POST", "/auth/login", b'{"login"', content_length="100", content_type=JSON, accept=JSON)
    answer = await exchange(scene.server.url, sent)
    assert answer.status == 400
    gone = request("POST", "/auth/login", b'{"login"', content_length="100", content_type=JSON)
    _reader, writer = await asyncio.open_connection("127.0.0.1", scene.server.settings.port)
    writer.write(gone)
    writer.close()
    assert (await scene.nobody.api.get("/health")).status_code == 200


SPOILED = [
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\x1b[31m",
    "\u202e\u2066",
    "\ufffe\uffff",
    "\U0010ffff",
    "x" * 60_000,
]


async def test_texts_that_cannot_be_stored_are_refused_in_every_field(scene: Scene) -> None:
    for method, path, good in writes(scene):
        for field in good:
            for value in SPOILED:
                body = json.dumps(good | {field: value}).encode()  # a lone surrogate is \ud800 in it
                status = sound(await send(scene, method, path, body), (method, path, field, value[:20]))
                if "\ud800" in value:
                    assert status == 400, (method, path, field)
                raw = (good | {field: value}).items()
                form = "&".join(f"{quote(k)}={quote(str(v), errors='surrogatepass')}" for k, v in raw)
                sound(await send(scene, method, path, form.encode(), FORM), ("form", method, path, field, value[:20]))


async def test_nul_and_broken_utf8_in_a_body_are_refused(scene: Scene) -> None:
    for method, path, good in writes(scene):
        name = next(iter(good))
        for raw in (b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
            broken = b'{"' + name.encode() + b'": "a' + raw + b'"}'
            assert (await send(scene, method, path, broken)).status == 400, (method, path, raw)
            escaped = "".join(f"%{byte:02x}" for byte in raw)
            form = f"{name}=a{escaped}".encode()
            status = sound(await send(scene, method, path, form, FORM), (method, path, raw))
            if raw != b"\0":
                assert status == 400, (method, path, raw)
            status = sound(await send(scene, method, path, name.encode() + b"=a" + raw, FORM), (method, path, raw))
            if raw != b"\0":
                assert status == 400, (method, path, raw)


NO_OBJECT = [
    b"",
    b" ",
    b"null",
    b"true",
    b"1",
    b'"text"',
    b"[]",
    b"[{}]",
    b"{",
    b"}",
    b'{"a":}',
    b"{'a': 1}",
    b"{}{}",
    b"nan",
]
NO_OBJECT += [
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a" 1}',
    b'{"a": 1,}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\0}\0",
    b"//\n{}",
]
NO_OBJECT += [
    b"[" * 65_000,
    b'{"a":' * 13_000,
    b"[" * 32_000 + b"]" * 32_000,
    b'{"a":' + b"[" * 60_000,
    b'{"a":1e999999}',
]
NO_OBJECT += [b'{"a":' + b"9" * 60_000 + b"}", b'{"a":-' + b"9" * 5_000 + b"}", b'{"a":0.' + b"1" * 60_000 + b"}"]


async def test_what_is_no_json_object_is_refused_at_once(scene: Scene) -> None:
    async with awake(scene.server):
        for method, path, _good in writes(scene):
            for body in NO_OBJECT:
                status = sound(await send(scene, method, path, body), (method, path, body[:20]))
                if body.strip() and not body.startswith(b'{"a":'):
                    assert status == 400, (method, path, body[:20])


async def test_a_hundred_thousand_brackets_are_refused_at_once(scene: Scene) -> None:
    started = time.monotonic()
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 50_000 + b"]" * 50_000):
        assert (await send(scene, "POST", "/auth/login", body)).status == 413
    assert time.monotonic() - started < STALL


STRANGE: list[Any] = [None, True, 0, -1, 1.5, 1e300, 10**30, -(10**30), 2**63, [], ["a"], [[["a"]]], {}, {"a": 1}, ""]


async def test_values_of_a_wrong_kind_are_refused_in_every_field(scene: Scene) -> None:
    for method, path, good in writes(scene):
        for field, value in good.items():
            for strange in STRANGE:
                body = json.dumps(good | {field: strange}).encode()
                status = sound(await send(scene, method, path, body), (method, path, field, strange))
                if isinstance(value, str) and not isinstance(strange, str | list | None) and field != "members":
                    assert status in (400, 422), (method, path, field, strange)


async def test_a_wrong_field_is_named(scene: Scene) -> None:
    answer = await send(scene, "PATCH", f"/conversations/{scene.chess}", b'{"title": 5}')
    assert answer.status == 422
    assert list(json.loads(answer.body)["errors"]) == ["title"]


NUMBERS = [
    "10" * 15,
    "9" * 19,
    "9223372036854775808",
    "-1",
    "-9223372036854775809",
    "0",
    "1.5",
    "1e5",
    "NaN",
    "",
    " ",
    "%00",
]
NUMBERS += [
    "0x10",
    "\u0661",
    "\u00b2",
    "%EF%BC%91",
    "1_000",
    "+1",
    "9" * 5000,
    "%ff",
    "null",
    "1;2",
    "'",
    "%0a1",
    "1%20",
]


async def test_ids_and_positions_that_are_no_numbers_or_too_large_are_refused(scene: Scene) -> None:
    group = f"/conversations/{scene.chess}"
    paths = ["/conversations/{}", "/conversations/{}/messages", "/conversations/{}/members", "/messages/{}"]
    paths += ["/messages/{}/edit", "/conversations/{}/settings", "/conversations/{}/feed", group + "/members/{}"]
    paths += ["/me/sessions/{}"]
    queries = [f"{group}/messages?before={{}}", f"{group}/messages?after={{}}", f"{group}/messages?limit={{}}"]
    queries += [f"{group}?from={{}}", f"{group}?before={{}}", "/messages?before={}", "/people?limit={}"]
    async with awake(scene.server):
        for number in NUMBERS:
            if not number.strip():
                continue  # the path without it is another route
            there = number if "%" in number else quote(number)
            for path in paths:
                answer = await send(scene, "GET", path.format(there), b"")
                status = sound(answer, (path, number))
                # Digits of other scripts, "+1" and "1_000" are the numbers that Python takes them for.
                assert status in (400, 404, 405) or number in SPELLINGS, (path, number)
                if "members/{}" in path or "sessions" in path:
                    sound(await send(scene, "DELETE", path.format(there), b""), ("DELETE", path, number))
            for path in queries:
                sound(await send(scene, "GET", path.format(there), b""), (path, number))
        for position in (10**30, -1, 2**63, -(2**63) - 1, 1.5, "1", "x"):
            body = json.dumps({"position": position}).encode()
            sound(await send(scene, "PUT", f"{group}/read", body), position)
            reply = json.dumps({"body": "x", "reply_to": position}).encode()
            sound(await send(scene, "POST", f"{group}/messages", reply), position)


SPELLINGS = ["\u0661", "%EF%BC%91", "1_000", "+1", "%0a1", "1%20", "0"]
CHARSETS = ["punycode", "utf-16", "utf-7", "idna", "base64", "zlib", "rot13", "unicode_escape", "raw_unicode_escape"]
CHARSETS += ["latin-1", "no-such-codec", '"punycode"', "x" * 5000, "utf-8\tpunycode", "bz2_codec", "undefined", "mbcs"]


async def test_foreign_charsets_are_refused_at_once(scene: Scene) -> None:
    """60 KB of punycode keep Python busy for seconds."""
    body = b"login=" + b"a" * 30_000 + b"-" + b"z9" * 14_000
    async with awake(scene.server):
        for charset in CHARSETS:
            for kind in (FORM, JSON, "text/plain", "multipart/form-data; boundary=x"):
                started = time.monotonic()
                answer = await send(scene, "POST", "/auth/login", body, f"{kind}; charset={charset}")
                assert sound(answer, (kind, charset)) in (400, 401, 415, 422), (kind, charset)
                assert time.monotonic() - started < STALL
    assert (await send(scene, "POST", "/auth/login", body, f"{FORM}; charset=punycode")).status == 415
    for charset in ("utf-8", "UTF-8", '"utf-8"', "utf8"):
        good = b"login=olive&password=" + PASSWORD.replace(" ", "+").encode()
        assert (await send(scene, "POST", "/auth/login", good, f"{FORM}; charset={charset}")).status == 200, charset


async def test_other_kinds_of_content_are_refused(scene: Scene) -> None:
    kinds = ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/msgpack", "image/png"]
    kinds += ["application/json5", "application/x-msgpack", "*/*", "nonsense", "multipart/form-data"]
    for method, path, good in writes(scene):
        for kind in kinds:
            answer = await send(scene, method, path, json.dumps(good).encode(), kind)
            assert answer.status == 415, (method, path, kind)


async def test_many_fields_and_fields_that_come_twice_are_refused(scene: Scene) -> None:
    async with awake(scene.server):
        for method, path, good in writes(scene):
            many = "&".join(f"f{n}=" for n in range(10_000)).encode()[: 64 * 1024 - 1]
            assert (await send(scene, method, path, many, FORM)).status == 400, (method, path)
            name = next(iter(good))
            sound(await send(scene, method, path, f"{name}=a&{name}=b".encode(), FORM), (method, path))
            fields = json.dumps({f"f{n}": n for n in range(4_000)}).encode()
            sound(await send(scene, method, path, fields), (method, path))
            twice = f'{{"{name}": "a", "{name}": "b"}}'.encode()
            sound(await send(scene, method, path, twice), (method, path))
    assert (await send(scene, "POST", "/auth/login", b"login=olive&login=milo&password=x", FORM)).status == 422


TARGETS = [
    "/%00",
    "/a%00b",
    "/%ff",
    "/%c0%ae%c0%ae/",
    "/%ed%a0%80",
    "/conversations/%00",
    "/people/%00",
    "/people/a%00b",
]
TARGETS += [
    "/people/%ff",
    "/people/%ed%a0%80",
    "/people/" + "x" * 3000,
    "/people/%f0%9f%98%80",
    "/people/..%2f..",
    "/..%2f..",
]
TARGETS += [
    "/static/..%2f..%2fapp/main.py",
    "/static/../app/main.py",
    "/static/%2e%2e/app/main.py",
    "/static//etc/passwd",
]
TARGETS += [
    "/static/%00",
    "/static/x/..%5c..",
    "/%0d%0aset-cookie:%20a=b",
    "//evil.example/x",
    "/\\evil.example",
    "/?%00=%00",
]
TARGETS += [
    "/people?q=%00",
    "/people?q=%ff",
    "/people?q=%ed%a0%80",
    "/people?q=" + "%25" * 900,
    "/people?q=" + "_" * 2000,
]
TARGETS += [
    "/people?after=%00~1",
    "/people?after=x~",
    "/people?after=~" + "9" * 30,
    "/people?after=a~%C2%B2",
    "/people?after=~-1",
]
TARGETS += [
    "/people?limit=0",
    "/people?limit=101",
    "/people?limit=-1",
    "/people?limit=x",
    "/people?limit=1&limit=2",
    "/people?%ff",
]
TARGETS += [
    "/conversations?after=x",
    "/conversations?after=%00",
    "/conversations?after=2026-01-01~1",
    "/conversations?after=~",
]
TARGETS += [
    "/conversations?after=2026-01-01T00:00:00%2B00:00~" + "9" * 40,
    "/conversations?after=0001-01-01T00:00:00%2B14:00~1",
]
TARGETS += [
    "/conversations?after=9999-12-31T23:59:59-14:00~1",
    "/people?" + "&" * 2000,
    "/people?" + "a=b&" * 1500,
    "/people?=&=&=",
]
TARGETS += [
    "/auth/login?next=%00",
    "/auth/login?next=%ff",
    "/auth/login?next=" + "x" * 3000,
    "/auth/reset-password?token=%00",
]
TARGETS += ["/auth/reset-password?token=%ff", "/auth/login?next=1&next=2", "/" + "a/" * 2000, "/people/" + "%41" * 2000]


async def test_strange_paths_and_queries_are_answered_soundly(scene: Scene) -> None:
    kinds = (JSON, "text/html")
    async with awake(scene.server):
        for target in [*TARGETS, "/conversations/{0}/members?after=%00~1", "/conversations/{0}/members?after=a~%C2%B2"]:
            for kind in kinds:
                there = target.format(scene.chess) if "{0}" in target else target
                bearer = f"Bearer {scene.olive.access}"
                got = await exchange(scene.server.url, request("GET", there, accept=kind, authorization=bearer))
                sound(got, (kind, target[:60]))
                nobody = await exchange(scene.server.url, request("GET", there, accept=kind))
                sound(nobody, (kind, target[:60]))
                assert "evil.example" not in nobody.header("location").partition("?")[0]
                assert not nobody.header("set-cookie").startswith("a=b")


async def test_nothing_outside_of_the_static_folder_is_served(scene: Scene) -> None:
    for target in [target for target in TARGETS if target.startswith("/static/")]:
        answer = await exchange(scene.server.url, request("GET", target))
        assert answer.status in (400, 404), target
        assert b"create_app" not in answer.body
        assert b"root:" not in answer.body


CURSORS = [
    "x",
    "7",
    "7:",
    ":7",
    "7:x",
    "-1:5",
    "7:-1",
    "7:353,",
    ",",
    "7:353;8:14",
    "7:1.5",
    "7:" + "9" * 30,
    "9" * 30 + ":1",
]
CURSORS += [
    "\u0667:1",
    "7:\u00b2",
    "7 : 1",
    "7:1,7:2",
    ",".join(f"{n}:1" for n in range(1000)),
    "%00",
    "7:1%00",
    "%ff",
    "0:0",
]


async def test_malformed_cursors_are_refused_before_a_stream_opens(scene: Scene) -> None:
    async def status(target: str, **headers: str) -> int:
        bearer = f"Bearer {scene.olive.access}"
        try:
            sent = request("GET", target, authorization=bearer, accept="text/event-stream", **headers)
            answer = await exchange(scene.server.url, sent, seconds=10)
        except TimeoutError:
            return 200  # it is open and stays so
        return sound(answer, (target[:60], headers))

    for cursor in CURSORS:
        there = cursor if "%" in cursor else quote(cursor)
        assert await status(f"/live?after={there}") in (400, 404), cursor
        if cursor.isascii() and "%" not in cursor:
            assert await status("/live", last_event_id=cursor) in (400, 404), cursor
    assert await status("/live", last_event_id="\u00b2:\u00b3") == 400
    assert await status("/live?" + "a=b&" * 100) in (200, 400)


async def test_unknown_methods_and_versions_are_answered_soundly(scene: Scene) -> None:
    for method in ("FOO", "get", "PROPFIND", "TRACE", "CONNECT", "OPTIONS", "HEAD", "PURGE", "LOCK", "\u00c9"):
        for path in ("/", "/auth/login", "/me", f"/conversations/{scene.chess}", "/live", "/static/js/live.js", "*"):
            answer = await exchange(scene.server.url, request(method, path, accept=JSON))
            assert answer.status < 500, (method, path)
            assert b"Traceback" not in answer.body
    for raw in (
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ):
        answer = await exchange(scene.server.url, raw + b"", seconds=5)
        assert answer.status < 500, raw
    assert (await scene.nobody.api.get("/health")).status_code == 200


HEADERS = [
    ("cookie", "access=\u00ff; refresh=\u00e9"),
    ("cookie", "=;;;=; access"),
    ("cookie", "a=b; " * 2000),
    ("accept", "\u00ff"),
]
HEADERS += [
    ("accept", "text/html;q=x, */*;q=" + "9" * 400),
    ("accept-language", "fr;q=nan, en;q=inf, de;q=-1"),
    ("host", "\u00e9.x"),
]
HEADERS += [
    ("accept-language", "," * 5000),
    ("host", "evil.example"),
    ("host", "[::"),
    ("authorization", "Bearer \u00ff\u00fe"),
]
HEADERS += [("authorization", "Basic eDp4"), ("authorization", "Bearer"), ("authorization", "Bearer " + "x." * 8000)]
HEADERS += [
    ("x-forwarded-for", "\u00ff, , ,"),
    ("user-agent", "\u00e9" * 5000),
    ("hx-request", "\u00ff"),
    ("range", "bytes=a-b"),
]
HEADERS += [
    ("if-none-match", "\u00ff"),
    ("if-modified-since", "never"),
    ("x-request-id", "\u00ff" * 20),
    ("content-type", "\u00ff"),
]
HEADERS += [
    ("expect", "100-continue"),
    ("upgrade", "websocket"),
    ("connection", "upgrade"),
    ("range", "bytes=0-" + "9" * 40),
]
HEADERS += [("origin", "http://["), ("origin", "\u00ff"), ("sec-fetch-site", "\u00ff"), ("last-event-id", "\u00ff")]


async def test_strange_headers_are_answered_soundly(scene: Scene) -> None:
    for name, value in HEADERS:
        for method, path in (
            ("GET", "/auth/login"),
            ("GET", "/conversations"),
            ("POST", "/auth/login"),
            ("GET", "/health"),
        ):
            headers = {"accept": "text/html", name.replace("-", "_"): value}
            body = b"{}" if method == "POST" else b""
            answer = await exchange(scene.server.url, request(method, path, body, **headers))
            assert 200 <= answer.status < 500, (name, value[:30], method, path, answer.status)
            assert b"Traceback" not in answer.body


async def test_a_device_with_a_strange_name_signs_in_and_is_listed(scene: Scene) -> None:
    for agent in ("\u00e9\u00ff" * 500, "", "<script>alert(1)</script>", "a\tb"):
        sent = json.dumps({"login": "olive", "password": PASSWORD}).encode()
        answer = await exchange(
            scene.server.url, request("POST", "/auth/login", sent, content_type=JSON, user_agent=agent)
        )
        assert answer.status == 200, agent
    page = await scene.olive.browser.get("/me/sessions")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


async def test_a_search_of_any_length_costs_little(scene: Scene) -> None:
    async with awake(scene.server):
        for q in ("\ufdfa" * 800, "a " * 3000, "%" * 2000, "_%\\" * 700, "\u0301" * 1000):
            assert (await scene.olive.api.get("/people", params={"q": q})).status_code in (200, 400)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


async def test_anything_at_all_may_be_sent(scene: Scene) -> None:
    """Hypothesis looks for the input that nobody thought of: bodies of JSON and noise, paths and queries."""
    server, loop = scene.server, asyncio.get_running_loop()
    fields = sorted({field for _method, _path, good in writes(scene) for field in good})

    def answer(sent: bytes) -> Answer:
        return asyncio.run_coroutine_threadsafe(exchange(server.url, sent), loop).result(30)

    bearer = f"Bearer {scene.olive.access}"
    checks = [HealthCheck.too_slow]

    @settings(max_examples=60, deadline=None, suppress_health_check=checks, database=None, derandomize=True)
    @given(data=st.data())
    def bodies(data: st.DataObject) -> None:
        method, path, _good = data.draw(st.sampled_from(writes(scene)))
        if path.startswith("/auth/"):
            return  # with her token, what is sent there could end her session
        wild = data.draw(st.dictionaries(st.sampled_from(fields), values, max_size=4))
        body = data.draw(st.sampled_from([json.dumps(wild).encode(), data.draw(st.binary(max_size=200))]))
        kind = data.draw(st.sampled_from([JSON, FORM, ""]))
        accept = data.draw(st.sampled_from([JSON, "text/html"]))
        sent = request(method, path, body, content_type=kind, authorization=bearer, accept=accept)
        sound(answer(sent), (method, path, body))

    @settings(max_examples=60, deadline=None, suppress_health_check=checks, database=None, derandomize=True)
    @given(data=st.data())
    def targets(data: st.DataObject) -> None:
        base = data.draw(
            st.sampled_from(["/", "/people", "/people/", "/conversations", f"/conversations/{scene.chess}/messages"])
        )
        part = quote(data.draw(st.binary(max_size=20)), safe="")
        names = st.sampled_from(["q", "after", "before", "from", "limit", "latest", "next", "token", "_method", "x"])
        query = "&".join(f"{data.draw(names)}={quote(data.draw(st.binary(max_size=12)))}" for _ in range(3))
        target = f"{base}{part if base.endswith('/') else ''}?{query}"
        sound(answer(request("GET", target, authorization=bearer, accept="text/html")), target)

    for attack in (bodies, targets):
        await asyncio.to_thread(attack)
