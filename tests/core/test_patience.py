"""Work that waits for the database says so, but does not fill the log."""

from __future__ import annotations

import asyncpg
import pytest
import structlog
from structlog.testing import capture_logs

from app.core import patience


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_said", {})
    monkeypatch.setattr(patience, "log", structlog.get_logger())  # the old one has kept the processors of its first use


def fails(what: str, error: Exception) -> None:
    with patience.patience(what):
        raise error


def test_what_waits_for_the_database_is_said_once_and_not_at_each_try() -> None:
    with capture_logs() as lines:
        for _try in range(100):
            fails("mails wait", ConnectionRefusedError())
            fails("pushes wait", ConnectionRefusedError())
    assert [(line["event"], line["error"]) for line in lines] == [
        ("mails wait for the database", "ConnectionRefusedError"),
        ("pushes wait for the database", "ConnectionRefusedError"),
    ]


def test_another_reason_is_said_too() -> None:
    with capture_logs() as lines:
        fails("mails wait", ConnectionRefusedError())
        fails("mails wait", asyncpg.UndefinedTableError())
    assert [line["error"] for line in lines] == ["ConnectionRefusedError", "UndefinedTableError"]


def test_it_is_said_again_when_it_has_lasted_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as lines:
        fails("mails wait", ConnectionRefusedError())
        monkeypatch.setattr(patience, "EVERY", 0.0)  # the minute is over
        fails("mails wait", ConnectionRefusedError())
    assert len(lines) == 2


def test_a_fault_of_ours_is_not_taken_for_a_database_that_is_away() -> None:
    with pytest.raises(KeyError):
        fails("mails wait", KeyError("name"))
