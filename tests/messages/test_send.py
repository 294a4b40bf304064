"""Sending a message."""

import asyncio
from uuid import uuid4

from tests.conftest import Cast
from tests.streams import following


async def test_a_member_sends_and_the_answer_is_the_message(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "  e4 *then*?\n")
    assert sent["body"] == "e4 *then*?"
    assert sent["html"] == "<p>e4 <em>then</em>?</p>"
    assert sent["author"] == {"id": cast.milo.id, "username": "milo", "name": "Milo Member"}
    assert sent["conversation_id"] == cast.chess
    assert sent["status"] == "sent"
    assert sent["created_at"].endswith("Z")


async def test_twenty_posts_with_one_key_at_once_are_one_message_and_twenty_same_answers(cast: Cast) -> None:
    key = str(uuid4())
    posts = [cast.say(cast.milo, "once only", key=key) for _ in range(20)]
    answers = await asyncio.gather(*posts)
    assert all(answer == answers[0] for answer in answers)
    history = (await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"]
    assert [m["body"] for m in history].count("once only") == 1


async def test_the_same_key_with_another_text_is_a_conflict(cast: Cast) -> None:
    key = str(uuid4())
    await cast.say(cast.milo, "first", key=key)
    answer = await cast.milo.api.post(f"/conversations/{cast.chess}/messages", json={"body": "second", "key": key})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_send_is_seen_live_by_everyone_in_the_conversation(cast: Cast) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0") as feed:
        sent = await cast.say(cast.milo, "are you there?")
        await feed.until(lambda f: any(e.json["id"] == sent["id"] for e in f.named("message")))
        assert feed.cursor == f"{cast.chess}:{sent['change']}"
