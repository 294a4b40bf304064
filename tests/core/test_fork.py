"""Children that are forked. Real ones, of a script that runs in a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.core.test_supervisor import Run, run

__all__ = ["run"]

FORKS = """
import os, time
from app.core.fork import fork
from pathlib import Path

def child(work, **options):
    return fork(work, title="causerie-test-child", environment=dict(os.environ), folder=Path("/"), **options)

def told(*words):
    print(*words, flush=True)
    return 0
"""


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("lambda: told('done')", 0),
        ("lambda: 2", 2),
        ("lambda: sys.exit(3)", 3),
        ("lambda: 1 / 0", 1),
        ("lambda: os.kill(os.getpid(), signal.SIGKILL)", -9),
    ],
)
def test_it_ends_with_the_code_of_its_work(run: Run, work: str, code: int) -> None:
    script = run(FORKS + f"\nprint('code', child({work}).wait(10))")
    assert script.process.wait(20) == 0
    assert f"code {code}" in script.lines
    assert ("ZeroDivisionError: division by zero" in script.lines) == ("/" in work)


def test_it_has_of_what_is_open_only_what_it_is_given(run: Run) -> None:
    script = run(
        FORKS
        + """
secret, (reader, writer) = os.open("/etc/hostname", os.O_RDONLY), os.pipe()
def work():
    told("open", *sorted(int(fd) for fd in os.listdir("/dev/fd") if os.path.exists(f"/dev/fd/{fd}")))
    told("input", repr(sys.stdin.read()))
    os.write(writer, b"hello")
    return 0
child(work, keep=[writer]).wait(10)
told("kept", writer)
told(os.read(reader, 9).decode())
"""
    )
    assert script.process.wait(20) == 0
    kept = next(line.split()[1] for line in script.lines if line.startswith("kept"))
    assert f"open 0 1 2 {kept}" in script.lines
    assert "input ''" in script.lines
    assert "hello" in script.lines


def test_signals_are_those_of_a_new_program(run: Run) -> None:
    script = run(
        FORKS
        + """
signal.signal(signal.SIGTERM, lambda *_: told("the parent's"))
it = child(lambda: time.sleep(60) or 0)
it.send_signal(signal.SIGTERM)
told("code", it.wait(10))
it.send_signal(signal.SIGTERM)  # nobody's any more
"""
    )
    assert script.process.wait(20) == 0
    assert script.lines == ["code -15"]


def test_it_dies_with_its_parent_however_that_dies(run: Run) -> None:
    script = run(FORKS + "\nchild(lambda: told('child', os.getpid()) or time.sleep(60)).wait()")
    script.eventually(lambda: script.pids("child"))
    script.process.kill()
    (pid,) = script.pids("child")
    script.eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_it_is_in_a_session_of_its_own_and_has_a_name(run: Run) -> None:
    script = run(FORKS + "\nchild(lambda: told('child', os.getpid()) or time.sleep(60)).wait()")
    script.eventually(lambda: script.pids("child"))
    (pid,) = script.pids("child")
    assert os.getsid(pid) == pid != os.getsid(script.process.pid)
    assert Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"causerie-test-child")
    os.kill(pid, signal.SIGKILL)
    script.process.wait(10)


def test_nothing_is_forked_beside_another_thread(run: Run) -> None:
    script = run(
        FORKS
        + """
import threading
def other():
    try:
        child(lambda: 0)
    except RuntimeError as error:
        told("refused:", error)
thread = threading.Thread(target=other)
thread.start()
thread.join()
"""
    )
    assert script.process.wait(20) == 0
    assert script.lines[0].startswith("refused: children die with the thread")
