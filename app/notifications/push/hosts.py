"""Push services, each for itself: one that does not answer is left alone for a while, and holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

# As many connections as `core/outside` makes to one host, and to all.
TO_ONE = 4
TO_ALL = 32
# After so many calls in a row without an answer it rests, and longer each time it still does not.
SILENT = 3
RESTS, RESTS_AT_MOST = 30.0, 600.0
# Anybody can name a service that is none.
MOST_KNOWN = 1000


class Host:
    """One service: who may call it now, and whether it rests."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(TO_ONE)
        self.users = 0
        self.silences = 0
        self.until = 0.0

    def rest(self) -> float:
        """How many seconds it is not to be called for."""
        return max(0.0, self.until - asyncio.get_running_loop().time())

    def answered(self) -> None:
        """Whatever it said, it is there."""
        self.silences = 0

    def was_silent(self) -> None:
        self.silences += 1
        if self.silences >= SILENT:
            rest = min(RESTS_AT_MOST, RESTS * 2 ** (self.silences - SILENT))
            self.until = asyncio.get_running_loop().time() + rest


class Hosts:
    """All that are called, or are known not to answer."""

    def __init__(self) -> None:
        self._known: dict[str, Host] = {}
        self._slots = asyncio.Semaphore(TO_ALL)

    @asynccontextmanager
    async def turn(self, endpoint: str) -> AsyncIterator[Host]:
        """Inside one of few may call the service. Those that wait for a slow one hold nothing that others need."""
        name = urlsplit(endpoint).netloc
        host = self._known.setdefault(name, Host())
        host.users += 1
        try:
            async with host.slots, self._slots:
                yield host
        finally:
            host.users -= 1
            if not host.users and (not host.silences or len(self._known) > MOST_KNOWN):
                del self._known[name]
