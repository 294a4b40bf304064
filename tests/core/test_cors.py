"""Pages of other origins: those that a setting names may call with a token, and no other one may anything."""

import dataclasses
from pathlib import Path

import httpx
import pytest

from app.core import database
from app.core.settings import Settings, load
from tests.conftest import NO_TLS, Actor, Cast
from tests.streams import following

APP = "https://app.example.org"
FOREIGN = [
    "https://evil.example",
    "https://app.example.org.evil.example",
    "http://app.example.org",
    "null",
    f"{APP}:8443",
]
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
BY_SCRIPT = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, cors_origins=(APP, "http://localhost:5173"))


async def token_of(who: Actor) -> str:
    answer = await who.api.post("/me/tokens", json={"name": "App", "scopes": ["read", "write"]})
    return str(answer.json()["token"])


def page_of(cast: Cast, origin: str, token: str = "") -> httpx.AsyncClient:
    """A script on a page of that origin."""
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    return cast.server.client(accept="application/json", origin=origin, **BY_SCRIPT, **bearer)


def allows(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_origins_are_read_with_commas_between_them_and_there_are_none_by_default(tmp_path: Path) -> None:
    assert load({"DATA_DIR": str(tmp_path)}).cors_origins == ()
    given = f" {APP} ,http://localhost:5173,{APP},http://[::1]:3000"
    found = load({"DATA_DIR": str(tmp_path), "CORS_ORIGINS": given}).cors_origins
    assert found == (APP, "http://localhost:5173", "http://[::1]:3000")


async def test_a_page_of_such_an_origin_reads_and_writes_with_a_token(cast: Cast) -> None:
    page = page_of(cast, APP, await token_of(cast.milo))
    asked = await cast.nobody.api.options("/conversations", headers={"origin": APP, **ASKS})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == APP
    assert "POST" in asked.headers["access-control-allow-methods"]
    allowed = asked.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "last-event-id"))
    said = await page.post(f"/conversations/{cast.chess}/messages", json={"body": "from elsewhere"})
    assert said.status_code == 201
    read = await page.get(f"/conversations/{cast.chess}/messages")
    assert read.json()["messages"][-1]["body"] == "from elsewhere"
    for answer in (said, read):
        assert answer.headers["access-control-allow-origin"] == APP
        assert "Origin" in answer.headers.get_list("vary")


async def test_what_is_refused_is_told_to_the_page_as_well(cast: Cast) -> None:
    page = page_of(cast, APP, await token_of(cast.oscar))
    for answer, status in (
        (await page.get(f"/conversations/{cast.chess}"), 404),
        (await page.get("/nowhere"), 404),
        (await page.post("/conversations", json={"title": " "}), 422),
        (await page.get("/me/tokens"), 403),
        (await page_of(cast, APP, "cau_wrong").get("/me"), 401),
    ):
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == APP


async def test_a_page_of_such_an_origin_follows_live(cast: Cast) -> None:
    token = await token_of(cast.milo)
    asked = await cast.nobody.api.options("/live", headers={"origin": APP, **ASKS})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, APP)
    headers = {"origin": APP, "authorization": f"Bearer {token}", **BY_SCRIPT}
    async with (
        httpx.AsyncClient(base_url=cast.server.url, timeout=20, verify=NO_TLS) as client,
        client.stream("GET", f"/live?format=json&after={cast.chess}:0", headers=headers) as stream,
    ):
        assert stream.status_code == 200
        assert stream.headers["access-control-allow-origin"] == APP


@pytest.mark.parametrize("origin", FOREIGN)
async def test_other_origins_may_nothing(cast: Cast, origin: str) -> None:
    page = page_of(cast, origin, await token_of(cast.milo))
    asked = await cast.nobody.api.options("/conversations", headers={"origin": origin, **ASKS})
    said = await page.post(f"/conversations/{cast.chess}/messages", json={"body": "from elsewhere"})
    assert said.status_code == 403
    for answer in (asked, said, await page.get("/conversations")):
        assert allows(answer) == {}
        assert "Origin" in answer.headers.get_list("vary")


async def test_cookies_count_for_nothing_from_there_and_credentials_are_never_allowed(cast: Cast) -> None:
    """Milo is signed in, and opens the page elsewhere in the same browser."""
    page = page_of(cast, APP)
    page.cookies.set("access", cast.milo.access)
    page.cookies.set("refresh", cast.milo.refresh)
    before = await database.fetch_value("SELECT count(*) FROM message WHERE kind = 'text'")
    for answer in (
        await page.post(f"/conversations/{cast.chess}/messages", json={"body": "by cookies"}),
        await page.post("/conversations", data={"title": "by cookies"}),
        await page.get("/conversations"),
        await page.options("/conversations", headers={"access-control-request-method": "POST"}),
    ):
        assert allows(answer) == {}
    assert await database.fetch_value("SELECT count(*) FROM message WHERE kind = 'text'") == before
    page.headers["authorization"] = "Bearer cau_of-nobody"
    for answer in (await page.get("/conversations"), await page.post("/me/active")):
        assert answer.status_code == 401
        assert "access-control-allow-credentials" not in answer.headers
    page.headers["authorization"] = f"Bearer {await token_of(cast.olive)}"
    assert (await page.get("/me")).json()["username"] == "olive"


async def test_nobody_is_signed_in_from_there_by_cookies(cast: Cast) -> None:
    """With a token that is none it is as if nobody asked, and the log-in needs nobody."""
    page = page_of(cast, APP, "x")
    answer = await page.post("/auth/login", json={"login": "oscar", "password": "three blue horses run"})
    assert "set-cookie" not in answer.headers


class TestWithoutTheSetting:
    """As it is by default."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, cors_origins=())

    async def test_no_origin_is_let_in(self, cast: Cast) -> None:
        page = page_of(cast, APP, await token_of(cast.milo))
        asked = await cast.nobody.api.options("/conversations", headers={"origin": APP, **ASKS})
        said = await page.post(f"/conversations/{cast.chess}/messages", json={"body": "from elsewhere"})
        assert said.status_code == 403
        for answer in (asked, said, await page.get("/conversations")):
            assert allows(answer) == {}

    async def test_a_program_that_is_no_page_needs_none(self, cast: Cast) -> None:
        token = await token_of(cast.milo)
        client = cast.server.client(authorization=f"Bearer {token}")
        assert (await client.post(f"/conversations/{cast.chess}/messages", json={"body": "x"})).status_code == 201


async def test_the_stream_of_another_origin_without_a_token_is_as_ever(cast: Cast) -> None:
    async with following(cast.server, cast.nobody, json=True) as feed:
        assert feed.response.status_code == 401
