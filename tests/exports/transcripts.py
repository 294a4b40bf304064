"""Conversations in memory, and what a finished PDF says of itself."""

import subprocess
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pikepdf

from app.core.database import Row
from app.core.i18n import Locale
from app.core.settings import load
from app.exports.model import Head, Order
from app.main import create_app
from app.messages.views import Author
from tests.exports.conftest import INSTANCE

# Templates are compiled once, with the filters that the composition root gives them.
create_app(load({"DATABASE_URL": "postgresql://nobody@localhost/nothing", "SECRET_KEY": "k" * 64}))
START = datetime(2026, 1, 30, 9, 0, tzinfo=UTC)
NAMES = {1: "Ada Admin", 2: "مريم الخطيب", 3: "王芳"}


def row(
    position: int,
    body: str = "",
    at: datetime | None = None,
    author: int = 1,
    kind: str = "text",
    answers: tuple[int, int, str] | None = None,
    edited: bool = False,
    deleted: bool = False,
    before: Row | None = None,
) -> Row:
    """A row of LINES. `answers` is the position, author and text of what it replies to."""
    at = at or START + timedelta(minutes=position)
    quoted = (
        (1, NAMES[answers[1]], answers[0], answers[0], answers[1], "someone", answers[2], False) if answers else None
    )
    above = (before[14], before[2], before[15]) if before is not None else (None, None, None)
    return (
        position, position, at, NAMES[author], f"user{author}", None, None, *above, quoted, None, 7, position,
        author, kind, body, at + timedelta(minutes=2) if edited else None, at if deleted else None,
        "joined" if kind == "system" else None, None, None, False, False, False,
    )  # fmt: skip


class Told:
    """A Source of these rows."""

    def __init__(
        self, rows: Sequence[Row], locale: Locale | None = None, title: str = "La chorale", **more: Any
    ) -> None:
        people = [Author(id_, f"user{id_}", name) for id_, name in NAMES.items()]
        given: dict[str, Any] = {
            "id": 1, "kind": "conversation", "by": people[0], "conversation": 7, "format": "pdf", "archive": False,
            "from_": None, "to": None, "locale": locale or Locale("en", "Europe/Paris"), "paper": "a4",
            "asked_at": START,
        }  # fmt: skip
        self.rows = rows
        self.head = Head(
            instance=INSTANCE, order=Order(**(given | more)), conversation_id=7, kind="group", title=title,
            members=people, count=len(rows), first_at=rows[0][2] if rows else None,
            last_at=rows[-1][2] if rows else None, read_at=START + timedelta(days=90),
        )  # fmt: skip

    async def stretches(self) -> AsyncIterator[list[Row]]:
        for first in range(0, len(self.rows), 100):
            yield list(self.rows[first : first + 100])


def text_of(path: Path, *options: str) -> str:
    """What pdftotext reads in it."""
    done = subprocess.run(["pdftotext", *options, str(path), "-"], capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


def elements(pdf: pikepdf.Pdf) -> list[Any]:
    """All elements of the structure, parents before children, in reading order."""
    found, waiting = [], [pdf.Root.StructTreeRoot.K[0]]
    while waiting:
        element = waiting.pop()
        found.append(element)
        kids: Any = element.get("/K", [])
        waiting += [kid for kid in reversed(list(kids)) if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]
    return found


def parents(pdf: pikepdf.Pdf) -> dict[int, Any]:
    """The tree that leads from pages and annotations to their elements."""
    found: dict[int, Any] = {}
    for leaf in pdf.Root.StructTreeRoot.ParentTree.Kids:
        nums = list(leaf.Nums)
        assert [int(nums[0]), int(nums[-2])] == [int(each) for each in leaf.Limits]
        found |= {int(key): value for key, value in zip(nums[::2], nums[1::2], strict=True)}
    return found
