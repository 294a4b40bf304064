"""Folders, databases and figures for the tests that break things."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

Report = Callable[[str], None]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user may enter: pytest's own are private, and root's Postgres is another user."""
    made = Path(tempfile.mkdtemp(prefix="causerie-faults-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


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
