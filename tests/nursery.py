"""One process that has imported all of Causerie, and forks the workers and servers that tests ask for.

To start Python and import it all takes over a second of CPU; here a twentieth of it, as when `python -m app serve`
starts its own. What is forked is a process as any other: it dies with this one, and is killed in earnest.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import app

if TYPE_CHECKING:
    from app.core.fork import Forked

PROJECT = Path(app.__file__).parent.parent
LONGEST = 100_000  # bytes of a request: the arguments and the environment


class _Forked:
    """A process of the nursery, to which signals go by a handle: by its number alone another one could be meant."""

    def __init__(self, told: socket.socket, pid: int, handle: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._told = told
        self._handle = handle

    def send_signal(self, number: int) -> None:
        """Does nothing when it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _end(self, said: bytes) -> int:
        self.returncode = int(said)
        self._told.close()
        os.close(self._handle)
        return self.returncode


class Child(_Forked):
    """One that is awaited, with what `asyncio.subprocess.Process` has of one."""

    def __init__(self, told: socket.socket, pid: int, handle: int) -> None:
        super().__init__(told, pid, handle)
        told.setblocking(False)
        self._ended = asyncio.ensure_future(self._hear())

    async def _hear(self) -> int:
        return self._end(await asyncio.get_running_loop().sock_recv(self._told, 20))

    async def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        return await asyncio.shield(self._ended)


class Command(_Forked):
    """One that is waited for, with what `subprocess.Popen` has of one."""

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        return self._heard(0)

    def wait(self, timeout: float | None = None) -> int:
        """The same when it has ended; raises subprocess.TimeoutExpired."""
        code = self._heard(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def _heard(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            return self._end(self._told.recv(20))
        return self.returncode


class Nursery:
    """The process, started when it is first asked. What it forks is called with a kind and arguments: `app` is what
    `python -m app` is, any other module that one with a worker; `second-server` serves on a port. What it prints goes
    to open files, which are the caller's to close. It has the environment that is given, and nothing else."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._starting = threading.Lock()

    async def child(self, arguments: Sequence[str], environment: dict[str, str], output: int) -> Child:
        """Forks one, for who awaits."""
        mine = self._ask(arguments, environment, output, output)
        return Child(mine, *await asyncio.to_thread(_forked, mine))

    def command(self, arguments: Sequence[str], environment: dict[str, str], output: int, errors: int = -1) -> Command:
        """Forks one, for who waits."""
        mine = self._ask(arguments, environment, output, output if errors < 0 else errors)
        return Command(mine, *_forked(mine))

    def run(self, arguments: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Forks one and waits for its end, as `subprocess.run` does; fails when it lasts for more than a minute."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            code = self.command(arguments, environment, output.fileno(), errors.fileno()).wait(60)
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(arguments, code, output.read().decode(), errors.read().decode())

    def _ask(self, arguments: Sequence[str], environment: dict[str, str], output: int, errors: int) -> socket.socket:
        with self._starting:
            if self._control is None:
                self._start()
        assert self._control is not None
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asked = json.dumps({"arguments": list(arguments), "environment": environment}).encode()
        assert len(asked) < LONGEST
        with its:
            socket.send_fds(self._control, [asked], [output, errors, its.fileno()])
        return mine

    def _start(self) -> None:
        self._control, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, "-m", "tests.nursery", str(its.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[its.fileno()], cwd=PROJECT)

    def close(self) -> None:
        """It ends, and what it still has with it."""
        if self._control is not None and self._process is not None:
            self._control.close()
            self._process.wait(20)
            self._control = self._process = None


def _forked(told: socket.socket) -> tuple[int, int]:
    """The number of the new process, and a handle on it."""
    number, (handle,), _flags, _address = socket.recv_fds(told, 20, 1)
    return int(number), handle


nursery = Nursery()


def _main(control: socket.socket) -> None:
    from app.core import fork

    _import()
    children: dict[socket.socket, fork.Forked] = {}
    awake, wake = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        for source in (control.fileno(), awake):
            selector.register(source, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if awake in ready:
                os.read(awake, 4096)
            for told in [told for told, child in children.items() if child.poll() is not None]:
                code = children.pop(told).returncode
                with told, contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
                    told.send(str(code).encode())
            if control.fileno() in ready and not _answer(control, children):
                return


def _import() -> None:
    """All that any of them needs, and also what each would otherwise import for itself after it was forked: a worker
    spent more on that than on its work."""
    importlib.import_module("aiohttp")  # for who calls other programs

    from app import serving
    from app.core import database

    database.configure("postgresql:///of-none")  # the tables want an engine; each child tells it of its database
    importlib.import_module("piccolo.apps.migrations.tables")  # for who looks whether the database is up to date
    from piccolo.apps.migrations.commands.base import BaseMigrationManager
    from piccolo.conf.apps import Finder

    config = Finder().get_app_config(app_name="causerie")
    BaseMigrationManager().get_migration_modules(config.resolved_migrations_folder_path)
    serving._import()


def _answer(control: socket.socket, children: dict[socket.socket, Forked]) -> bool:
    """Forks what is asked for next; false when there is nobody left to ask."""
    from app.core import fork

    asked, fds, _flags, _address = socket.recv_fds(control, LONGEST, 3)
    if not asked:
        return False
    wanted = json.loads(asked)
    *outputs, told = fds
    child = fork.fork(
        lambda: _work(wanted["arguments"], *outputs),
        title=" ".join(("python -m", *wanted["arguments"])),
        environment=wanted["environment"],
        folder=PROJECT,
        keep=outputs,
    )
    for output in outputs:
        os.close(output)
    answer = socket.socket(fileno=told)
    children[answer] = child
    handle = os.pidfd_open(child.pid)  # before anybody asks after its end: until then its number is its own
    socket.send_fds(answer, [str(child.pid).encode()], [handle])
    os.close(handle)
    return True


def _work(arguments: list[str], output: int, errors: int) -> int:
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.close(output)
    os.close(errors)
    kind, *rest = arguments
    if kind == "app":
        from app import cli

        return cli.main(rest)
    if kind != "second-server":
        sys.argv = [kind, *rest]
        runpy.run_module(kind, run_name="__main__")
        return 0
    import uvicorn

    from app.core.server import Protocol
    from app.main import create_app

    # As in production: our own protocol, and which proxy is believed is our own setting.
    config = uvicorn.Config(
        create_app,
        factory=True,
        http=Protocol,
        port=int(rest[0]),
        timeout_graceful_shutdown=2,
        proxy_headers=False,
        access_log=False,
    )
    uvicorn.Server(config).run()
    return 0


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])))  # until whoever asks is gone, and nobody holds the other end
