"""Clients that ask as fast as they are answered, one request at a time each."""

import asyncio
import time
from collections.abc import Sequence

from bench.clients import Exchange, LostError

WARM_UP = 1.0  # seconds in which connections, caches and prepared statements come to be


class Caller:
    """Asks, waits for the answer, asks again."""

    def __init__(self, exchange: Exchange, expected: int) -> None:
        self.exchange = exchange
        self.expected = expected
        self.took: list[float] = []  # milliseconds

    def request(self) -> bytes:
        """The next request."""
        raise NotImplementedError

    def accepted(self, body: bytes) -> None:
        """Looks at an answer that had the expected status; raises LostError when it is not as it should be."""
        raise NotImplementedError

    async def until(self, end: float) -> None:
        """Calls until that moment; raises LostError at an answer with another status than expected."""
        self.end = end
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ask()
        await self.done

    def _ask(self) -> None:
        request = self.request()
        self.began = time.perf_counter()
        self.exchange.ask(request, self._answered)

    def _answered(self, status: int, body: bytes) -> None:
        now = time.perf_counter()
        self.took.append((now - self.began) * 1000)
        try:
            if status != self.expected:
                raise LostError(f"answered {status}, not {self.expected}: {body[:500]!r}")
            self.accepted(body)
        except LostError as problem:
            self.done.set_exception(problem)
            return
        if now < self.end:
            self._ask()
        else:
            self.done.set_result(None)


async def warm_up(callers: Sequence[Caller]) -> None:
    """Calls for a moment whose times do not count."""
    await together(callers, WARM_UP)
    for caller in callers:
        caller.took.clear()


async def together(callers: Sequence[Caller], seconds: float) -> float:
    """All of them at once, for some seconds; gives how many it really took."""
    began = time.perf_counter()
    await asyncio.gather(*(caller.until(began + seconds) for caller in callers))
    return time.perf_counter() - began
