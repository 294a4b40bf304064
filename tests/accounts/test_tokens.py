"""Personal access tokens: what a program comes in with, what it may, and how that ends."""

import asyncio
import contextvars
import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app import scopes
from app.accounts import sweeping, tokens
from app.core import database, limits
from app.core.settings import Settings, load
from app.core.sweeps import sweep
from app.main import create_app
from tests.conftest import PASSWORD, Actor, Cast, Server, statements_of
from tests.conversations.story import waiting
from tests.pages import errors, form, parsed, says
from tests.processes import second_server
from tests.streams import following
from tests.test_routes import TABLE, routes

EVERY = ["read", "write", "admin"]


async def made(who: Actor, *may: str, of: str = "/me", **more: Any) -> dict[str, Any]:
    """A new token of theirs, or of that bot."""
    body = {"name": "Script", "scopes": list(may or ("read", "write"))} | more
    answer = await who.api.post(f"{of}/tokens", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def program(server: Server, token: dict[str, Any], name: str = "Program") -> Actor:
    """Whoever comes in with that token."""
    return Actor(name, 0, name.lower(), server, access=token["token"])


async def bot_of(who: Actor, *may: str, username: str = "weather") -> tuple[int, Actor]:
    """A new bot of theirs, and the program that is it."""
    bot = (await who.api.post("/me/bots", json={"username": username, "name": "Weather"})).json()["id"]
    return bot, program(who.server, await made(who, *may, of=f"/me/bots/{bot}"), "Weather")


async def test_a_program_with_a_token_reads_and_writes_as_its_person(cast: Cast) -> None:
    script = program(cast.server, await made(cast.milo))
    assert (await script.api.get("/me")).json()["username"] == "milo"
    said = await script.api.post(f"/conversations/{cast.chess}/messages", json={"body": "hello"})
    assert said.status_code == 201
    assert said.json()["author"]["username"] == "milo"


async def test_the_token_is_told_once_and_kept_as_a_hash(cast: Cast) -> None:
    token = await made(cast.milo)
    assert set(token) == {"id", "token"}
    assert re.fullmatch(r"cau_[A-Za-z0-9_-]{49}", token["token"])
    listed = await cast.milo.api.get("/me/tokens")
    assert [found["id"] for found in listed.json()["tokens"]] == [token["id"]]
    assert token["token"] not in listed.text
    row = await database.fetch_row("SELECT * FROM access_token WHERE id = $1", token["id"])
    assert row is not None
    assert token["token"][4:] not in str(tuple(row))


async def test_what_is_not_quite_the_token_is_refused_without_asking_the_database(cast: Cast) -> None:
    token = (await made(cast.milo))["token"]
    changed = token[:10] + ("a" if token[10] != "a" else "b") + token[11:]
    for wrong in (changed, token[:-1], token + "x", "cau_", "cau_" + "é" * 49, token.upper(), "cau_" + "A" * 49):
        given = [(b"accept", b"application/json"), (b"authorization", f"Bearer {wrong}".encode())]
        assert (await cast.server.client().get("/me", headers=given)).status_code == 401, wrong


async def test_without_the_scope_write_nothing_is_sent(cast: Cast) -> None:
    reader = program(cast.server, await made(cast.milo, "read"))
    refused = await reader.api.post(f"/conversations/{cast.chess}/messages", json={"body": "hello"})
    assert refused.status_code == 403
    assert "write" in refused.json()["detail"]
    assert (await reader.api.get(f"/conversations/{cast.chess}/messages")).status_code == 200
    texts = (await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"]
    assert "hello" not in [message["body"] for message in texts]


async def test_without_the_scope_read_nothing_is_read_nor_followed(cast: Cast) -> None:
    writer = program(cast.server, await made(cast.milo, "write"))
    assert (await writer.api.get("/conversations")).status_code == 403
    async with following(cast.server, writer) as feed:
        assert feed.response.status_code == 403
    assert (await writer.api.post(f"/conversations/{cast.chess}/messages", json={"body": "x"})).status_code == 201


async def test_what_administrators_do_needs_the_scope_and_the_role(cast: Cast) -> None:
    without = program(cast.server, await made(cast.ada, "read", "write"))
    assert (await without.api.post("/broadcasts", json={"body": "all"})).status_code == 403
    told = (await cast.ada.api.get("/conversations/announcements")).json()["id"]
    around = await without.api.post(f"/conversations/{told}/messages", json={"body": "all"})
    assert around.status_code == 403
    assert (await without.api.get("/people/mina")).json()["email"] is None
    admin = program(cast.server, await made(cast.ada, *EVERY))
    assert (await admin.api.post("/broadcasts", json={"body": "all"})).status_code == 201
    assert (await admin.api.get("/people/mina")).json()["email"] == "mina@example.org"
    await database.fetch("UPDATE person SET role = 'teacher' WHERE id = $1", cast.ada.id)
    assert (await admin.api.post("/broadcasts", json={"body": "all"})).status_code == 403


async def test_what_would_outlast_a_token_needs_somebody_who_signed_in(cast: Cast) -> None:
    admin = program(cast.server, await made(cast.ada, *EVERY))
    assert (await admin.api.put("/people/mina/role", json={"role": "admin"})).status_code == 403
    owner = program(cast.server, await made(cast.olive))
    code = f"/conversations/{cast.chess}/code"
    assert (await owner.api.put(code, json={})).status_code == 403
    assert (await owner.api.delete(code)).status_code == 403
    heir = {"username": "milo"}
    assert (await owner.api.put(f"/conversations/{cast.chess}/owner", json=heir)).status_code == 403
    assert (await cast.ada.api.put("/people/mina/role", json={"role": "parent"})).status_code == 204
    assert (await cast.olive.api.put(code, json={})).status_code == 200
    assert (await cast.olive.api.put(f"/conversations/{cast.chess}/owner", json=heir)).status_code in (200, 204)


async def test_nobody_makes_a_token_for_what_they_may_not(cast: Cast) -> None:
    for path in ("/me/tokens", None):
        if path is None:
            bot = (await cast.ada.api.post("/me/bots", json={"username": "weather", "name": "W"})).json()["id"]
        who, there = (cast.milo, path) if path else (cast.ada, f"/me/bots/{bot}/tokens")
        refused = await who.api.post(there, json={"name": "x", "scopes": ["admin"]})
        assert (refused.status_code, set(refused.json()["errors"])) == (422, {"scopes"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["read", "everything"]},
        {"scopes": []},
        {"scopes": "root"},
        {"name": ""},
        {"name": "x" * 51},
        {"expires_at": "2020-01-01"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "tomorrow"},
        {"expires_at": "2026-12-31T10:00:00"},
        {"expires_at": "9999-12-31"},
        {"expires_at": "0001-01-01T00:00:00+23:59"},
    ],
    ids=str,
)
async def test_a_token_that_cannot_be_is_refused_by_the_name_of_the_field(cast: Cast, wrong: dict[str, Any]) -> None:
    body = {"name": "Script", "scopes": ["read"]} | wrong
    refused = await cast.milo.api.post("/me/tokens", json=body)
    assert (refused.status_code, set(refused.json()["errors"])) == (422, set(wrong)), refused.text
    assert (await cast.milo.api.get("/me/tokens")).json()["tokens"] == []


async def test_what_is_no_token_at_all_is_refused(cast: Cast) -> None:
    for wrong in ({"scopes": 7}, {"scopes": [7]}, {"name": ["x"]}, {"expires_at": 1}, {"scopes": {"read": True}}):
        refused = await cast.milo.api.post("/me/tokens", json={"name": "Script", "scopes": ["read"]} | wrong)
        assert refused.status_code == 422, wrong
    for name in (b"\\ud800", b"\\u0000"):
        sent = b'{"name": "%b", "scopes": ["read"]}' % name
        refused = await cast.milo.api.post("/me/tokens", content=sent, headers={"content-type": "application/json"})
        assert refused.status_code in (400, 422), name


async def test_a_day_is_meant_whole_where_the_person_lives(cast: Cast) -> None:
    await cast.milo.api.patch("/me", json={"time_zone": "Europe/Paris"})
    day = (datetime.now(UTC) + timedelta(days=40)).date()
    await made(cast.milo, expires_at=day.isoformat())
    (token,) = (await cast.milo.api.get("/me/tokens")).json()["tokens"]
    assert token["expires_at"] in (f"{day}T23:00:00Z", f"{day}T22:00:00Z")  # winter or summer time


async def ended(cast: Cast, way: str, token: dict[str, Any]) -> None:
    """The token of Milo ends in that way."""
    if way == "revoked":
        assert (await cast.milo.api.delete(f"/me/tokens/{token['id']}")).status_code == 204
    elif way == "expired":
        await database.fetch("UPDATE access_token SET expires_at = now() WHERE id = $1", token["id"])
    elif way == "deactivated":
        assert (await cast.milo.api.post("/me/deactivate", json={"current": PASSWORD})).status_code == 204
    elif way == "deleted":
        sent = {"current": PASSWORD, "messages": "keep"}
        assert (await cast.milo.api.request("DELETE", "/me", json=sent)).status_code == 204
    else:
        changed = {"current": PASSWORD, "password": "four green boats sail"}
        assert (await cast.milo.api.put("/me/password", json=changed)).status_code == 204


@pytest.mark.parametrize("way", ["revoked", "expired", "deactivated", "deleted", "new password"])
async def test_a_token_that_ended_lets_nobody_in_and_its_stream_closes(cast: Cast, way: str) -> None:
    token = await made(cast.milo)
    script = program(cast.server, token)
    async with following(cast.server, script, f"{cast.chess}:0") as feed:
        await ended(cast, way, token)
        await feed.until(lambda f: f.ended.is_set(), 10)
        assert feed.events[-1].data == "signed-out"
    refused = await script.api.get("/conversations")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    if way == "revoked":
        assert (await cast.milo.api.delete(f"/me/tokens/{token['id']}")).status_code == 404


async def test_a_token_that_is_revoked_elsewhere_ends_streams_in_every_process(cast: Cast) -> None:
    token = await made(cast.milo)
    async with (
        second_server(cast.server.settings) as other,
        following(other, program(cast.server, token), f"{cast.chess}:0") as feed,
    ):
        await cast.milo.api.delete(f"/me/tokens/{token['id']}")
        await feed.until(lambda f: f.ended.is_set(), 10)


async def test_the_end_of_one_token_leaves_other_tokens_and_sessions_alone(cast: Cast) -> None:
    gone, kept = await made(cast.milo), await made(cast.milo)
    async with (
        following(cast.server, program(cast.server, kept), f"{cast.chess}:0") as by_token,
        following(cast.server, cast.milo, f"{cast.chess}:0") as by_session,
    ):
        await cast.milo.api.delete(f"/me/tokens/{gone['id']}")
        await cast.server.app.state.hub.watch.check_sessions()
        await cast.say(cast.olive, "still there?")
        for feed in (by_token, by_session):
            await feed.until(lambda f: any("still there?" in event.data for event in f.named("message")))


async def test_a_removed_member_gets_nothing_by_token_either(cast: Cast) -> None:
    script = program(cast.server, await made(cast.remy))
    for path in (f"/conversations/{cast.chess}", f"/conversations/{cast.chess}/messages"):
        assert (await script.api.get(path)).status_code == 404
    sent = await script.api.post(f"/conversations/{cast.chess}/messages", json={"body": "hello"})
    assert sent.status_code == 404
    async with following(cast.server, script, f"{cast.chess}:0") as feed:
        assert feed.response.status_code == 404


def plain(row: str) -> str:
    """A route of the table without the types of its parameters."""
    return re.sub(r":\w+\}", "}", row)


def test_every_route_says_what_a_token_needs_for_it() -> None:
    """Routes of which it is not said are refused to every token; this is where one notices."""
    app = create_app(load({"DATABASE_URL": "postgresql://nobody@localhost/nothing", "SECRET_KEY": "k" * 64}))
    known = {plain(route) for route in routes(app)}
    # Nobody is asked for there, so no token is read.
    anonymous = {route for route in known if re.match(r"\w+ /(docs|static/)|POST /auth/refresh", route)}
    assert set(scopes.NEEDED) - known == set(), "scopes of routes that are not there"
    assert known - anonymous - set(scopes.NEEDED) == set(), "say in app/scopes.py what a token may do there"


async def test_a_token_manages_no_account_whatever_its_scopes(cast: Cast) -> None:
    script = program(cast.server, await made(cast.ada, *EVERY))
    asked = 0
    for row, path, _expected, body in TABLE:
        method = row.split()[0]
        if scopes.NEEDED.get(plain(row)) != "account":
            continue
        there = re.sub(r"\{\w+\}", "1", path)
        refused = await script.api.request(method, there, json=body if body is not None else None)
        assert refused.status_code == 403, row
        assert refused.json()["detail"], row
        asked += 1
    assert asked > 25
    assert (await script.api.get("/me")).status_code == 200


async def test_each_scope_opens_what_it_says_and_nothing_else(cast: Cast) -> None:
    """By the table of routes: a token of each scope alone is refused for want of scope exactly where it lacks it."""
    alone = {scope: program(cast.server, await made(cast.ada, scope)) for scope in EVERY}
    for row, path, _expected, body in TABLE:
        method = row.split()[0]
        needed = scopes.NEEDED.get(plain(row))
        if needed is None or row == "GET /live":
            continue
        for scope, script in alone.items():
            there = re.sub(r"\{\w+\}", "999999", path.replace("{picture}", "/avatars/1/x"))
            sent = body if body is not None else None
            answer = await script.api.request(method, there, json=sent)
            why = ("lacks the scope", "Access tokens cannot")
            lacks = answer.status_code == 403 and any(words in answer.text for words in why)
            assert lacks == (needed not in ("open", scope)), (row, scope, answer.status_code)


async def test_a_page_is_not_a_way_around_what_json_refuses(cast: Cast) -> None:
    reader = program(cast.server, await made(cast.milo, "read"))
    headers = {"authorization": f"Bearer {reader.access}", "accept": "text/html"}
    client = cast.server.client(**headers)
    sent = await client.post(f"/conversations/{cast.chess}/messages", data={"body": "hello"})
    assert sent.status_code == 403
    sneaked = await client.post("/me/password?_method=put", data={"current": PASSWORD, "password": "x" * 20})
    assert sneaked.status_code == 403
    assert (await client.get("/me/sessions")).status_code == 403


async def test_by_the_log_out_of_a_token_no_session_ends(cast: Cast) -> None:
    token = await made(cast.milo)
    script = program(cast.server, token)
    assert (await script.api.post("/auth/logout")).status_code == 403
    assert (await cast.milo.api.get("/me")).status_code == 200
    assert (await script.api.get("/me")).status_code == 200


async def test_what_a_bot_writes_is_live_for_others_under_its_name(cast: Cast) -> None:
    bot, weather = await bot_of(cast.olive)
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "weather"})
    async with following(cast.server, cast.milo, f"{cast.chess}:0") as feed:
        said = await weather.api.post(f"/conversations/{cast.chess}/messages", json={"body": "Rain at four"})
        assert said.status_code == 201
        author = {"id": bot, "username": "weather", "name": "Weather", "bot": True}
        assert said.json()["author"] == author
        await feed.until(lambda f: any("Rain at four" in event.data for event in f.named("message")))
        assert feed.named("message")[-1].json["author"] == author


