"""When a conversation is read on for notifications: once who looks at it had the time to say that they read it."""

import asyncio
import itertools
import time

from app.notifications.follower import Follower
from app.notifications.hints import LONGEST, PAUSE, Hints
from tests.conftest import Cast
from tests.notifications.conftest import Read

CHESS, GO, HALL = 1, 2, 3
# A page says what is read after a quarter of a second; so long it may take to be heard.
SAID = 0.7


def reads(hints: Hints, came: dict[float, int], until: float) -> list[tuple[float, int]]:
    """When which conversation is read by who looks every hundredth of a second, as what came at these moments came."""
    read, rest = [], dict(came)
    for step in range(round(until * 100) + 1):
        now = step / 100
        for moment in [moment for moment in rest if moment <= now]:
            hints.came(rest.pop(moment), moment)
        read += [(now, conversation) for conversation in hints.take(10, now)]
    return read


def test_what_is_said_elsewhere_shortens_the_pause_of_none() -> None:
    came = {0.0: HALL, 0.9: CHESS, 1.7: HALL, 2.6: GO}
    read = reads(Hints(), came, 5)
    assert [conversation for _moment, conversation in read] == [HALL, CHESS, HALL, GO]
    for (moment, _conversation), said in zip(read, came, strict=True):
        assert SAID <= moment - said <= PAUSE


def test_the_pause_begins_with_the_latest_message() -> None:
    ((moment, _chess),) = reads(Hints(), {0.0: CHESS, 0.7: CHESS, 1.4: CHESS}, 5)
    assert SAID <= moment - 1.4 <= PAUSE


def test_a_conversation_that_is_never_still_is_read_all_the_same() -> None:
    came = {step / 10: CHESS for step in range(round(LONGEST * 25))}
    moments = [moment for moment, _chess in reads(Hints(), came, LONGEST * 2.5)]
    assert len(moments) >= 2
    assert moments[0] <= LONGEST
    assert all(later - earlier <= LONGEST + 0.2 for earlier, later in itertools.pairwise(moments))


def test_in_a_lively_one_the_next_stillness_is_taken() -> None:
    """Nobody is told of what was said a moment ago while there is a better one."""
    came = {step * 0.3: CHESS for step in range(21)}
    ((moment, _chess),) = reads(Hints(), came, 9)
    assert max(came) + 0.3 < moment < max(came) + PAUSE


def test_many_that_are_due_are_read_together_the_longest_due_first() -> None:
    hints = Hints()
    for conversation in range(5):
        hints.came(conversation, 5 - conversation)
    assert hints.take(3, 20) == [4, 3, 2]
    assert hints.take(3, 20) == [1, 0]
    assert len(hints) == 0
    assert hints.soonest() is None


def test_to_be_found_behind_puts_nothing_off_and_what_has_more_is_due_at_once() -> None:
    hints = Hints()
    hints.came(CHESS, 0)
    hints.found([CHESS, GO], 0.5)
    assert hints.take(10, PAUSE) == [CHESS]
    assert hints.take(10, 0.5 + PAUSE) == [GO]
    hints.again([HALL], 2)
    assert hints.take(10, 2) == [HALL]


async def test_what_comes_just_before_something_else_is_read_is_not_told_to_who_has_read_it_by_then(
    cast: Cast, read: Read
) -> None:
    bell, told = cast.server.app.state.bell, dict[int, float]()
    both = asyncio.Event()

    def hear(kind: str, number: int, _about: int) -> None:
        if kind == "b":
            told[number] = time.monotonic()
        if {cast.olive.id, cast.mina.id} <= told.keys():
            both.set()

    where = (await cast.milo.api.put("/direct/mina")).json()["id"]
    await cast.say(cast.milo, "hello", where)
    await read()
    bell.subscribe(hear)
    running = asyncio.create_task(Follower(bell).run())
    try:
        await cast.say(cast.milo, "@olive hello")
        await asyncio.sleep(0.8 * PAUSE)
        said = time.monotonic()
        await cast.say(cast.milo, "psst", where)
        async with asyncio.timeout(30):
            await both.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert told[cast.mina.id] - said >= SAID
