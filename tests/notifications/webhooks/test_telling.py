"""To other programs: what happens is told once, signed, by the right of whoever subscribed."""

import asyncio
import hashlib
import hmac
import time

import pytest

from app.core import database
from app.notifications.webhooks import following
from app.notifications.webhooks.sending import Sender
from tests.conftest import Cast, Server
from tests.notifications.webhooks.conftest import log_of, subscribe, texts, told, work
from tests.receivers import Receiver, receiving

ALL = ("message.sent", "message.edited", "message.deleted", "member.joined", "member.left")


async def test_a_message_is_told_with_a_signature_of_its_time_and_body(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    sent = await cast.say(cast.milo, "e4")
    assert await work(sender) == 1
    (call,) = receiver.calls
    body = told(call)
    assert (body["event"], body["message"]["id"], body["message"]["body"]) == ("message.sent", sent["id"], "e4")
    assert body["conversation"] == {"id": cast.chess, "kind": "group", "title": "Chess club"}
    assert body["message"]["author"]["username"] == "milo"
    headers = call.headers
    assert headers["x-causerie-event"] == "message.sent"
    assert headers["x-causerie-delivery"] == body["delivery"]
    assert abs(time.time() - int(headers["x-causerie-timestamp"])) < 30
    signed = headers["x-causerie-timestamp"].encode() + b"." + call.body
    right = hmac.new(made["secret"].encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-causerie-signature"] == f"v1={right}"
    (delivery,) = await log_of(cast.olive, made)
    assert (delivery["state"], delivery["status"], delivery["tries"]) == ("delivered", 200, 1)
    assert await work(sender) == 0, "and only once"


async def test_each_event_is_told_to_those_who_chose_it(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    await subscribe(cast.olive, cast.chess, receiver, *ALL)
    async with receiving() as other:
        await subscribe(cast.olive, cast.chess, other, "member.left", "message.edited")
        first = await cast.say(cast.milo, "e4")
        second = await cast.say(cast.milo, "oops")
        await work(sender)
        await cast.milo.api.patch(f"/messages/{first['id']}", json={"body": "d4"})
        await cast.milo.api.delete(f"/messages/{second['id']}")
        await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
        await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.oscar.id}")
        await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": "Go"})
        await work(sender)
        assert [event for event, _text in texts(receiver)] == [
            "message.sent",
            "message.sent",
            "message.edited",
            "message.deleted",
            "member.joined",
            "member.left",
        ]
        assert [event for event, _text in texts(other)] == ["message.edited", "member.left"]
        members = [told(call)["member"]["username"] for call in receiver.calls if "member" in told(call)]
        assert members == ["oscar", "oscar"]


async def test_what_was_before_is_not_told(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    old = await cast.say(cast.milo, "before")
    await subscribe(cast.olive, cast.chess, receiver)
    await cast.milo.api.patch(f"/messages/{old['id']}", json={"body": "still before"})
    await cast.say(cast.milo, "after")
    await work(sender)
    assert texts(receiver) == [("message.sent", "after")]


async def test_what_was_edited_before_it_was_told_is_told_as_sent_with_the_new_text(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    await subscribe(cast.olive, cast.chess, receiver, "message.sent", "message.edited")
    async with receiving() as other:
        await subscribe(cast.olive, cast.chess, other, "message.edited")
        sent = await cast.say(cast.milo, "e4")
        await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": "d4"})
        await work(sender)
        assert texts(receiver) == [("message.sent", "d4")]
        assert texts(other) == [("message.edited", "d4")], "who hears of edits alone hears of it"


async def test_a_deleted_text_is_not_told_even_if_it_was_there_when_the_delivery_was_written(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver, "message.sent", "message.deleted")
    sent = await cast.say(cast.milo, "a secret")
    assert await following.follow() == (1, False)
    await cast.milo.api.delete(f"/messages/{sent['id']}")
    await work(sender)
    assert sorted(texts(receiver)) == [("message.deleted", ""), ("message.sent", "")]
    assert all(told(call)["message"]["deleted_at"] for call in receiver.calls)
    assert all(b"secret" not in call.body for call in receiver.calls)
    again = await log_of(cast.olive, made)
    await cast.olive.api.post(f"/subscriptions/{made['id']}/deliveries/{again[0]['id']}")
    await work(sender)
    assert len(receiver.calls) == 3
    assert b"secret" not in receiver.calls[-1].body


async def test_a_long_absence_of_the_worker_loses_and_doubles_nothing(
    cast: Cast, receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read in stretches of three, while the first message is edited: its change is then the last."""
    monkeypatch.setattr(following, "FOLLOW", following.FOLLOW.replace(str(following.CHANGES), "3"))
    await subscribe(cast.olive, cast.chess, receiver, "message.sent", "message.edited", "message.deleted")
    sent = [await cast.say(cast.milo, f"m{number}") for number in range(8)]
    assert (await following.follow()) == (3, True)
    await cast.milo.api.patch(f"/messages/{sent[0]['id']}", json={"body": "told before"})
    await cast.milo.api.patch(f"/messages/{sent[4]['id']}", json={"body": "not told before"})
    await cast.milo.api.delete(f"/messages/{sent[5]['id']}")
    await work(sender)
    assert sorted(texts(receiver)) == sorted(
        [
            *(("message.sent", f"m{number}") for number in (1, 2, 3, 6, 7)),
            ("message.sent", "told before"),
            ("message.edited", "told before"),
            ("message.sent", "not told before"),
            ("message.deleted", ""),
        ]
    )


async def test_two_workers_tell_nothing_twice(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    await subscribe(cast.olive, cast.chess, receiver)
    for number in range(30):
        await cast.say(cast.milo, f"m{number}")
    found = await asyncio.gather(*(following.follow() for _ in range(6)))
    assert sum(told for told, _more in found) == 30
    other = Sender(sender.settings, sender.calling)
    while sum(await asyncio.gather(sender.begin(), other.begin())):
        await asyncio.gather(sender.finish(), other.finish())
    assert len(receiver.calls) == 30
    assert len({call.headers["x-causerie-delivery"] for call in receiver.calls}) == 30


async def test_one_statement_asks_for_all_subscriptions(
    cast: Cast, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    really, mine = database.fetch, asyncio.current_task()

    async def counting(sql: str, *args: object) -> list[database.Row]:
        if asyncio.current_task() is mine:  # what goes on beside it, such as the sign of life, is not meant
            asked.append(sql)
        return await really(sql, *args)

    for number in range(1, 6):
        await subscribe(cast.olive, cast.chess, receiver)
        await cast.say(cast.milo, "e4")
        with monkeypatch.context() as patched:
            patched.setattr(database, "fetch", counting)
            assert (await following.follow())[0] == number
        assert len(asked) == number


async def test_whoever_lost_the_right_hands_nothing_out_any_more(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "written before")
    await following.follow()
    await cast.olive.api.put(f"/conversations/{cast.chess}/owner", json={"username": "milo"})
    await cast.say(cast.milo, "and after")
    await work(sender)
    assert receiver.calls == []
    shown = (await cast.milo.api.get(f"/subscriptions/{made['id']}")).json()
    assert shown["disabled_reason"] == "right"
    assert {each["state"] for each in shown["deliveries"]} == {"dropped"}
    assert (await cast.olive.api.get(f"/subscriptions/{made['id']}")).status_code == 403
    answer = await cast.milo.api.put(f"/subscriptions/{made['id']}/enabled")
    assert (answer.json()["disabled_at"], answer.json()["owner"]["username"]) == (None, "milo")
    await cast.say(cast.milo, "by the new owner's right")
    await work(sender)
    assert texts(receiver) == [("message.sent", "by the new owner's right")]


async def test_a_deleted_group_is_told_of_no_more(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    await following.follow()
    await cast.olive.api.delete(f"/conversations/{cast.chess}")
    await work(sender)
    assert receiver.calls == []


async def test_the_instance_tells_of_what_everyone_is_in_and_nothing_else(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    await subscribe(cast.ada, None, receiver)
    await cast.say(cast.ada, "hello", cast.general)
    await cast.ada.api.post("/broadcasts", json={"body": "school is out"})
    await cast.say(cast.milo, "a secret move")
    direct = (await cast.ada.api.put("/direct/milo", json={})).json()["id"]
    await cast.say(cast.ada, "just for you", direct)
    await work(sender)
    assert sorted(text for _event, text in texts(receiver)) == ["hello", "school is out"]
    await database.fetch("UPDATE person SET role = 'teacher' WHERE id = $1", cast.ada.id)
    await cast.say(cast.milo, "and now?", cast.general)
    await work(sender)
    assert len(receiver.calls) == 2, "she is no administrator any more"


async def test_private_addresses_are_refused_when_they_are_given_and_when_they_are_called(
    cast: Cast, receiver: Receiver, sender: Sender, server: Server
) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    refused = await cast.olive.api.post(
        f"/conversations/{cast.chess}/subscriptions", json={"url": "http://10.0.0.1/", "events": ["message.sent"]}
    )
    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["url"]
    await database.fetch("UPDATE subscription SET url = 'http://169.254.169.254/latest' WHERE id = $1", made["id"])
    await cast.say(cast.milo, "e4")
    await work(sender)
    (delivery,) = await log_of(cast.olive, made)
    assert (delivery["state"], delivery["problem"], delivery["status"]) == ("waiting", "address", None)


async def test_what_is_wrong_with_a_subscription_is_said_of_each_field(cast: Cast) -> None:
    where = f"/conversations/{cast.chess}/subscriptions"
    for body, fields in (
        ({}, {"url", "events"}),
        ({"url": "https://example.org/", "events": []}, {"events"}),
        ({"url": "https://example.org/", "events": ["message.sent", "everything"]}, {"events"}),
        ({"url": "https://user:pw@example.org/", "events": ["message.sent"]}, {"url"}),
        ({"url": "https://example.org/\0", "events": ["message.sent"]}, {"url"}),
    ):
        answer = await cast.olive.api.post(where, json=body)
        assert answer.status_code == 422, body
        assert set(answer.json()["errors"]) == fields
    page = await cast.olive.browser.post(where, data={"url": "ftp://x", "events": ["member.left", "message.edited"]})
    assert page.status_code == 422
    assert 'value="ftp://x"' in page.text
    assert page.text.count(" checked") == 2, "what was chosen stays chosen"


async def test_a_direct_conversation_has_no_webhooks(cast: Cast, receiver: Receiver) -> None:
    direct = (await cast.olive.api.put("/direct/milo", json={})).json()["id"]
    for path in ("webhooks", "subscriptions"):
        answer = await cast.olive.api.post(f"/conversations/{direct}/{path}", json={"name": "x", "url": receiver.url})
        assert answer.status_code == 403
