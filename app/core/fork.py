"""Children that go on from what this process has imported, instead of each starting from nothing.

To import Causerie takes over a second of CPU; its code and tables take some 70 MB. Forked, web and worker start in a
tenth of that, share that memory, and one that is killed is back before anybody notices.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Collection
from pathlib import Path

import setproctitle

from app.core.supervisor import die_with, require_main_thread


class Forked:
    """A forked child, with what `subprocess.Popen` has of one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same when it has ended; raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Does nothing when it has ended: its number may be another's by now."""
        if self.poll() is None:
            os.kill(self.pid, number)


def keep_imports() -> None:
    """Call before the first fork, when all is imported: the collector of a child leaves alone what is there, so the
    memory stays shared, and each of its rounds is shorter."""
    gc.collect()
    gc.freeze()


def fork(
    work: Callable[[], int],
    *,
    title: str,
    environment: dict[str, str],
    folder: Path,
    keep: Collection[int] = (),
) -> Forked:
    """A child that does `work` and ends with the exit code that it gives; of the open files it has `keep` alone.

    As a child of `supervisor.spawn` it is in a session of its own and dies with this process. Only for a main thread
    beside which there is no other, with no event loop running: what they hold would be held for ever.
    """
    require_main_thread()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # A signal that came before the child has its own handlers would be handled there as if it were the parent.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return Forked(pid)
    code = 1
    try:
        _become(parent, title, environment, folder, keep)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        code = work()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # what an interpreter does with what nobody caught
        traceback.print_exc()
    finally:
        # Never back into the frames of the parent: they would end its children, and close what is not open here.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _become(parent: int, title: str, environment: dict[str, str], folder: Path, keep: Collection[int]) -> None:
    setproctitle.setproctitle(title)  # while it finds the environment where it was at the start
    os.setsid()
    die_with(parent, signal.SIGTERM)
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if callable(signal.getsignal(number)):  # the parent's; what is ignored stays so, as over an exec
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for fd in [int(each.name) for each in Path("/dev/fd").iterdir()]:
        if fd > 2 and fd not in keep:
            with contextlib.suppress(OSError):  # that of the list itself
                os.close(fd)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
