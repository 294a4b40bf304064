"""Rounds: what happens is gathered for a moment and done for all at once, so much of it costs little more than one."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from app.core import database
from app.core.patience import say_waiting

# Seconds: nobody sees anything later than this for what it costs.
LONGEST = 2.0
log = structlog.get_logger()


def pause(gather: float, rest: float, took: float) -> float:
    """The seconds to gather after a round that took so many: `gather`, or `rest` times as long as it took where that is
    more, so that rounds never take more than that part of a core; and never longer than LONGEST."""
    return min(max(gather, rest * took), LONGEST)


async def rounds(
    awake: asyncio.Event, work: Callable[[], Awaitable[None]], wait: Callable[[float], float], what: str
) -> None:
    """Works whenever it is awake, until cancelled; `wait` gives the seconds to wait after a round that took so many.

    A round that fails for the database is done again: `work` puts back what it took."""
    while True:
        await awake.wait()
        awake.clear()
        began = time.monotonic()
        try:
            await work()
        except database.FAILED as error:
            say_waiting(f"{what} waits", error)
            awake.set()
        await asyncio.sleep(wait(time.monotonic() - began))
