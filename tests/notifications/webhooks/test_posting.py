"""From other programs: what they post stands in the conversation, and what is wrong with it is said."""

from typing import Any

import httpx
import pytest

from app.core import database
from app.core.limits import Limit
from app.core.settings import Settings
from app.notifications.webhooks import admission, incoming
from tests.conftest import Cast, Server, statements_of
from tests.processes import second_server

Make = Any


async def said(cast: Cast, where: int | None = None) -> list[dict[str, Any]]:
    answer = await cast.olive.api.get(f"/conversations/{where or cast.chess}/messages")
    return [message for message in answer.json()["messages"] if message["kind"] == "text"]


def program(server: Server) -> httpx.AsyncClient:
    """Somebody's program: no account, no cookies, no idea of what it gets."""
    return server.client()


async def test_what_is_posted_is_written_by_a_bot_of_that_name(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    assert made["url"].startswith(f"{cast.server.url}/hooks/{made['id']}/")
    body = {
        "title": "Absence",
        "text": "Your child was absent at 8:00.",
        "link": "https://school.example/absences/7",
        "severity": "warning",
    }
    answer = await program(cast.server).post(made["url"], json=body)
    assert answer.status_code == 201
    (message,) = await said(cast)
    assert answer.json() == {"message_id": message["id"], "conversation_id": cast.chess, "status": "sent"}
    assert message["author"]["name"] == "Absences"
    assert message["author"]["bot"] is True
    assert message["body"] == (
        "**⚠️ Warning: Absence**\nYour child was absent at 8:00.\nhttps://school.example/absences/7"
    )
    assert "<strong>⚠️ Warning: Absence</strong>" in message["html"]
    assert '<a href="https://school.example/absences/7"' in message["html"]


async def test_the_bot_is_a_member_for_all_to_see_and_leaves_with_its_webhook(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    members = (await cast.milo.api.get(f"/conversations/{cast.chess}/members")).json()["people"]
    assert [each["name"] for each in members if each.get("bot")] == ["Absences"]
    await program(cast.server).post(made["url"], json={"text": "hello"})
    gone = await cast.olive.api.delete(f"/conversations/{cast.chess}/webhooks/{made['id']}")
    assert gone.status_code == 204
    assert (await program(cast.server).post(made["url"], json={"text": "again"})).status_code == 404
    members = (await cast.milo.api.get(f"/conversations/{cast.chess}/members")).json()["people"]
    assert not any(each.get("bot") for each in members)
    history = (await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"]
    assert [each["body"] for each in history[-3:]] == ["Olive Owner added Absences.", "hello", "Absences left."]


async def test_a_form_is_taken_like_json(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    answer = await program(cast.server).post(made["url"], data={"title": "Fire drill", "severity": "critical"})
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert [message["body"] for message in await said(cast)] == ["**🛑 Critical: Fire drill**"]


async def test_what_is_wrong_is_said_of_each_field(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    for body, fields in (
        ({}, {"title"}),
        ({"title": " \u200b ", "text": "\n"}, {"title"}),
        ({"text": "x", "severity": "fatal"}, {"severity"}),
        ({"text": "x", "link": "javascript:alert(1)"}, {"link"}),
        ({"text": "x", "link": "https://"}, {"link"}),
        ({"text": "x", "link": "https://[x"}, {"link"}),
        ({"text": "x", "link": "https://x/a b"}, {"link"}),
        ({"title": "x" * 201, "severity": "y"}, {"title", "severity"}),
        ({"text": "x" * 2001}, {"text"}),
        ({"text": "a\0b"}, {"text"}),
        ({"text": "x", "key": "k" * 201}, {"key"}),
        ({"text": "x", "to": {"person": "mina"}}, {"to"}),
        ({"text": 7}, {"text"}),
        ({"text": ["x"]}, {"text"}),
        ({"text": "x", "to": {"planet": "mars"}}, None),
    ):
        answer = await program(cast.server).post(made["url"], json=body)
        assert answer.status_code in (400, 422), (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        if fields is not None and answer.status_code == 422:
            assert set(answer.json()["errors"]) == fields, body
    form = await program(cast.server).post(made["url"], data={"severity": "x"})
    assert (form.status_code, form.headers["content-type"]) == (422, "application/problem+json")
    assert await said(cast) == []


async def test_what_is_too_large_is_refused_with_the_reason(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    answer = await program(cast.server).post(made["url"], json={"text": "x" * 70_000})
    assert answer.status_code == 413
    assert "64 KB" in answer.json()["detail"]


async def test_a_wrong_secret_is_as_if_there_were_nothing(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    other = await make_hook(cast.olive, cast.chess, "Other")
    secret = made["url"].rpartition("/")[2]
    for path in (
        f"/hooks/{made['id']}/x",
        f"/hooks/{other['id']}/{secret}",
        f"/hooks/{made['id']}/{secret[:-1]}",
        f"/hooks/999999/{secret}",
        f"/hooks/{2**70}/{secret}",
    ):
        answer = await program(cast.server).post(path, json={"text": "x"})
        assert answer.status_code in (400, 404), path
    assert await said(cast) == []
    stored = await database.fetch("SELECT secret_hash FROM webhook")
    assert all(secret.encode() not in bytes(row["secret_hash"]) for row in stored)


async def test_a_new_address_ends_the_one_before(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    path = f"/conversations/{cast.chess}/webhooks/{made['id']}/secret"
    renewed = (await cast.olive.api.put(path)).json()
    assert (await program(cast.server).post(made["url"], json={"text": "old"})).status_code == 404
    assert (await program(cast.server).post(renewed["url"], json={"text": "new"})).status_code == 201
    page = await cast.olive.browser.get(f"/conversations/{cast.chess}/webhooks")
    assert "Absences" in page.text
    assert renewed["url"] not in page.text


async def test_the_same_key_is_the_same_message(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    other = await make_hook(cast.olive, cast.chess, "Other")
    poster = program(cast.server)
    first = await poster.post(made["url"], json={"text": "once", "key": "absence-7"})
    again = await poster.post(made["url"], json={"text": "once"}, headers={"idempotency-key": "absence-7"})
    assert first.json() == again.json()
    assert (await poster.post(made["url"], json={"text": "twice", "key": "absence-7"})).status_code == 409
    assert (await poster.post(other["url"], json={"text": "once", "key": "absence-7"})).status_code == 201
    assert [message["body"] for message in await said(cast)] == ["once", "once"]


async def test_no_cookie_and_no_site_matters_to_it(cast: Cast, make_hook: Make) -> None:
    """Also a page of another site may post, whoever is signed in in that browser: the secret is all."""
    made = await make_hook(cast.olive, cast.chess)
    for headers in (
        {"origin": "https://elsewhere.example"},
        {"sec-fetch-site": "cross-site", "origin": "null"},
        {"cookie": f"access={cast.milo.access}; refresh={cast.milo.refresh}", "sec-fetch-site": "cross-site"},
        {"authorization": "Bearer nonsense"},
    ):
        answer = await cast.server.client(**headers).post(made["url"], data={"text": "hello"})
        assert answer.status_code == 201, headers
        assert "set-cookie" not in answer.headers
    assert {message["author"]["name"] for message in await said(cast)} == {"Absences"}
    # And only there: everywhere else another site is refused as ever.
    refused = await cast.server.client(**{"sec-fetch-site": "cross-site"}).post(
        f"/conversations/{cast.chess}/messages", data={"body": "x"}
    )
    assert refused.status_code == 403


async def test_the_secret_is_in_no_log(cast: Cast, make_hook: Make, settings: Settings) -> None:
    made = await make_hook(cast.olive, cast.chess)
    path = made["url"].removeprefix(cast.server.url)
    secret = path.rpartition("/")[2]
    async with second_server(settings, LOG_LEVEL="info") as server:
        poster = cast.server.client()
        url = server.url + path
        for answer, status in (
            (await poster.post(url, json={"text": "x"}), 201),
            (await poster.post(url + "/", json={}), 422),
            (await poster.post(url, content=b"x" * 70_000), 413),
            (await poster.post(url, content=b"x", headers={"content-type": "text/plain"}), 415),
            (await poster.get(url), 405),
            (await poster.post(url.replace(f"/{made['id']}/", "/999999/"), json={"text": "x"}), 404),
        ):
            assert answer.status_code == status
        await poster.get(server.url + "/info")
        await server.output.until("/info")
        assert server.output.text.count("/hooks/") == 6
        assert secret not in server.output.text


async def test_a_bot_that_was_taken_out_says_so(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.olive, cast.chess)
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{made['bot']['id']}")
    answer = await program(cast.server).post(made["url"], json={"text": "hello"})
    assert answer.status_code == 403
    assert "is no longer in the conversation" in answer.json()["detail"]


async def test_posts_come_at_a_pace(cast: Cast, make_hook: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await make_hook(cast.olive, cast.chess)
    other = await make_hook(cast.olive, cast.chess, "Other")
    monkeypatch.setattr(admission, "PACE", Limit("webhook", 2, 60))
    object.__setattr__(cast.server.settings, "rate_limits", True)
    try:
        poster = program(cast.server)
        answers = [await poster.post(made["url"], json={"text": "x"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert 1 <= int(answers[2].headers["retry-after"]) <= 60
        assert (await poster.post(other["url"], json={"text": "x"})).status_code == 201, "each its own"
    finally:
        object.__setattr__(cast.server.settings, "rate_limits", False)


async def test_the_general_room_is_posted_to_by_administrators_webhooks(cast: Cast, make_hook: Make) -> None:
    made = await make_hook(cast.ada, cast.general, "Canteen")
    assert (await program(cast.server).post(made["url"], json={"text": "Soup today"})).status_code == 201
    assert [message["body"] for message in await said(cast, cast.general)] == ["Soup today"]
    refused = await cast.olive.api.post(f"/conversations/{cast.general}/webhooks", json={"name": "x"})
    assert refused.status_code == 403
    told = (await cast.ada.api.get("/conversations/announcements")).json()["id"]
    assert (await cast.ada.api.post(f"/conversations/{told}/webhooks", json={"name": "x"})).status_code == 403
    gone = await cast.ada.api.delete(f"/conversations/{cast.general}/webhooks/{made['id']}")
    assert gone.status_code == 204
    members = (await cast.ada.api.get(f"/conversations/{cast.general}/members")).json()["people"]
    assert not any(each.get("bot") for each in members)


async def test_the_page_costs_the_same_however_many_there_are(cast: Cast, make_hook: Make) -> None:
    path = f"/conversations/{cast.chess}/webhooks"
    told = {"url": "https://example.org/", "events": ["message.sent"]}
    await make_hook(cast.olive, cast.chess)
    await cast.olive.browser.get(path)
    few = await statements_of(cast.olive.browser.get(path))
    for number in range(3):
        await make_hook(cast.olive, cast.chess, f"Hook {number}")
        await cast.olive.api.post(f"/conversations/{cast.chess}/subscriptions", json=told)
    assert await statements_of(cast.olive.browser.get(path)) == few


async def test_there_is_an_end_to_how_many_there_are(cast: Cast, make_hook: Make) -> None:
    for number in range(incoming.MOST):
        await make_hook(cast.olive, cast.chess, f"Hook {number}")
    for client in (cast.olive.api, cast.olive.browser):
        refused = await client.post(f"/conversations/{cast.chess}/webhooks", data={"name": "One more"})
        assert refused.status_code == 409
        assert "One more" in refused.text or client is cast.olive.api
    bots = await database.fetch_value("SELECT count(*) FROM person WHERE bot")
    assert bots == incoming.MOST, "and no bot is left over"


async def test_without_scripts_a_webhook_is_made_and_its_address_shown_once(cast: Cast) -> None:
    path = f"/conversations/{cast.chess}/webhooks"
    made = await cast.olive.browser.post(path, data={"name": "Absences", "signed": "true"})
    assert made.status_code == 201
    assert f"{cast.server.url}/hooks/" in made.text
    assert "whsec_" in made.text
    assert made.headers["cache-control"] == "no-store"
    refused = await cast.olive.browser.post(path, data={"name": "x" * 51, "signed": "true"})
    assert refused.status_code == 422
    assert "x" * 51 in refused.text
    number = await database.fetch_value("SELECT id FROM webhook")
    gone = await cast.olive.browser.post(f"{path}/{number}?_method=delete")
    assert (gone.status_code, gone.headers["location"]) == (303, path)
