"""Causerie as its operator runs it: real processes, looked at through /proc and ended by pid."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import app
from tests.faults.wire import Connection
from tests.nursery import nursery
from tests.processes import free_port

PROJECT = Path(app.__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
# What the tests' own process was told is not meant for the programs that they start.
FOREIGN = ("DATABASE_URL", "CHANNELS_URL", "CAUSERIE_THROWAWAY_DATABASE", "ENV", "SMTP_URL", "SECRET_KEY", "BASE_URL")


async def until(true: Callable[[], object], seconds: float, what: str) -> None:
    """Waits for the condition; fails with `what` when it has not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.005)


class Program:
    """A command of ours, its output in a file, and all processes that came of it."""

    def __init__(self, folder: Path, arguments: Sequence[str], **environment: str) -> None:
        """`arguments` follow `python -m`. DATA_DIR is `folder`, and PORT a free one unless `environment` names it."""
        self.folder = folder
        self.arguments = arguments
        self.port = int(environment.get("PORT") or free_port())
        self.log = folder / f"output-{self.port}.log"
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        mine = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # a Procfile says only `python`
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
            "RATE_LIMITS": "off",
            "LOG_LEVEL": "warning",
            "MAX_CONNECTIONS_PER_USER": "1000",
        }
        self._known: dict[int, float] = {}
        with self.log.open("ab") as output:
            self.process = nursery.command(arguments, kept | mine | environment, output.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        """Ends all that is left, politely first."""
        if failed:
            print(f"--- what {' '.join(self.arguments)} said ---\n{self.output[-5000:]}---")
        self.tree()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.tree()
                self.process.kill()
                self.process.wait(5)
        for pid in self.left():
            kill(pid)

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    async def serves(self, seconds: float = 90) -> Self:
        """Waits until all its web processes answer."""
        await until(self._welcomed, seconds, "Causerie is running")
        return self

    def _welcomed(self) -> bool:
        assert self.process.poll() is None, f"it ended instead of serving:\n{self.output}"
        return "Causerie is running" in self.output

    def tree(self) -> list[int]:
        """The process and everything that descends from it now."""
        found = [self.process.pid] if running(self.process.pid) else []
        parents = dict(_processes())
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        for pid in found:
            self._known.setdefault(pid, started_at(pid))
        return found

    def left(self) -> list[int]:
        """Those that were ever seen in the tree and still run."""
        return [pid for pid, at in self._known.items() if running(pid) and started_at(pid) == at]

    def children(self, word: str) -> list[int]:
        """The pids of the children that are `web`, `worker` or `postgres`, the oldest first."""
        pattern = re.compile(rf"-m app {word}\b" if word != "postgres" else r"bin/postgres -D")
        return [pid for pid in sorted(self.tree()) if pattern.search(command(pid))]

    def serving(self, connection: Connection) -> int | None:
        """Which of its web processes is at the other end."""
        return who_serves(self.port, connection.local_port, self.children("web"))

    async def one(self, word: str, but: int = 0) -> int:
        """The pid of the only such child, once there is one (another than `but`)."""
        await until(lambda: [p for p in self.children(word) if p != but], 20, f"a {word} process")
        return next(pid for pid in self.children(word) if pid != but)

    def trouble(self) -> list[str]:
        """The lines of its output that an operator must not see, whatever breaks: traces, and errors of ours."""
        bad = re.compile(r"Traceback|unhandled|was never retrieved|never awaited|ERROR|\[error|Exception in")
        return [line for line in self.output.splitlines() if bad.search(line)]


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Sends the signal; a process that has ended already is no mistake."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def command(pid: int) -> str:
    """The command line of a process; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def running(pid: int) -> bool:
    """Whether it exists and is no zombie."""
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def started_at(pid: int) -> float:
    """When it started, in seconds since the machine did."""
    fields = _stat(pid)
    return int(fields[19]) / TICKS if fields else 0.0


def age(pid: int) -> float:
    """Seconds since it started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_at(pid)


def who_serves(port: int, client_port: int, pids: Sequence[int]) -> int | None:
    """Which of these processes holds the server's end of the connection from 127.0.0.1:client_port to `port`."""
    inode = ""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _n, local, remote, _state, *_rest = fields = line.split()
        if int(local.split(":")[1], 16) == port and int(remote.split(":")[1], 16) == client_port:
            inode = fields[9]
    for pid in pids:
        if inode and f"socket:[{inode}]" in _open_files(pid):
            return pid
    return None


def _open_files(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except FileNotFoundError:
            continue  # closed meanwhile
    return found


def _processes() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) and fields[0] != "Z":
            yield int(entry.name), int(fields[1])


def _stat(pid: int) -> list[str]:
    try:
        # The name, in parentheses, may hold spaces and parentheses itself.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []  # it ended meanwhile
