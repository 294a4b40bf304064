"""One read for all who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Together(Generic[K, V]):
    """Reads by key. Who asks while a read is under way shares the next one with all others who do: a lone asker pays
    what a read costs, a crowd a fraction of it. A read always begins after it was asked for, so nobody gets old news.

    `read` takes keys and gives what it finds; `most` keys at once. So many seconds lie between two reads at least: who
    asks alone waits for nobody, and a steady stream of askers becomes so many reads a second and no more.
    """

    def __init__(self, read: Callable[[list[K]], Awaitable[dict[K, V]]], most: int = 200, pause: float = 0.0) -> None:
        self._read = read
        self._most = most
        self._pause = pause
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """What `read` finds for that key, or None; raises what `read` raises."""
        found = self._waiting.get(key)
        if found is None:
            found = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._task is None:
            # A task of its own: a client who goes away takes nobody else's answer along.
            self._task = asyncio.create_task(self._work())
        return await asyncio.shield(found)

    async def _work(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[: self._most]
                asked = {key: self._waiting.pop(key) for key in keys}
                try:
                    rows = await self._read(keys)
                except Exception as error:
                    for future in asked.values():
                        future.set_exception(error)
                        future.exception()  # one who went away does not ask
                else:
                    for key, future in asked.items():
                        future.set_result(rows.get(key))
                if self._pause:
                    await asyncio.sleep(self._pause)
        finally:
            self._task = None
