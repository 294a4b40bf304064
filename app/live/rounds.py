"""Rounds: what happens is gathered for a moment and done for all at once, so much of it costs little more than one."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from app.core import database

log = structlog.get_logger()


async def rounds(
    awake: asyncio.Event, work: Callable[[], Awaitable[None]], pause: Callable[[float], float], what: str
) -> None:
    """Works whenever it is awake, until cancelled; `pause` gives the seconds to wait after a round that took so many.

    A round that fails for the database is done again: `work` puts back what it took."""
    while True:
        await awake.wait()
        awake.clear()
        began = time.monotonic()
        try:
            await work()
        except (*database.UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning(f"{what} waits for the database", error=type(error).__name__)
            awake.set()
        await asyncio.sleep(pause(time.monotonic() - began))
