"""Many who ask at once share one read."""

import asyncio

import pytest

from app.core.together import Together


class Shelf:
    """Reads that wait until they are let go; what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.go = asyncio.Event()
        self.together = Together(self.read, most=3)

    async def read(self, keys: list[int]) -> dict[int, str]:
        self.asked.append(keys)
        await self.go.wait()
        if 13 in keys:
            raise OSError("gone")
        return {key: f"value {key}" for key in keys if key != 404}


async def test_a_lone_asker_is_answered_and_what_is_not_there_is_none() -> None:
    shelf = Shelf()
    shelf.go.set()
    assert await shelf.together.get(1) == "value 1"
    assert await shelf.together.get(404) is None
    assert shelf.asked == [[1], [404]]


async def test_who_asks_while_a_read_is_under_way_shares_the_next_and_never_that_one() -> None:
    shelf = Shelf()
    first = asyncio.create_task(shelf.together.get(1))
    while not shelf.asked:
        await asyncio.sleep(0)
    later = [asyncio.create_task(shelf.together.get(key)) for key in (1, 2, 2, 3, 4)]
    await asyncio.sleep(0)
    shelf.go.set()
    assert await first == "value 1"
    assert await asyncio.gather(*later) == ["value 1", "value 2", "value 2", "value 3", "value 4"]
    assert shelf.asked == [[1], [1, 2, 3], [4]]


async def test_with_a_pause_those_who_ask_one_after_the_other_share_a_read() -> None:
    shelf = Shelf()
    shelf.go.set()
    together = Together(shelf.read, pause=0.3)
    assert await together.get(1) == "value 1", "the first waits for nobody"
    later = []
    for key in (2, 3, 4):
        later.append(asyncio.create_task(together.get(key)))
        await asyncio.sleep(0)
    assert await asyncio.gather(*later) == ["value 2", "value 3", "value 4"]
    assert shelf.asked == [[1], [2, 3, 4]]


async def test_an_asker_who_goes_away_takes_no_answer_along_and_an_error_is_everybody_s() -> None:
    shelf = Shelf()
    gone = asyncio.create_task(shelf.together.get(1))
    stays = asyncio.create_task(shelf.together.get(1))
    while not shelf.asked:
        await asyncio.sleep(0)
    gone.cancel()
    shelf.go.set()
    assert await stays == "value 1"
    for answer in await asyncio.gather(shelf.together.get(13), shelf.together.get(5), return_exceptions=True):
        assert isinstance(answer, OSError)
    with pytest.raises(OSError, match="gone"):
        await shelf.together.get(13)
    assert await shelf.together.get(5) == "value 5"
