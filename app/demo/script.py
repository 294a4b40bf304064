"""Reads the written dialogues of `texts/`, and speaks one: every slot filled, every alternative chosen.

    == fr class teachers           a dialogue in French, for rooms that talk about class or of teachers
    S: salut {A}, t'as fait l'exercice {n} {page|de demain} ?
    A^: oui {mais j'ai rien compris|, facile}

A letter is a speaker: T is a teacher or an administrator, P a parent, S and R are students, the others anyone. Between
the letter and the colon: `^` replies to the line before (`^3` to the third before), `*` was edited, `x` was deleted,
`~` comes hours later. An indented line goes on in a new line of the same message; `|` alone is an empty line.
In braces stand a slot of `slots.py`, the name of a speaker (`{A}`, or `{@A}` as a mention), or alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TEXTS = Path(__file__).parent / "texts"
_SPOKEN = re.compile(r"([A-Z])([x*~]*)(?:\^(\d*))?([x*~]*): ?(.*)")
_BRACES = re.compile(r"\{(@?[A-Za-z]\w*|[^{}\n|]*(?:\|[^{}\n|]*)+)\}")


@dataclass(frozen=True, slots=True)
class Line:
    """What one speaker says; `replies_to` is the index of an earlier line."""

    speaker: str
    text: str
    replies_to: int | None = None
    edited: bool = False
    deleted: bool = False
    pause: bool = False


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Some lines that belong together."""

    language: str
    topics: frozenset[str]
    lines: tuple[Line, ...]
    speakers: tuple[str, ...]


@cache
def dialogues() -> tuple[Dialogue, ...]:
    """All that is written; raises ValueError that names the file and the line that is not in the form above."""
    return tuple(dialogue for path in sorted(TEXTS.glob("*.txt")) for dialogue in _parse(path))


def speak(text: str, slot: Callable[[str], str], choose: Callable[[list[str]], str]) -> str:
    """The text with its braces resolved: `slot` gives the value of a name, `choose` one of several alternatives."""

    def resolve(match: re.Match[str]) -> str:
        inside = match[1]
        return choose(inside.split("|")) if "|" in inside else slot(inside)

    while (spoken := _BRACES.sub(resolve, text)) != text:  # an alternative may hold a slot, and braces inner ones
        text = spoken
    return text


def _parse(path: Path) -> list[Dialogue]:
    found: list[Dialogue] = []
    head: list[str] = []
    lines: list[Line] = []

    def finish() -> None:
        if lines:
            speakers = tuple(dict.fromkeys(line.speaker for line in lines))
            found.append(Dialogue(head[0], frozenset(head[1:]), tuple(lines), speakers))
            lines.clear()

    for number, raw in enumerate(path.read_text("utf-8").splitlines(), 1):
        if raw.startswith("=="):
            finish()
            head = raw[2:].split()
        elif raw.startswith("  ") and lines:
            last = lines.pop()
            more = "" if raw.strip() == "|" else raw[2:]
            lines.append(Line(last.speaker, f"{last.text}\n{more}", *_rest(last)))
        elif (spoken := _SPOKEN.fullmatch(raw)) and len(head) > 1:
            lines.append(_line(spoken, len(lines)))
        elif raw.strip():
            raise ValueError(f"{path.name}:{number} is no line of a dialogue: {raw!r}")
    finish()
    return found


def _line(spoken: re.Match[str], index: int) -> Line:
    speaker, before, back, after, text = spoken.groups()
    flags = before + after
    replies_to = None if back is None else max(0, index - int(back or 1))
    return Line(speaker, text, replies_to if index else None, "*" in flags, "x" in flags, "~" in flags)


def _rest(line: Line) -> tuple[int | None, bool, bool, bool]:
    return line.replies_to, line.edited, line.deleted, line.pause
