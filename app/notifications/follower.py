"""Follows the feed for notifications, in the worker: hints of the bell say where to look, and a look at everything now
and then makes good for hints that were lost.
"""

import asyncio
import time

import asyncpg
import structlog

from app.core import database
from app.core.bell import Bell
from app.notifications import gather

log = structlog.get_logger()
# What is read on a screen at this moment is marked as read meanwhile, and nobody is told of it.
PAUSE = 1.0
# A round that takes long, in a lively instance, leaves others the time of so many.
REST = 9
MOST = 200
# All conversations are looked at; many of them take longer, and are looked at less often.
LOOK_EVERY = 10.0
LOOK_REST = 50
MOST_BEHIND = 1000


class Follower:
    """Reads on wherever something happened, a round a second, and rings for each who was told."""

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        self.waiting: dict[int, None] = {}
        self._awake = asyncio.Event()

    def hear(self, kind: str, number: int, about: int) -> None:
        """A hint; see Bell for the kinds."""
        if kind == "c":
            self._look_at([number])

    async def run(self) -> None:
        """Until cancelled."""
        self.bell.subscribe(self.hear)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._rounds())
            group.create_task(self._look_everywhere())

    async def _rounds(self) -> None:
        took = 0.0
        while True:
            await self._awake.wait()
            await asyncio.sleep(max(PAUSE, REST * took))
            self._awake.clear()
            began = time.monotonic()
            try:
                await self.round()
            except (*database.UNAVAILABLE, asyncpg.PostgresError) as error:
                log.warning("notifications wait for the database", error=type(error).__name__)
            took = time.monotonic() - began

    async def round(self) -> None:
        """Reads what waits, once."""
        taken = list(self.waiting)[:MOST]
        for conversation in taken:
            del self.waiting[conversation]
        try:
            found = await gather.gather(taken)
        except BaseException:
            self._look_at(taken)
            raise
        self._look_at(found.left)
        if self.waiting:
            self._awake.set()
        for told in found.told:
            self.bell.ring("b", told.person, told.id)

    async def _look_everywhere(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self._look_at(await gather.behind(MOST_BEHIND))
            except (*database.UNAVAILABLE, asyncpg.PostgresError) as error:
                log.warning("notifications wait for the database", error=type(error).__name__)
            await asyncio.sleep(max(LOOK_EVERY, LOOK_REST * (time.monotonic() - began)))

    def _look_at(self, conversations: list[int]) -> None:
        self.waiting |= dict.fromkeys(conversations)
        if conversations:
            self._awake.set()
