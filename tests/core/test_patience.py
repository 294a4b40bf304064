"""Work that waits for the database says so, but does not fill the log."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import asyncpg
import pytest
import structlog
from structlog.testing import LogCapture

from app.core import patience

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """What it says, by a log of its own: that of the process has the level and the form that another test gave it."""
    heard = LogCapture()
    own = structlog.wrap_logger(structlog.PrintLogger(), processors=[heard], wrapper_class=structlog.BoundLogger)
    monkeypatch.setattr(patience, "log", own)
    monkeypatch.setattr(patience, "_said", {})
    return heard.entries


def fails(what: str, error: Exception) -> None:
    with patience.patience(what):
        raise error


def test_what_waits_for_the_database_is_said_once_and_not_at_each_try(lines: Lines) -> None:
    for _try in range(100):
        fails("mails wait", ConnectionRefusedError())
        fails("pushes wait", ConnectionRefusedError())
    assert [(line["event"], line["error"]) for line in lines] == [
        ("mails wait for the database", "ConnectionRefusedError"),
        ("pushes wait for the database", "ConnectionRefusedError"),
    ]


def test_another_reason_is_said_too(lines: Lines) -> None:
    fails("mails wait", ConnectionRefusedError())
    fails("mails wait", asyncpg.UndefinedTableError())
    assert [line["error"] for line in lines] == ["ConnectionRefusedError", "UndefinedTableError"]


def test_it_is_said_again_when_it_has_lasted_a_minute(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    fails("mails wait", ConnectionRefusedError())
    monkeypatch.setattr(patience, "EVERY", 0.0)  # the minute is over
    fails("mails wait", ConnectionRefusedError())
    assert len(lines) == 2


def test_a_fault_of_ours_is_not_taken_for_a_database_that_is_away() -> None:
    with pytest.raises(KeyError):
        fails("mails wait", KeyError("name"))
