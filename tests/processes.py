"""Processes of Causerie beside the one in which the test runs: a worker, another web server."""

import asyncio
import itertools
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from app.core.settings import Settings
from tests.nursery import Child, nursery

# Below what is given to whoever asks for any port: nobody else gets one between our look and its use.
_ports = itertools.count(
    20_000 + 2000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) + secrets.randbelow(1500)
)


def free_port() -> int:
    """A port of ours that nobody listens on, another one each time."""
    while True:
        port = next(_ports)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


async def until(ask: Callable[[], Awaitable[object]], what: str, seconds: float = 45) -> None:
    """Asks again and again until the answer is true; fails with `what` when it is not in time."""
    deadline = time.monotonic() + seconds
    while not await ask():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.03)  # another process works meanwhile, and says nothing when it is done


@dataclass
class Output:
    """A process, and what it has written so far; grows as it writes."""

    process: Child | asyncio.subprocess.Process
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

    async def kill(self) -> None:
        """With -9."""
        self.process.kill()
        await self.process.wait()

    async def read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            async with self._came:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._came.notify_all()


@asynccontextmanager
async def working(settings: Settings, module: str = "app", **environment: str) -> AsyncIterator[Output]:
    """A worker on the same database; of another module, which changes something before it is one."""
    async with _running([module, "worker"], settings, environment) as output:
        yield output


@dataclass
class SecondServer:
    """Another web process on the same database, and what it has logged."""

    url: str
    output: Output


@asynccontextmanager
async def second_server(settings: Settings, **environment: str) -> AsyncIterator[SecondServer]:
    """Starts another web process on the same database."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with _running(
        ["second-server", str(port)], settings, {"BASE_URL": url, "LOG_LEVEL": "warning", **environment}
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
    reading, writing = os.pipe()
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb")
    )
    try:
        process = await nursery.child(command, os.environ | mine | environment, writing)
    finally:
        os.close(writing)
    output = Output(process)
    said = asyncio.create_task(output.read(stream))
    try:
        yield output
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await said
        transport.close()
