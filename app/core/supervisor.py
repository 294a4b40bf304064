"""A small parent of processes: starts them, starts them again when they die, and ends them all in order.

Every child dies with its parent, even one that is killed with -9: the kernel sends it a signal then (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Any, Protocol

GRACE = 7.0  # what web and worker get to finish, of the 10 s that platforms give the whole
WHOLE = 9.0  # by then nothing runs any more
RAN_WELL = 2.0  # a child that lived this long is started again at once when it dies
LONGEST_WAIT = 2.0  # a try costs little, and people wait for the database
# One request to stop may come twice, from make and from the terminal; a second Ctrl-C after this long is a new one.
SAME_REQUEST = 1.0
WRONG_CONFIGURATION = 2  # a child's exit code that starting it again cannot mend
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class CannotStartError(Exception):
    """A service cannot be started now; the message says why."""


class Process(Protocol):
    """A child, however it was made."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


@dataclass
class Service:
    """One child. `start` gives the running process, or None when it cannot be started just now (tried again soon).

    `explain` may say why it ended, when the child itself writes to a file.
    """

    name: str
    start: Callable[[], Process | None]
    process: Process | None = None
    explain: Callable[[], str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    abort_signal: signal.Signals = signal.SIGKILL
    last: bool = False  # ended only after the others have: they still need it
    started: float = field(default_factory=time.monotonic)
    failures: int = 0
    due: float = 0.0

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs services until told to stop by SIGTERM, SIGINT or SIGHUP."""

    def __init__(self, services: Sequence[Service], watch: dict[int, Callable[[bytes], None]] | None = None) -> None:
        """`watch` names pipes to read: each call gets what a child has written."""
        self.services = list(services)
        self.watch = watch or {}
        self.stopping_since: float | None = None
        self.impatient = False
        self.exit_code = 0

    def run(self) -> int:
        """Blocks until all has ended; gives the exit code for the whole. For the main thread only."""
        with selectors.DefaultSelector() as selector, _signals_wake(selector, self._on_signal):
            for fd in self.watch:
                selector.register(fd, selectors.EVENT_READ)
            while self.stopping_since is None:
                self._listen(selector, self._tend())
            self._stop_all(selector)
        return self.exit_code

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            return
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
        elif number == signal.SIGINT and time.monotonic() - self.stopping_since > SAME_REQUEST:
            self.impatient = True

    def _tend(self) -> float:
        """Starts what is due; gives the seconds until something else will be."""
        now = time.monotonic()
        for service in self.services:
            if service.process is not None and service.process.poll() is not None:
                self._on_death(service, now)
            if service.process is None and service.due <= now and self.stopping_since is None:
                self._start(service, now)
        return min((max(s.due - now, 0.01) for s in self.services if s.process is None), default=60.0)

    def _start(self, service: Service, now: float) -> None:
        try:
            service.process, service.started = service.start(), now
        except (OSError, CannotStartError) as error:
            say(f"{service.name} cannot be started: {error}")
            service.failures += 1
        if service.process is None:
            service.due = now + min(0.5 * 2**service.failures, LONGEST_WAIT)

    def _on_death(self, service: Service, now: float) -> None:
        assert service.process is not None
        code, lived = service.process.poll(), now - service.started
        assert code is not None
        service.process = None
        if code == WRONG_CONFIGURATION:  # it has said why
            self.exit_code, self.stopping_since = WRONG_CONFIGURATION, now
            return
        service.failures = 0 if lived >= RAN_WELL else service.failures + 1
        wait = 0.0 if service.failures <= 1 else min(0.25 * 2 ** (service.failures - 2), LONGEST_WAIT)
        service.due = now + wait
        why = f": {service.explain()}" if service.explain and code > 0 else ""
        say(f"{service.name} {_how(code)}{why}; starting it again" + (f" in {wait:g} s" if wait else ""))

    def _listen(self, selector: selectors.BaseSelector, wait: float) -> None:
        for key, _ in selector.select(wait):
            data = os.read(key.fd, 4096)
            if key.fd in self.watch:
                self.watch[key.fd](data)

    def _stop_all(self, selector: selectors.BaseSelector) -> None:
        end = time.monotonic() + WHOLE
        self._stop(selector, [s for s in self.services if not s.last], min(end, time.monotonic() + GRACE))
        self._stop(selector, [s for s in self.services if s.last], end)

    def _stop(self, selector: selectors.BaseSelector, services: list[Service], end: float) -> None:
        left = [s for s in services if s.running()]
        for service in left:
            _send(service, service.stop_signal)
        while left and time.monotonic() < end:
            if self.impatient and not any(s.last for s in left):
                break  # whoever stands there will not wait; Postgres still ends cleanly
            self._listen(selector, min(0.1, max(end - time.monotonic(), 0)))
            left = [s for s in left if s.running()]
        for service in left:
            say(f"{service.name} did not end in time; killed")
            _send(service, service.abort_signal)
        until = time.monotonic() + 0.5
        while any(s.running() for s in left) and time.monotonic() < until:
            self._listen(selector, 0.02)
        for service in left:
            _send(service, signal.SIGKILL)


def spawn(
    command: Sequence[str | os.PathLike[str]],
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    user: pwd.struct_passwd | None = None,
    env: dict[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    output: IO[Any] | None = None,
    folder: str = "/",
) -> Process:
    """A child that gets `death_signal` when this process dies, however it dies. Raises OSError when it cannot start.

    In a session of its own: Ctrl-C reaches this process alone, which then ends its children in order.
    """
    require_main_thread()
    parent = os.getpid()
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=env,
        cwd=folder,
        pass_fds=pass_fds,
        start_new_session=True,
        preexec_fn=lambda: die_with(parent, death_signal),  # noqa: PLW1509 (the parents that use this run no other thread)
        **identity(user),
    )


def require_main_thread() -> None:
    """Raises RuntimeError in another one: children die with the thread that started them."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("children die with the thread that started them: start them from the main thread")


def die_with(parent: int, death_signal: signal.Signals) -> None:
    """For a child between fork and its work, after its user was changed (that would clear the signal again)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os._exit(1)


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """The arguments of `subprocess` that make a child another user, without the groups that we are in."""
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user is not None else {}


def say(line: str) -> None:
    """One line on the console, for the operator."""
    print(f"causerie: {line}", file=sys.stderr, flush=True)


def _send(service: Service, number: signal.Signals) -> None:
    if service.process is not None:
        service.process.send_signal(number)  # does nothing when it has ended meanwhile


def _how(code: int) -> str:
    return f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with code {code}"


@contextlib.contextmanager
def _signals_wake(selector: selectors.BaseSelector, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, handler) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
    wakeup_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    selector.register(reader, selectors.EVENT_READ)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for number, old in before.items():
            signal.signal(number, old)
        os.close(reader)
        os.close(writer)
