"""Posts that must be signed: the forged, the late and the replayed are refused, each with its reason."""

import asyncio
import json
import re
import time
from typing import Any

import httpx

from app.core import database
from app.notifications.webhooks import signing
from tests.conftest import Cast

Make = Any


class Poster:
    """A program that signs."""

    def __init__(self, cast: Cast, made: dict[str, Any]) -> None:
        self.client = cast.server.client()
        self.url, self.key = made["url"], made["signing_key"]

    async def post(self, text: str, *, age: int = 0, key: str | None = None, sent: str | None = None) -> httpx.Response:
        body = json.dumps({"text": text}).encode()
        stamp = str(int(time.time()) - age)
        headers = {
            "content-type": "application/json",
            signing.TIMESTAMP: stamp,
            signing.SIGNATURE: signing.sign(key or self.key, stamp, body),
        }
        really = body if sent is None else json.dumps({"text": sent}).encode()
        return await self.client.post(self.url, content=really, headers=headers)


async def test_what_is_signed_well_is_taken(cast: Cast, make_hook: Make) -> None:
    poster = Poster(cast, await make_hook(cast.olive, cast.chess, signed=True))
    assert (await poster.post("hello")).status_code == 201
    assert (await poster.post("a minute ago", age=60)).status_code == 201
    form = {"text": "été & co"}
    raw = httpx.Request("POST", poster.url, data=form).content
    stamp = str(int(time.time()))
    headers = {signing.TIMESTAMP: stamp, signing.SIGNATURE: signing.sign(poster.key, stamp, raw)}
    assert (await poster.client.post(poster.url, data=form, headers=headers)).status_code == 201, "as it travels"


async def test_what_is_not_signed_is_refused(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess, signed=True)
    answer = await cast.server.client().post(made["url"], json={"text": "hello"})
    assert answer.status_code == 401
    assert "not signed" in answer.json()["detail"]


async def test_the_forged_is_refused(cast: Cast, make_hook: Make) -> None:
    poster = Poster(cast, await make_hook(cast.olive, cast.chess, signed=True))
    other = await make_hook(cast.olive, cast.chess, "Other", signed=True)
    for answer in (
        await poster.post("hello", key="guessed"),
        await poster.post("hello", key=other["signing_key"]),
        await poster.post("hello", sent="something else"),
        await poster.client.post(
            poster.url, json={"text": "x"}, headers={signing.TIMESTAMP: "soon", signing.SIGNATURE: "v1=zz"}
        ),
    ):
        assert answer.status_code == 403
        assert "signature is invalid" in answer.json()["detail"]
    assert await database.fetch_value("SELECT count(*) FROM webhook_signature") == 0


async def test_the_late_is_refused_and_what_is_from_the_future_too(cast: Cast, make_hook: Make) -> None:
    poster = Poster(cast, await make_hook(cast.olive, cast.chess, signed=True))
    for age in (301 + 5, 86_400, -400):
        answer = await poster.post("hello", age=age)
        assert answer.status_code == 403, age
        assert "too late" in answer.json()["detail"]


async def test_the_replayed_is_refused_however_many_come_at_once(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess, signed=True)
    poster = Poster(cast, made)
    body, stamp = b'{"text": "once"}', str(int(time.time()))
    headers = {
        "content-type": "application/json",
        signing.TIMESTAMP: stamp,
        signing.SIGNATURE: signing.sign(poster.key, stamp, body),
    }
    answers = await asyncio.gather(
        *(poster.client.post(poster.url, content=body, headers=headers) for _ in range(8)),
        *(
            poster.client.post(poster.url, content=body, headers=headers | {"idempotency-key": str(n)})
            for n in range(4)
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[403] * 11]
    refused = {answer.json()["detail"].partition(":")[0] for answer in answers if answer.status_code == 403}
    assert refused == {"The request was sent before"}
    history = (await cast.olive.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"]
    assert [each["body"] for each in history].count("once") == 1


async def test_what_was_refused_for_another_reason_may_be_sent_again(cast: Cast, make_hook: Make) -> None:
    """It was not done, so it was not used up."""
    made = await make_hook(cast.olive, cast.chess, signed=True)
    poster = Poster(cast, made)
    body, stamp = b'{"text": "x", "severity": "y"}', str(int(time.time()))
    headers = {
        "content-type": "application/json",
        signing.TIMESTAMP: stamp,
        signing.SIGNATURE: signing.sign(poster.key, stamp, body),
    }
    answers = [await poster.client.post(poster.url, content=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 422]


async def test_a_new_address_has_a_new_key(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess, signed=True)
    renewed = (await cast.olive.api.put(f"/conversations/{cast.chess}/webhooks/{made['id']}/secret")).json()
    old, new = Poster(cast, made), Poster(cast, renewed)
    assert (await new.post("hello")).status_code == 201
    assert (await new.post("hello", key=old.key)).status_code == 403


async def test_the_form_asks_for_signed_posts_unless_one_says_otherwise(cast: Cast) -> None:
    path = f"/conversations/{cast.chess}/webhooks"

    def ticked(page: str) -> bool:
        (box,) = re.findall(r'<input type="checkbox" name="signed"[^>]*>', page)
        return " checked" in box

    assert ticked((await cast.olive.browser.get(path)).text)
    refused = await cast.olive.browser.post(path, data={"name": "x" * 51})
    assert refused.status_code == 422
    assert not ticked(refused.text), "what one chose stays"
