"""A key makes a send safe to repeat."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from app.core import database
from tests.conftest import NO_TLS, Actor, Cast
from tests.conversations.story import assert_whole, history
from tests.processes import second_server


async def post(who: Actor, conversation: int, body: str, key: str, **more: Any) -> httpx.Response:
    data = {"body": body, "key": key, **more}
    return await who.api.post(f"/conversations/{conversation}/messages", json=data)


async def test_the_same_key_again_is_the_same_message(cast: Cast) -> None:
    key = str(uuid4())
    first = await post(cast.milo, cast.chess, "once", key)
    again = await post(cast.milo, cast.chess, "  once\r\n", key.upper())
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    await assert_whole(cast.chess)


async def test_the_same_key_with_another_text_or_place_or_reply_is_a_conflict(cast: Cast) -> None:
    key, first = str(uuid4()), await cast.say(cast.olive, "hello")
    await post(cast.milo, cast.chess, "once", key)
    await cast.milo.api.get("/conversations/general")
    conflicts = [
        await post(cast.milo, cast.chess, "twice", key),
        await post(cast.milo, cast.general, "once", key),
        await post(cast.milo, cast.chess, "once", key, reply_to=first["id"]),
    ]
    assert [answer.status_code for answer in conflicts] == [409] * 3
    assert await database.fetch_value("SELECT count(*) FROM message WHERE kind = 'text'") == 2


async def test_a_key_used_in_a_group_that_one_has_left_is_a_conflict_elsewhere_and_nothing_there(cast: Cast) -> None:
    key = str(uuid4())
    await post(cast.milo, cast.chess, "once", key)
    await cast.milo.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    await cast.milo.api.get("/conversations/general")
    assert (await post(cast.milo, cast.chess, "once", key)).status_code == 404
    assert (await post(cast.milo, cast.general, "once", key)).status_code == 409


async def test_another_persons_same_key_is_their_own(cast: Cast) -> None:
    key = str(uuid4())
    mine, theirs = await post(cast.milo, cast.chess, "mine", key), await post(cast.mina, cast.chess, "theirs", key)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_the_key_of_an_edited_or_deleted_message_answers_the_message_as_it_is(cast: Cast) -> None:
    key = str(uuid4())
    sent = (await post(cast.milo, cast.chess, "once", key)).json()
    edited = (await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": "better"})).json()
    assert (await post(cast.milo, cast.chess, "once", key)).json() == edited
    deleted = (await cast.milo.api.delete(f"/messages/{sent['id']}")).json()
    again = await post(cast.milo, cast.chess, "once", key)
    assert (again.status_code, again.json()) == (201, deleted)
    assert len([m for m in await history(cast.milo, cast.chess) if m["kind"] == "text"]) == 1


async def test_without_a_key_each_send_is_a_message(cast: Cast) -> None:
    for _ in range(2):
        assert (await post(cast.milo, cast.chess, "same", "")).status_code == 201
    assert len([m for m in await history(cast.milo, cast.chess) if m["body"] == "same"]) == 2


async def test_what_is_no_uuid_is_no_key(cast: Cast) -> None:
    for key in ("x", "7", "0" * 33, "é" * 32, "00000000-0000-0000-0000-00000000000g", "\0"):
        answer = await post(cast.milo, cast.chess, "hello", key)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["key"]), key


async def test_a_form_sent_twice_is_one_message(cast: Cast) -> None:
    page = (await cast.milo.browser.get(f"/conversations/{cast.chess}")).text
    key = page.split('name="key" value="')[1].split('"')[0]
    for _ in range(2):
        answer = await cast.milo.browser.post(
            f"/conversations/{cast.chess}/messages", data={"body": "double click", "key": key}
        )
        assert answer.status_code == 303
    assert len([m for m in await history(cast.milo, cast.chess) if m["body"] == "double click"]) == 1


async def test_many_keys_many_times_at_once_are_one_message_each(cast: Cast) -> None:
    keys = [str(uuid4()) for _ in range(8)]
    posts = [post(cast.milo, cast.chess, f"body {keys.index(key)}", key) for key in keys * 6]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 8
    await assert_whole(cast.chess)


async def test_the_same_key_through_two_servers_at_once_is_one_message(cast: Cast) -> None:
    async with (
        second_server(cast.server.settings) as second,
        httpx.AsyncClient(base_url=second.url, timeout=20, verify=NO_TLS) as other,
    ):
        other.headers.update(cast.milo.api.headers)
        for n in range(10):
            data = {"body": f"once {n}", "key": str(uuid4())}
            posts = [
                client.post(f"/conversations/{cast.chess}/messages", json=data) for client in (cast.milo.api, other) * 4
            ]
            answers = await asyncio.gather(*posts)
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.text for answer in answers}) == 1
    await assert_whole(cast.chess)
    assert len([m for m in await history(cast.milo, cast.chess) if m["kind"] == "text"]) == 10
