"""Read marks: how far each has read."""

import asyncio

from tests.conftest import Actor, Cast
from tests.conversations.story import direct


async def mark(who: Actor, conversation: int, position: object) -> int:
    return (await who.api.put(f"/conversations/{conversation}/read", json={"position": position})).status_code


async def read_position(who: Actor, conversation: int) -> int:
    return int((await who.api.get(f"/conversations/{conversation}")).json()["read_position"])


async def test_a_mark_moves_forward_and_never_back(cast: Cast) -> None:
    for n in range(6):
        await cast.say(cast.olive, f"{n}")
    start = await read_position(cast.milo, cast.chess)
    assert await mark(cast.milo, cast.chess, start + 3) == 204
    assert await read_position(cast.milo, cast.chess) == start + 3
    for back in (start + 2, 1, 0, -5, -(2**62)):
        assert await mark(cast.milo, cast.chess, back) == 204
    assert await read_position(cast.milo, cast.chess) == start + 3


async def test_a_mark_never_goes_past_the_end(cast: Cast) -> None:
    sent = await cast.say(cast.olive, "hello")
    assert await mark(cast.milo, cast.chess, 2**62) == 204
    assert await read_position(cast.milo, cast.chess) == sent["position"]
    await cast.say(cast.olive, "again")
    assert await cast.unread(cast.milo) == 1


async def test_many_marks_at_once_end_at_the_furthest(cast: Cast) -> None:
    sent = [await cast.say(cast.olive, f"{n}") for n in range(10)]
    places = [message["position"] for message in sent]
    await asyncio.gather(*(mark(cast.milo, cast.chess, place) for place in [*places, *reversed(places)]))
    assert await read_position(cast.milo, cast.chess) == places[-1]


async def test_a_mark_is_each_persons_own(cast: Cast) -> None:
    await cast.say(cast.olive, "hello")
    await mark(cast.milo, cast.chess, 2**40)
    assert await cast.unread(cast.milo) == 0
    assert await cast.unread(cast.mina) == 1


async def test_outsiders_do_not_know_the_conversation(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    for who in (cast.oscar, cast.remy, cast.ada):
        assert await mark(who, cast.chess, 1) == 404
        assert await mark(who, here, 1) == 404
    assert await mark(cast.milo, 10**12, 1) == 404


async def test_what_is_no_position_is_refused(cast: Cast) -> None:
    for position in ("one", 1.5, None, [1], 2**70):
        assert await mark(cast.milo, cast.chess, position) in (400, 422), position


async def test_sending_reads_what_stands_before(cast: Cast) -> None:
    await cast.say(cast.olive, "question?")
    assert await cast.unread(cast.milo) == 1
    sent = await cast.say(cast.milo, "answer.")
    assert await read_position(cast.milo, cast.chess) == sent["position"]
    assert await cast.unread(cast.milo) == 0


async def test_a_browser_without_scripts_reads_by_looking(cast: Cast) -> None:
    await cast.say(cast.olive, "hello")
    await cast.milo.browser.get(f"/conversations/{cast.chess}")
    assert await cast.unread(cast.milo) == 0


async def test_a_browser_with_scripts_says_itself_what_was_read(cast: Cast) -> None:
    await cast.say(cast.olive, "hello")
    cast.milo.browser.cookies.set("scripts", "1")
    await cast.milo.browser.get(f"/conversations/{cast.chess}")
    assert await cast.unread(cast.milo) == 1


async def test_a_page_that_is_only_fetched_ahead_is_not_read(cast: Cast) -> None:
    await cast.say(cast.olive, "hello")
    await cast.milo.browser.get(f"/conversations/{cast.chess}", headers={"sec-purpose": "prefetch"})
    await cast.milo.browser.get(f"/conversations/{cast.chess}", headers={"sec-fetch-mode": "cors"})
    assert await cast.unread(cast.milo) == 1


async def test_a_program_that_looks_reads_nothing(cast: Cast) -> None:
    await cast.say(cast.olive, "hello")
    await cast.milo.api.get(f"/conversations/{cast.chess}")
    await cast.milo.api.get(f"/conversations/{cast.chess}/messages")
    assert await cast.unread(cast.milo) == 1


async def test_an_older_page_that_does_not_reach_the_end_is_not_all_read(cast: Cast) -> None:
    for n in range(60):
        await cast.say(cast.olive, f"{n}")
    await cast.milo.browser.get(f"/conversations/{cast.chess}?from=1")
    assert await cast.unread(cast.milo) == 60
