"""Coming back with a cursor: everything that was missed, once, in order, and nothing else."""

import asyncio
import random

import pytest

from tests.conftest import Cast
from tests.streams import Feed, following


def changes(feed: Feed, conversation: int) -> list[int]:
    """The change numbers of the messages that came of one conversation."""
    return [e.json["change"] for e in feed.named("message") if e.json["conversation_id"] == conversation]


async def head(cast: Cast) -> int:
    return int((await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()["change"])


async def test_a_stream_gets_what_changed_after_its_cursor_and_then_what_comes(cast: Cast) -> None:
    start = await head(cast)
    for number in range(5):
        await cast.say(cast.milo, f"missed {number}")
    async with following(cast.server, cast.mina, f"{cast.chess}:{start + 2}") as feed:
        await feed.until(lambda f: len(f.named("message")) == 3)
        await cast.say(cast.milo, "live")
        await feed.until(lambda f: len(f.named("message")) == 4)
        assert changes(feed, cast.chess) == [start + 3, start + 4, start + 5, start + 6]


async def test_twenty_streams_at_random_cursors_during_a_burst_miss_and_repeat_nothing(cast: Cast) -> None:
    start, dice = await head(cast), random.Random(7)
    for number in range(40):
        await cast.say(cast.milo, f"before {number}")
    last = start + 40 + 150

    async def follow(cursor: int, who: int) -> list[int]:
        actor = (cast.milo, cast.mina, cast.olive)[who % 3]
        async with following(cast.server, actor, f"{cast.chess}:{cursor}") as feed:
            await feed.until(lambda f: last in changes(f, cast.chess), seconds=60)
            return changes(feed, cast.chess)

    async def burst() -> None:
        for number in range(0, 150, 10):
            await asyncio.gather(*(cast.say(cast.olive, f"burst {number + n}") for n in range(10)))

    cursors = [dice.randint(start, start + 40) for _ in range(12)]
    results = await asyncio.gather(burst(), *(follow(cursor, n) for n, cursor in enumerate(cursors)))
    for cursor, seen in zip(cursors, results[1:], strict=True):
        assert seen == list(range(cursor + 1, last + 1))


async def test_the_id_that_a_client_heard_last_wins_over_the_address(cast: Cast) -> None:
    start = await head(cast)
    for number in range(3):
        await cast.say(cast.milo, f"number {number}")
    cursor = f"{cast.chess}:{start + 2}"
    async with following(cast.server, cast.mina, f"{cast.chess}:0", last_event_id=cursor) as feed:
        await feed.until(lambda f: bool(f.named("message")))
        assert changes(feed, cast.chess) == [start + 3]


@pytest.mark.parametrize("cursor", [10**15, 999])
async def test_a_cursor_of_another_life_is_answered_by_reset(cast: Cast, cursor: int) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:{cursor}") as feed:
        assert [event.name for event in feed.events] == ["reset"]


async def test_one_cursor_spans_several_conversations_and_each_event_carries_all_of_it(cast: Cast) -> None:
    await cast.say(cast.milo, "in the club")
    await cast.say(cast.milo, "to all", cast.general)
    async with following(cast.server, cast.mina, f"{cast.chess}:0,{cast.general}:0") as feed:
        await feed.until(lambda f: {e.json["body"] for e in f.named("message")} >= {"in the club", "to all"})
        cursor = feed.cursor
    assert {part.split(":")[0] for part in cursor.split(",")} == {str(cast.chess), str(cast.general)}
    await cast.say(cast.milo, "later", cast.general)
    async with following(cast.server, cast.mina, last_event_id=cursor) as feed:
        await feed.until(lambda f: bool(f.named("message")))
        assert [e.json["body"] for e in feed.named("message")] == ["later"]


async def test_a_json_stream_without_a_cursor_follows_everything_also_what_one_is_added_to_later(cast: Cast) -> None:
    async with following(cast.server, cast.oscar) as feed:
        await cast.say(cast.ada, "to all", cast.general)
        await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
        await feed.until(lambda f: any(e.json["event"] == "added" for e in f.named("message")))
        await cast.say(cast.milo, "welcome, Oscar")
        await feed.until(lambda f: any(e.json["body"] == "welcome, Oscar" for e in f.named("message")))
        bodies = [e.json["body"] for e in feed.named("message")]
        assert "to all" in bodies
        assert bodies.count("welcome, Oscar") == 1


async def test_ten_edits_replay_as_one_and_a_deleted_text_never_comes_back(cast: Cast) -> None:
    start = await head(cast)
    edited = await cast.say(cast.milo, "draft 0")
    for number in range(1, 11):
        await cast.milo.api.patch(f"/messages/{edited['id']}", json={"body": f"draft {number}"})
    gone = await cast.say(cast.milo, "a secret")
    await cast.milo.api.delete(f"/messages/{gone['id']}")
    async with following(cast.server, cast.mina, f"{cast.chess}:{start}") as feed:
        await feed.until(lambda f: len(f.named("message")) == 2)
        first, second = [e.json for e in feed.named("message")]
        assert (first["body"], second["body"]) == ("draft 10", "")
        assert second["deleted_at"] is not None
        assert "a secret" not in "".join(e.data for e in feed.events)
