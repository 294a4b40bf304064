"""What an export as PDF costs: `python -m bench.pdf`.

Ten thousand messages are written as PDF in a process of their own; and in another one the same texts by WeasyPrint in
the plainest document that there is, a paragraph each, in stretches of the same size: what its layout alone takes here
and now. The ratio of the two is sturdier than either.
"""

import asyncio
import gc
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from app.core.database import Row
from app.core.i18n import Locale
from app.demo.script import dialogues, speak
from app.exports.model import STRETCH, Head, Order, Paper
from app.messages.views import Author

COUNT = 10_000
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
PEOPLE = ["Ada Lovelace", "Olive Martin", "Milo", "Mina Haddad", "مريم الخطيب", "王芳", "Rémy Dupont"]


class Sample:
    """A conversation that nobody had, of the texts of the demo: in four languages, with replies, edits, code, links,
    deletions and comings and goings."""

    def __init__(self, count: int, locale: Locale, paper: Paper = "a4") -> None:
        people = [Author(number, f"person{number}", name) for number, name in enumerate(PEOPLE, 1)]
        order = Order(
            id=1, kind="conversation", by=people[0], conversation=7, format="pdf", archive=False, from_=None, to=None,
            locale=locale, paper=paper, asked_at=START,
        )  # fmt: skip
        self.rows = list(_rows(count))
        self.head = Head(
            instance="https://talk.example.org", order=order, conversation_id=7, kind="group", title="La vie du lycée",
            members=people, count=count, first_at=self.rows[0][2], last_at=self.rows[-1][2],
            read_at=self.rows[-1][2] + timedelta(days=1),
        )  # fmt: skip

    async def stretches(self) -> AsyncIterator[list[Row]]:
        for first in range(0, len(self.rows), STRETCH):
            yield self.rows[first : first + STRETCH]


def _rows(count: int) -> Any:
    """Rows of LINES."""
    rng = random.Random(5)
    said = [
        (each, speak(each.text, lambda _name: "7", lambda choices: choices[0]))
        for dialogue in rng.sample(dialogues(), len(dialogues()))
        for each in dialogue.lines
    ]
    at = START
    before: tuple[Any, ...] = (None, None, None)
    texts: list[tuple[int, str]] = []
    for index in range(count):
        each, text = said[index % len(said)]
        at += timedelta(seconds=rng.choice((20, 45, 90, 200, 1500, 9000)))
        author = ord(each.speaker) % len(PEOPLE) + 1
        kind, event, subject = ("system", "joined", None) if index % 41 == 5 else ("text", None, None)
        texts.append((author, "" if kind == "system" else text))
        quoted = None
        if kind == "text" and each.replies_to is not None and index > 3:
            who, what = texts[index - 2]
            quoted = (1, PEOPLE[who - 1], index - 1, index - 1, who, f"person{who}", what[:400], False)
        deleted = at if each.deleted and kind == "text" else None
        edited = at + timedelta(minutes=3) if each.edited else None
        body = "" if deleted or kind == "system" else text
        yield (
            index + 1, index + 1, at, PEOPLE[author - 1], f"person{author}", None, subject, *before, quoted, None, 7,
            index + 1, author, kind, body, edited, deleted, event, None, None, False, False, False,
        )  # fmt: skip
        before = (author, at, kind)


class Nowhere:
    """An Out that counts."""

    size = 0

    async def write(self, data: bytes) -> None:
        self.size += len(data)

    async def done(self, messages: int) -> None:
        """Nobody waits for it."""


async def ours(sample: Sample) -> int:
    """The export; gives its size."""
    from app.exports.formats import pdf

    out = Nowhere()
    await pdf.write(sample, out)
    return out.size


async def plain(sample: Sample) -> int:
    """The same texts and nothing else."""
    from weasyprint import HTML

    from app.exports.formats.pdf.book import PIECES

    gc.disable()
    size = 0
    for first in range(0, len(sample.rows), PIECES):
        texts = "".join(f"<p>{escape(each[16])}</p>" for each in sample.rows[first : first + PIECES])
        size += len(HTML(string=f"<style>@page {{ size: A4 }}</style>{texts}").write_pdf())
        gc.collect()
    return size


def _measured(which: str, count: int) -> dict[str, float]:
    """One of them, in this process."""
    from app.core.templates import FILTERS
    from app.people.views import is_gone

    FILTERS["gone"] = is_gone
    sample = Sample(count, Locale("fr", "Europe/Paris"))
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu = time.perf_counter(), time.process_time()
    size = asyncio.run((ours if which == "ours" else plain)(sample))
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "messages a second": count / seconds,
        "CPU a message, ms": used * 1000 / count,
        "peak memory, MB": peak / 1024,
        "of that before, MB": idle / 1024,
        "size, MB": size / 1e6,
    }


def main() -> None:
    """Both, and beside each other."""
    if len(sys.argv) == 3:
        print(json.dumps(_measured(sys.argv[1], int(sys.argv[2]))))
        return
    found = {}
    for which in ("plain", "ours"):
        command = [sys.executable, "-m", "bench.pdf", which, str(COUNT)]
        found[which] = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    print(f"{COUNT:,} messages{'':24}{'ours':>10}{'plain':>10}   ratio")
    for name, value in found["ours"].items():
        other = found["plain"][name]
        print(f"{name:39}{value:>10,.1f}{other:>10,.1f}   {value / other:.2f}")


if __name__ == "__main__":
    main()
