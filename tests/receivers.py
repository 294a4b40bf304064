"""Programs that are called: real HTTP servers, which keep what they got and answer as they are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Call:
    """What came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` are given in turn, the last one for ever: a status, or a status with a Location or with a body."""

    url: str = ""
    port: int = 0
    answers: list[int | tuple[int, str]] = field(default_factory=lambda: [200])
    calls: list[Call] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)
    # While this is not set, whoever calls waits for its answer.
    answers_now: asyncio.Event = field(default_factory=asyncio.Event)

    async def got(self, many: int, seconds: float = 30) -> list[Call]:
        """Waits for so many calls, and gives them."""
        async with asyncio.timeout(seconds), self.came:
            await self.came.wait_for(lambda: len(self.calls) >= many)
        return self.calls

    async def handle(self, request: web.Request) -> web.Response:
        call = Call(request.path_qs, {k.lower(): v for k, v in request.headers.items()}, await request.read())
        async with self.came:
            self.calls.append(call)
            self.came.notify_all()
        await self.answers_now.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        status, said = answer if isinstance(answer, tuple) else (answer, "")
        headers = {"location": said} if 300 <= status < 400 else {}
        return web.Response(status=status, text="" if headers else said, headers=headers)


@asynccontextmanager
async def receiving(host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """A receiver that listens on a free port."""
    receiver = Receiver()
    receiver.answers_now.set()
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{rest:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    receiver.url = f"http://{host}:{receiver.port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