async def test_a_bot_follows_live_and_is_online_while_it_does(cast: Cast) -> None:
    bot, weather = await bot_of(cast.olive)
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "weather"})

    async def online() -> list[int]:
        people = (await cast.milo.api.get("/people/online")).json()["people"]
        return [person["id"] for person in people]

    await weather.api.get("/conversations")
    page = {"accept": "text/html"}
    assert (await weather.api.get("/conversations", headers=page)).status_code == 200
    assert bot not in await online()
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0") as watching,
        following(cast.server, weather, f"{cast.chess}:0") as feed,
    ):
        await watching.until(lambda f: any(e.json["person"]["id"] == bot for e in f.named("presence")))
        assert bot in await online()
        await cast.say(cast.milo, "any rain?")
        await feed.until(lambda f: any("any rain?" in event.data for event in f.named("message")))


async def test_the_tokens_of_a_bot_are_its_owners_alone_and_end_with_it(cast: Cast) -> None:
    bot, weather = await bot_of(cast.olive)
    (token,) = (await cast.olive.api.get(f"/me/bots/{bot}/tokens")).json()["tokens"]
    for who in (cast.milo, cast.ada):
        assert (await who.api.get(f"/me/bots/{bot}/tokens")).status_code == 404
        assert (await who.api.delete(f"/me/bots/{bot}/tokens/{token['id']}")).status_code == 404
    assert (await cast.olive.api.delete(f"/me/tokens/{token['id']}")).status_code == 404
    async with following(cast.server, weather) as feed:
        assert (await cast.olive.api.delete(f"/me/bots/{bot}")).status_code == 204
        await feed.until(lambda f: f.ended.is_set(), 10)
    assert (await weather.api.get("/conversations")).status_code == 401


