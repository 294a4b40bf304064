"""What the operator wants of an import, what came of it, and why nothing did."""

from dataclasses import dataclass, field
from datetime import datetime

from app.core.supervisor import CannotStartError


class DamagedError(Exception):
    """What is wrong with the file, and where."""


class CannotImportError(CannotStartError):
    """Why it was not imported; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator says: who is to own the group, how it is to be called, and who is who. `names` maps usernames
    there to usernames here; with `same_usernames` whoever is called alike is the same. `again`: also what is here."""

    owner: str | None = None
    title: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    same_usernames: bool = False
    again: bool = False


@dataclass(slots=True)
class Imported:
    """What came of it: the group, and what its operator should know."""

    conversation: int = 0
    title: str = ""
    messages: int = 0
    placeholders: list[str] = field(default_factory=list)
    matched: list[str] = field(default_factory=list)
    unanswered: int = 0
    left_out: int = 0
    oldest: datetime | None = None
