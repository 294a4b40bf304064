"""The parent of all processes. Real children, small ones: each test runs a script of its own in another process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import app

PROJECT = Path(app.__file__).parent.parent
HEAD = """
import signal, sys
from app.core import supervisor
from app.core.supervisor import Service, Supervisor, spawn

def python(code, **options):
    return lambda: spawn([sys.executable, "-c", code], folder=".", **options)

# Each line is one write: two that print at once would mix theirs.
SLEEPER = "import os, signal, time; os.write(1, b'{name} %d\\\\n' % os.getpid()); time.sleep(60)"
BYE = "signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'bye {name}\\\\n'), os._exit(0))); "
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); "
POLITE, STUBBORN = (SLEEPER.replace("os.write", first + "os.write", 1) for first in (BYE, DEAF))
AFTER = "import time\\nwhile b'{name}' not in open('out', 'rb').read(): time.sleep(0.01)\\nraise SystemExit(2)"
"""


class Script:
    """A running script; `lines` is what it and its children have printed."""

    def __init__(self, folder: Path, text: str, *arguments: str, fds: tuple[int, ...] = ()) -> None:
        self.out = folder / "out"
        script = folder / "script.py"
        script.write_text(HEAD + textwrap.dedent(text))
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, script, *arguments], stdout=out, stderr=out, cwd=folder, env=environment, pass_fds=fds
            )

    @property
    def lines(self) -> list[str]:
        return self.out.read_text().splitlines()

    def pids(self, name: str) -> list[int]:
        """The process ids of every child of this name so far, in order."""
        return [int(line.split()[1]) for line in self.lines if line.split()[:1] == [name] and len(line.split()) > 1]

    def eventually(self, what: Callable[[], object], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.01)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Script]]:
    scripts: list[Script] = []

    def start(text: str, *arguments: str, fds: tuple[int, ...] = ()) -> Script:
        scripts.append(Script(tmp_path, text, *arguments, fds=fds))
        return scripts[-1]

    yield start
    for script in scripts:
        script.process.kill()
        script.process.wait()


Run = Callable[..., Script]
TWO = """
services = [
    Service("database", python(POLITE.format(name="database")), last=True),
    Service("web", python(POLITE.format(name="web"))),
]
sys.exit(Supervisor(services).run())
"""


def test_a_killed_child_is_started_again_at_once(run: Run) -> None:
    script = run(TWO)
    script.eventually(lambda: script.pids("web") and script.pids("database"))
    killed = time.monotonic()
    os.kill(script.pids("web")[0], signal.SIGKILL)
    script.eventually(lambda: len(script.pids("web")) == 2)
    assert time.monotonic() - killed < 2
    assert len(script.pids("database")) == 1, "the other child was left alone"


def test_children_are_ended_in_order_and_the_last_one_last(run: Run) -> None:
    script = run(TWO)
    script.eventually(lambda: script.pids("web") and script.pids("database"))
    script.process.send_signal(signal.SIGTERM)
    assert script.process.wait(10) == 0
    assert script.lines[-2:] == ["bye web", "bye database"]


def test_children_end_when_the_parent_is_killed(run: Run) -> None:
    script = run(TWO)
    script.eventually(lambda: script.pids("web") and script.pids("database"))
    script.process.kill()
    script.process.wait()
    children = script.pids("web") + script.pids("database")
    script.eventually(lambda: not any(alive(pid) for pid in children))


def test_a_child_that_will_not_end_is_killed_in_time(run: Run) -> None:
    script = run("""
        supervisor.GRACE = 0.5
        services = [
            Service("database", python(POLITE.format(name="database")), last=True),
            Service("web", python(STUBBORN.format(name="web"))),
        ]
        sys.exit(Supervisor(services).run())
    """)
    script.eventually(lambda: script.pids("web") and script.pids("database"))
    asked = time.monotonic()
    script.process.send_signal(signal.SIGTERM)
    assert script.process.wait(10) == 0
    assert 0.5 <= time.monotonic() - asked < 3
    assert not alive(script.pids("web")[0])
    assert script.lines[-1] == "bye database", "which still ended cleanly"


def test_a_second_ctrl_c_waits_no_longer_but_one_that_comes_twice_is_one(run: Run) -> None:
    script = run("""
        supervisor.SAME_REQUEST = 0.5
        sys.exit(Supervisor([Service("web", python(STUBBORN.format(name="web")))]).run())
    """)
    script.eventually(lambda: script.pids("web"))
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):  # as make and a terminal do together
        script.process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        script.process.wait(1.5)
    asked = time.monotonic()
    script.process.send_signal(signal.SIGINT)
    script.process.wait(10)
    assert time.monotonic() - asked < 3, "it would have waited for seven"


def test_a_child_that_cannot_live_is_tried_with_growing_waits(run: Run) -> None:
    script = run("""sys.exit(Supervisor([Service("web", python("raise SystemExit(1)"))]).run())""")
    script.eventually(lambda: len(script.lines) >= 4)
    assert script.lines[:4] == [
        "causerie: web ended with code 1; starting it again",
        "causerie: web ended with code 1; starting it again in 0.25 s",
        "causerie: web ended with code 1; starting it again in 0.5 s",
        "causerie: web ended with code 1; starting it again in 1 s",
    ]
    script.process.send_signal(signal.SIGTERM)
    assert script.process.wait(10) == 0


def test_a_wrong_configuration_ends_everything(run: Run) -> None:
    script = run("""
        services = [
            Service("database", python(POLITE.format(name="database")), last=True),
            Service("web", python(AFTER.format(name="database"))),
        ]
        sys.exit(Supervisor(services).run())
    """)
    assert script.process.wait(10) == 2
    assert not alive(script.pids("database")[0])


def test_a_service_that_another_program_runs_is_taken_over_later(run: Run, tmp_path: Path) -> None:
    script = run("""
        from pathlib import Path
        free = Path("free")
        start = python(SLEEPER.format(name="database"))
        def take_over():
            return start() if free.exists() else print("not yet", flush=True)
        sys.exit(Supervisor([Service("database", take_over)]).run())
    """)
    script.eventually(lambda: script.lines == ["not yet"] * 2)
    (tmp_path / "free").touch()
    script.eventually(lambda: script.pids("database"))


def test_a_connection_that_waits_outlives_the_web_process(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = """
            WEB = '''
            import os, socket, sys
            print("web", os.getpid(), flush=True)
            listener = socket.socket(fileno={fd})
            while True:
                connection = listener.accept()[0]
                connection.recv(100)
                connection.sendall(str(os.getpid()).encode())
                connection.close()
            '''
            import textwrap
            fd = int(sys.argv[1])
            web = python(textwrap.dedent(WEB).format(fd=fd), pass_fds=(fd,))
            sys.exit(Supervisor([Service("web", web)]).run())
        """
        script = run(answer, str(listener.fileno()), fds=(listener.fileno(),))
        address = listener.getsockname()
        script.eventually(lambda: script.pids("web"))
        first = script.pids("web")[0]
        assert ask(address) == str(first)
        os.kill(first, signal.SIGSTOP)  # it accepts no more: the next connection waits in the kernel
        script.eventually(lambda: status(first) == "T")
        with socket.create_connection(address, timeout=10) as waiting:
            waiting.sendall(b"?")
            os.kill(first, signal.SIGKILL)
            assert waiting.recv(100) not in (b"", str(first).encode())


def ask(address: tuple[str, int]) -> str:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"?")
        return connection.recv(100).decode()


def alive(pid: int) -> bool:
    """Whether the process runs (one that has ended may stand there until its parent looks)."""
    return status(pid) not in "ZX"


def status(pid: int) -> str:
    """The letter by which the kernel names what it does: T is stopped, Z has ended; X here when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
