"""Cursors: what they look like, and what is answered to one that is of no use."""

import pytest

from app.core import database
from app.core.errors import BadRequest
from app.live import cursor
from tests.conftest import Cast
from tests.conversations.story import make_group
from tests.streams import following

MALFORMED = ["x", "7", "7:", ":7", "7:x", "7:1,", ",7:1", "7:1,,8:1", "7:-1", "-7:1", "7:1;8:1", "7:1.5", "٧:١", "²:1"]
MALFORMED += ["7:" + "9" * 19, "9" * 19 + ":7", "7:1\n8:1", "7:1 8:1", "0x7:1", "7: 1", "\ud83d", "7:1" * 1000]


def test_a_cursor_is_read_as_it_is_written() -> None:
    for seen in ({}, {7: 353}, {7: 353, 8: 14}, {10**17: 10**17}):
        assert cursor.parse(cursor.write(seen)) == seen
    assert cursor.parse("7:353, 8:14") == {7: 353, 8: 14}


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        cursor.parse(text)


async def test_a_malformed_cursor_is_answered_at_once_by_400_and_never_by_a_fault(cast: Cast) -> None:
    for text in (each for each in MALFORMED if each.isascii() and "\n" not in each):
        async with following(cast.server, cast.milo, text) as feed:
            assert feed.response.status_code == 400, text
        async with following(cast.server, cast.milo, last_event_id=text) as feed:
            assert feed.response.status_code == 400, text


async def test_whoever_is_in_very_many_conversations_can_come_back_with_the_cursor_that_they_were_given(
    cast: Cast,
) -> None:
    await database.fetch(
        """
        WITH made AS (INSERT INTO conversation (kind, title, owner) SELECT 'group', 'Room ' || n, $1
                      FROM generate_series(1, 1200) n RETURNING id)
        INSERT INTO membership (conversation, person) SELECT id, $1 FROM made
        """,
        cast.milo.id,
    )
    async with following(cast.server, cast.milo) as feed:
        await cast.say(cast.olive, "one")
        await feed.until(lambda f: bool(f.named("message")))
    async with following(cast.server, cast.milo, last_event_id=feed.cursor) as again:
        assert again.response.status_code == 200
        sent = await cast.say(cast.olive, "two")
        await again.until(lambda f: bool(f.named("message")))
        assert again.named("message")[0].json["id"] == sent["id"]


async def test_a_cursor_that_is_too_far_behind_is_told_to_load_anew(cast: Cast) -> None:
    await database.fetch("UPDATE conversation SET change = change + 1001 WHERE id = $1", cast.chess)
    head = await database.fetch_value("SELECT change FROM conversation WHERE id = $1", cast.chess)
    for after in (0, 1, head + 1, 10**17):
        for json in (True, False):
            async with following(cast.server, cast.milo, f"{cast.chess}:{after}", json=json) as feed:
                assert [event.name for event in feed.events] == ["reset"], after
    async with following(cast.server, cast.milo, f"{cast.chess}:{head}") as feed:
        assert not feed.named("reset")


async def test_one_useless_part_makes_the_whole_cursor_useless(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo)
    async with following(cast.server, cast.milo, f"{group}:0,{cast.chess}:{10**12}") as feed:
        assert [event.name for event in feed.events] == ["reset"]
    async with following(cast.server, cast.milo, f"{group}:0,{10**9}:0") as feed:
        assert feed.response.status_code == 404


async def test_an_empty_cursor_of_a_program_is_the_state_alone(cast: Cast) -> None:
    async with following(cast.server, cast.milo, "") as feed:
        sent = await cast.say(cast.olive, "hello")
        await feed.until(lambda f: any(e.json["change"] == sent["change"] for e in f.named("conversation")))
        assert not feed.named("message")
