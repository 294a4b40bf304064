"""Processes of Causerie beside the one in which the test runs: a worker, another web server."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.core.settings import Settings


async def until(ask: Callable[[], Awaitable[object]], what: str, seconds: float = 45) -> None:
    """Asks again and again until the answer is true; fails with `what` when it is not in time."""
    deadline = time.monotonic() + seconds
    while not await ask():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.01)  # another process works meanwhile, and says nothing when it is done


@dataclass
class Output:
    """What a process has written on stderr so far; grows as it writes."""

    lines: list[str] = field(default_factory=list)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def until(self, wanted: str, seconds: float = 30) -> str:
        """Waits for a line that holds this, and gives the last such line; fails with what came instead."""
        try:
            async with asyncio.timeout(seconds), self._came:
                await self._came.wait_for(lambda: any(wanted in line for line in self.lines))
        except TimeoutError:
            raise AssertionError(f"{wanted!r} never came; there was:\n{self.text}") from None
        return next(line for line in reversed(self.lines) if wanted in line)

    async def read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            async with self._came:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._came.notify_all()


@asynccontextmanager
async def working(settings: Settings, **environment: str) -> AsyncIterator[Output]:
    """A worker on the same database."""
    async with _running(["-m", "app", "worker"], settings, environment) as output:
        yield output


# As in production: our own protocol, and which proxy is believed is our own setting.
SERVE = """
import sys, uvicorn
from app.core.server import Protocol
from app.main import create_app
uvicorn.run(create_app, factory=True, http=Protocol, port=int(sys.argv[1]), timeout_graceful_shutdown=2,
            proxy_headers=False, access_log=False)
"""


@dataclass
class SecondServer:
    """Another web process on the same database, and what it has logged."""

    url: str
    output: Output


@asynccontextmanager
async def second_server(settings: Settings, **environment: str) -> AsyncIterator[SecondServer]:
    """Starts another web process on the same database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with _running(
        ["-c", SERVE, str(port)], settings, {"BASE_URL": url, "LOG_LEVEL": "warning", **environment}
    ) as output:
        await output.until("Uvicorn running")
        yield SecondServer(url, output)


@asynccontextmanager
async def _running(command: list[str], settings: Settings, environment: dict[str, str]) -> AsyncIterator[Output]:
    mine = {
        "DATABASE_URL": settings.database_url or "",
        "DATA_DIR": str(settings.data_dir),
        "BASE_URL": settings.base_url,
        "RATE_LIMITS": "on" if settings.rate_limits else "off",
        "LOG_LEVEL": "warning",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=os.environ | mine | environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    output = Output()
    reading = asyncio.create_task(output.read(process.stderr))
    try:
        yield output
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await reading
