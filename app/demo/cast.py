"""Who is in the demo: sixty people of a school, its parents, an association beside it and a small company."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_LIST = Path(__file__).parent / "lists" / "cast.txt"


@dataclass(frozen=True, slots=True)
class Character:
    """Someone of the demo, and the circles that they belong to; `call` is what friends call them."""

    username: str
    name: str
    call: str
    role: str
    language: str
    time_zone: str
    circles: frozenset[str]


def characters() -> tuple[Character, ...]:
    """Everyone, the account to look round with first."""
    lines = (line for line in _LIST.read_text("utf-8").splitlines() if not line.startswith("#"))
    return tuple(_character(*(field.strip() for field in line.split("|"))) for line in lines)


def _character(
    username: str, name: str, call: str, role: str, language: str, time_zone: str, circles: str
) -> Character:
    return Character(username, name, call, role, language, time_zone, frozenset(circles.split()))
