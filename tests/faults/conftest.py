"""Folders, databases and figures for the tests that break things."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from app.core import embedded
from tests.conftest import unpack
from tests.faults.processes import Program

Report = Callable[[str], None]


@contextmanager
def _folder(prepared: Path) -> Iterator[Path]:
    """A DATA_DIR that any user may enter: pytest's own are private, and root's Postgres is another user. Its database
    is there already, as at each start but the first."""
    made = Path(tempfile.mkdtemp(prefix="causerie-faults-"))
    made.chmod(0o711)
    unpack(prepared, made)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def folder(prepared: Path) -> Iterator[Path]:
    """A folder of this test's own."""
    with _folder(prepared) as made:
        yield made


@pytest.fixture(scope="module")
def shared_folder(prepared: Path) -> Iterator[Path]:
    """One for all tests of a module."""
    with _folder(prepared) as made:
        yield made


class Postgres:
    """A Postgres as a provider would run it: not a child of Causerie, which knows its address alone."""

    def __init__(self, folder: Path) -> None:
        self.cluster = embedded.prepare(folder / "database")
        self.start()
        self.dsn = self.cluster.dsn

    def start(self) -> None:
        """Returns once it answers."""
        self.process = self.cluster.start()
        assert self.process is not None
        self.cluster.wait_ready(self.process)

    def crash(self) -> None:
        """Ends it at once, as pg_ctl -m immediate does; what was committed is found again at the next start."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)


@pytest.fixture
def postgres(folder: Path) -> Iterator[Postgres]:
    """A running one, its tables made by `python -m app migrate` as a release does it."""
    made = Postgres(folder)
    try:
        with Program(folder, ["app", "migrate"], DATABASE_URL=made.dsn) as release:
            assert release.process.wait(60) == 0, release.output
        yield made
    finally:
        if made.process is not None:
            made.cluster.stop(made.process)
        made.cluster.close()


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Takes a line with what was measured, for the end of the run."""

    def take(line: str) -> None:
        record_property("figures", line)
        print(line)

    return take


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the tests measured."""
    for outcome in ("passed", "failed"):
        for test in terminalreporter.getreports(outcome):
            for name, value in test.user_properties:
                if name == "figures" and test.when == "call":
                    terminalreporter.write_line(f"figures of {test.nodeid.rpartition('::')[2]}: {value}")


def embedded_dsn(data_dir: Path) -> str:
    """The address of the embedded Postgres that runs in this DATA_DIR."""
    lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    return f"postgresql://causerie@/causerie?host={quote(lines[4])}"