@pytest.mark.parametrize("way", ["closed", "put out", "new password"])
async def test_the_tokens_of_bots_stop_with_their_owner(cast: Cast, way: str) -> None:
    _bot, weather = await bot_of(cast.olive)
    async with following(cast.server, weather) as feed:
        if way == "closed":
            await cast.olive.api.post("/me/deactivate", json={"current": PASSWORD})
        elif way == "put out":  # however that comes about
            await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.olive.id)
        else:
            changed = {"current": PASSWORD, "password": "four green boats sail"}
            await cast.olive.api.put("/me/password", json=changed)
        await feed.until(lambda f: f.ended.is_set(), 10)
    assert (await weather.api.get("/conversations")).status_code == 401


async def test_when_it_was_last_used_is_noted_now_and_then(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await made(cast.milo)
    script = program(cast.server, token)

    async def used() -> Any:
        return (await cast.milo.api.get("/me/tokens")).json()["tokens"][0]["last_used_at"]

    assert await used() is None
    await script.api.get("/me")
    first = await used()
    assert first is not None
    await script.api.get("/me")
    assert await used() == first
    monkeypatch.setattr(tokens, "TOUCH", timedelta(0))
    await script.api.get("/me")
    assert await used() > first


async def test_a_token_costs_as_many_statements_as_a_session(cast: Cast) -> None:
    script = program(cast.server, await made(cast.milo))
    await script.api.get("/conversations")  # its first use is noted
    by_token = await statements_of(script.api.get("/conversations"))
    assert by_token == await statements_of(cast.milo.api.get("/conversations"))


async def test_somebody_has_so_many_tokens_and_not_more(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    first, _second = await made(cast.milo), await made(cast.milo)
    refused = await cast.milo.api.post("/me/tokens", json={"name": "Third", "scopes": ["read"]})
    assert refused.status_code == 422
    assert "2 tokens" in refused.json()["detail"]
    await cast.milo.api.delete(f"/me/tokens/{first['id']}")
    await made(cast.milo)


async def test_the_page_makes_shows_once_and_revokes_a_token_without_scripts(cast: Cast) -> None:
    page = await cast.milo.browser.get("/me/tokens")
    assert "There are no tokens yet." in says(page)
    assert [box["value"] for box in form(page, "/me/tokens").select("[name=scopes]")] == ["read", "write"]
    sent = await cast.milo.browser.post("/me/tokens", data={"name": "Script", "scopes": ["read", "write"]})
    assert sent.status_code == 201
    assert sent.headers["cache-control"] == "no-store"
    shown = parsed(sent).select_one("#new-token")
    assert shown is not None
    script = program(cast.server, {"token": str(shown["value"])})
    assert (await script.api.get("/me")).json()["username"] == "milo"
    listed = await cast.milo.browser.get("/me/tokens")
    assert str(shown["value"]) not in listed.text
    (row,) = parsed(listed).select(".row form")
    gone = await cast.milo.browser.post(str(row["action"]))
    assert (gone.status_code, gone.headers["location"]) == (303, "/me/tokens")
    assert (await script.api.get("/me")).status_code == 401


async def test_a_refused_form_keeps_what_was_typed_and_ticked(cast: Cast) -> None:
    sent = {"name": "Nightly", "scopes": "write", "expires_at": "2020-01-01"}
    refused = await cast.milo.browser.post("/me/tokens", data=sent)
    assert refused.status_code == 422
    page = parsed(refused)
    assert set(errors(page)) == {"expires_at"}
    assert page.select_one("#field-name[value=Nightly]") is not None
    assert [box["value"] for box in page.select("[name=scopes][checked]")] == ["write"]
    both = await cast.milo.browser.post("/me/tokens", data=sent | {"scopes": ["read", "write"]})
    assert [box["value"] for box in parsed(both).select("[name=scopes][checked]")] == ["read", "write"]


class TestWithLimits:
    """How often a program may call."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, rate_limits=True)

    async def call(self, script: Actor, times: int) -> list[httpx.Response]:
        return [await script.api.get("/me") for _ in range(times)]

    async def test_a_program_that_calls_without_a_pause_is_told_to_wait(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TOKEN", limits.Shared(limits.Limit("token", 6, 60), handful=4))
        script = program(cast.server, await made(cast.milo))
        other = program(cast.server, await made(cast.milo))
        answers = await self.call(script, 8)
        assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert (await other.api.get("/me")).status_code == 200
        assert (await cast.milo.api.get("/me")).status_code == 200

    async def test_processes_count_together(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two counters, as two processes have them."""
        limit = limits.Limit("token", 6, 60)
        script = program(cast.server, await made(cast.milo))
        codes = []
        for counter in (limits.Shared(limit, handful=2), limits.Shared(limit, handful=2)):
            monkeypatch.setattr(limits, "TOKEN", counter)
            codes += [answer.status_code for answer in await self.call(script, 4)]
        assert codes == [200, 200, 200, 200, 200, 200, 429, 429]

    async def test_many_calls_at_once_lose_nothing_of_what_is_allowed(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "TOKEN", limits.Shared(limits.Limit("token", 12, 60), handful=3))
        script = program(cast.server, await made(cast.milo))
        answers = await asyncio.gather(*(script.api.get("/me") for _ in range(12)))
        assert [answer.status_code for answer in answers] == [200] * 12
        assert (await script.api.get("/me")).status_code == 429

    async def test_nobody_makes_tokens_without_end(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "TOKENS_PERSON", dataclasses.replace(limits.TOKENS_PERSON, most=1))
        await made(cast.milo)
        refused = await cast.milo.api.post("/me/tokens", json={"name": "x", "scopes": ["read"]})
        assert refused.status_code == 429


async def test_a_token_that_is_made_while_its_session_ends_is_not_made(cast: Cast) -> None:
    bot, _program = await bot_of(cast.milo)
    for there in ("/me/tokens", f"/me/bots/{bot}/tokens"):
        session = await database.fetch_value("SELECT max(id) FROM session WHERE person = $1", cast.milo.id)
        async with database.transaction():
            await database.fetch("SELECT id FROM person WHERE id = $1 FOR NO KEY UPDATE", cast.milo.id)
            body = {"name": "Script", "scopes": ["read"]}
            making = asyncio.create_task(cast.milo.api.post(there, json=body), context=contextvars.Context())
            await waiting()
            await database.fetch("UPDATE session SET ended_at = now() WHERE id = $1", session)
        assert (await making).status_code == 401, there
        await database.fetch("UPDATE session SET ended_at = NULL WHERE id = $1", session)


async def test_a_token_for_what_members_write_deletes_no_announcement(cast: Cast) -> None:
    message = (await cast.ada.api.post("/broadcasts", json={"body": "all"})).json()["id"]
    script = program(cast.server, await made(cast.ada, "read", "write"))
    assert (await script.api.delete(f"/messages/{message}")).status_code == 403
    admin = program(cast.server, await made(cast.ada, *EVERY))
    assert (await admin.api.delete(f"/messages/{message}")).status_code == 200


async def test_tokens_that_ended_a_month_ago_are_swept(cast: Cast) -> None:
    kept, over, revoked = [(await made(cast.milo))["id"] for _ in range(3)]
    await database.fetch("UPDATE access_token SET expires_at = now() - interval '31 days' WHERE id = $1", over)
    await database.fetch("UPDATE access_token SET revoked_at = now() - interval '31 days' WHERE id = $1", revoked)
    await sweep("access_token", sweeping.TOKENS_OVER)
    rows = await database.fetch("SELECT id FROM access_token WHERE person = $1", cast.milo.id)
    assert [row["id"] for row in rows] == [kept]
