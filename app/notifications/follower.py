"""Follows the feed for notifications, in the worker: hints of the bell say where to look, and a look at everything now
and then makes good for hints that were lost.
"""

import asyncio
import time

import structlog

from app.core.bell import Bell
from app.core.patience import patience
from app.notifications import gather
from app.notifications.hints import Hints

log = structlog.get_logger()
# Between two rounds, in seconds: what is due meanwhile is read together. A round that takes long, in a lively instance,
# leaves others the time of so many.
PAUSE = 1.0
REST = 9
MOST = 200
# All conversations are looked at; many of them take longer, and are looked at less often.
LOOK_EVERY = 10.0
LOOK_REST = 50
MOST_BEHIND = 1000


class Follower:
    """Reads on wherever something happened a while ago, at most a round a second, and rings for each who was told."""

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        self.hints = Hints()
        self._awake = asyncio.Event()

    def hear(self, kind: str, number: int, about: int) -> None:
        """A hint; see Bell for the kinds."""
        if kind == "c":
            self.hints.came(number, time.monotonic())
            self._awake.set()

    async def run(self) -> None:
        """Until cancelled."""
        self.bell.subscribe(self.hear)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._rounds())
            group.create_task(self._look_everywhere())

    async def _rounds(self) -> None:
        while True:
            due = self.hints.soonest()
            if due is None:
                self._awake.clear()
                await self._awake.wait()
                continue
            # No hint makes anything due before what waits already.
            await asyncio.sleep(due - time.monotonic())
            taken = self.hints.take(MOST, time.monotonic())
            if not taken:  # more was said there
                continue
            began = time.monotonic()
            with patience("notifications wait"):
                await self.round(taken)
            await asyncio.sleep(max(PAUSE, REST * (time.monotonic() - began)))

    async def round(self, conversations: list[int]) -> None:
        """Reads on in these, once; those in which there is more wait again."""
        try:
            found = await gather.gather(conversations)
        except BaseException:
            self.hints.again(conversations, time.monotonic())
            raise
        self.hints.again(found.left, time.monotonic())
        for told in found.told:
            self.bell.ring("b", told.person, told.id)

    async def _look_everywhere(self) -> None:
        while True:
            began = time.monotonic()
            with patience("notifications wait"):
                self.hints.found(await gather.behind(MOST_BEHIND), time.monotonic())
                self._awake.set()
            await asyncio.sleep(max(LOOK_EVERY, LOOK_REST * (time.monotonic() - began)))
