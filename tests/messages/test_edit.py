"""Editing one's own message."""

import asyncio

from app.core import database
from tests.conftest import Cast
from tests.conversations.story import assert_whole
from tests.streams import following


async def test_the_author_edits_and_the_place_stays(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "e4")
    answer = await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": "  d4 **then**\r\n"})
    assert answer.status_code == 200
    edited = answer.json()
    assert edited == sent | {
        "body": "d4 **then**",
        "html": "<p>d4 <strong>then</strong></p>",
        "change": sent["change"] + 1,
        "edited_at": edited["edited_at"],
    }
    assert edited["edited_at"].endswith("Z")


async def test_the_same_text_changes_nothing(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "e4")
    answer = await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": " e4\n"})
    assert (answer.status_code, answer.json()) == (200, sent)
    await assert_whole(cast.chess)


async def test_others_may_not_and_outsiders_do_not_know_the_message(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "e4")
    for who, status in ((cast.mina, 403), (cast.olive, 403), (cast.oscar, 404), (cast.remy, 404), (cast.ada, 404)):
        answer = await who.api.patch(f"/messages/{sent['id']}", json={"body": "no"})
        assert answer.status_code == status, who.name
        assert (await who.browser.get(f"/messages/{sent['id']}/edit")).status_code == status
    assert (await cast.milo.api.get(f"/messages/{sent['id']}")).json() == sent


async def test_a_deleted_message_cannot_be_edited(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "e4")
    await cast.milo.api.delete(f"/messages/{sent['id']}")
    assert (await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": "d4"})).status_code == 404
    assert (await cast.milo.browser.get(f"/messages/{sent['id']}/edit")).status_code == 404


async def test_an_edit_has_the_limits_of_a_message(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "e4")
    for body in ("", "  ", "\u200b", "x" * 2001, "a\0b"):
        answer = await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": body})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["body"]), repr(body)
    assert (await cast.milo.api.get(f"/messages/{sent['id']}")).json() == sent


async def test_ten_edits_replay_as_one(cast: Cast) -> None:
    before = await cast.say(cast.olive, "before")
    sent = await cast.say(cast.milo, "0")
    for n in range(1, 11):
        await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": f"{n}"})
    url = f"/conversations/{cast.chess}/messages"
    page = (await cast.mina.api.get(url, params={"after": before["change"]})).json()
    assert [(m["id"], m["body"], m["change"]) for m in page["messages"]] == [(sent["id"], "10", sent["change"] + 10)]
    async with following(cast.server, cast.mina, f"{cast.chess}:{before['change']}") as feed:
        await feed.until(lambda f: len(f.named("message")) > 0)
        last = await cast.say(cast.olive, "after")
        await feed.until(lambda f: f.named("message")[-1].json["id"] == last["id"])
        assert [e.json["body"] for e in feed.named("message")] == ["10", "after"]


async def test_edits_at_once_leave_one_of_the_texts(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "0")
    edits = [cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": f"{n}"}) for n in range(1, 11)]
    assert {answer.status_code for answer in await asyncio.gather(*edits)} == {200}
    assert (await cast.milo.api.get(f"/messages/{sent['id']}")).json()["body"] in {f"{n}" for n in range(1, 11)}
    await assert_whole(cast.chess)


async def test_an_edit_changes_neither_place_nor_time_nor_reply(cast: Cast) -> None:
    first = await cast.say(cast.olive, "question?")
    sent = await cast.say(cast.milo, "answer", reply_to=first["id"])
    row = "SELECT position, created_at, reply_to, author, key FROM message WHERE id = $1"
    before = await database.fetch_row(row, sent["id"])
    await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": "better answer"})
    assert await database.fetch_row(row, sent["id"]) == before


async def test_a_plain_form_edits_and_leads_back_to_the_message(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "e4 & <e5>")
    page = await cast.milo.browser.get(f"/messages/{sent['id']}/edit")
    assert "\ne4 &amp; &lt;e5&gt;</textarea>" in page.text
    answer = await cast.milo.browser.post(f"/messages/{sent['id']}?_method=patch", data={"body": "d4"})
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"#message-{sent['id']}")
    shown = await cast.milo.browser.get(answer.headers["location"])
    assert "d4</p>" in shown.text
    assert "&lt;e5&gt;" not in shown.text


async def test_a_refused_form_keeps_what_was_typed(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "e4")
    typed = "y" * 2001
    for headers in ({}, {"hx-request": "true"}):
        answer = await cast.milo.browser.post(
            f"/messages/{sent['id']}?_method=patch", data={"body": typed}, headers=headers
        )
        assert answer.status_code == 422
        assert typed in answer.text
