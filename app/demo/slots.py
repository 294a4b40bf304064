"""What may stand in the braces of a written dialogue: the words of `lists/`, numbers, dates and names."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from babel.dates import format_date

from app.demo.cast import Character

_LISTS = Path(__file__).parent / "lists"


def _read(path: Path) -> dict[str, list[str]]:
    lines = path.read_text("utf-8").strip().replace("\n ", " ").splitlines()
    parted = (line.split(":", 1) for line in lines if not line.startswith("#"))
    return {name: [value.strip() for value in values.split(";")] for name, values in parted}


_VALUES = {language: _read(_LISTS / f"{language}.txt") for language in ("en", "fr")}
_NUMBERS = {"n": (2, 9), "nn": (11, 60), "page": (12, 190), "room": (101, 318), "ticket": (1002, 4980), "score": (0, 4)}


class Slots:
    """The values of one dialogue: each name keeps its value, and {day2} differs from {day}.

    `speakers` gives the call names of the letters; `others` may be talked about.
    """

    def __init__(
        self,
        rng: random.Random,
        language: str,
        said_at: datetime,
        speakers: dict[str, str],
        others: Sequence[Character],
    ) -> None:
        self._rng = rng
        self.language = language
        self._values_of = _VALUES.get(language, _VALUES["en"])
        self._said_at = said_at
        self._others = others
        self._values = dict(speakers)

    def __getitem__(self, name: str) -> str:
        """The value of a slot; raises KeyError for one that no list has."""
        if name not in self._values:
            self._values[name] = (
                self._later(name) if name.startswith("time") else self._other(name.rstrip("0123456789"))
            )
        return self._values[name]

    def choose(self, alternatives: list[str]) -> str:
        """One of several ways to say it; each time anew."""
        return self._rng.choice(alternatives)

    def _other(self, kind: str) -> str:
        """A value that nothing here has yet, unless chance insists."""
        for _ in range(8):
            value = self._draw(kind)
            if value not in self._values.values():
                break
        return value

    def _later(self, name: str) -> str:
        """{time2} comes after {time}, and {time3} after that: one may be the end of what the other begins."""
        times = self._values_of["time"]
        if name == "time":
            return self._rng.choice(times[:-4])
        number = int(name.removeprefix("time"))
        after = times.index(self["time" if number == 2 else f"time{number - 1}"])
        return self._rng.choice(times[after + 1 : after + 4] or times[-1:])

    def _draw(self, name: str) -> str:
        rng = self._rng
        if name in _NUMBERS:
            return str(rng.randint(*_NUMBERS[name]))
        if name == "name":
            return rng.choice(self._others).call
        if name == "pupil":
            return rng.choice([other for other in self._others if other.role == "student"] or self._others).call
        if name == "date":
            when = self._said_at + timedelta(days=rng.randint(2, 16))
            when += timedelta(days=when.weekday() == 6)  # nothing is planned for a Sunday
            return format_date(when, "EEEE d MMMM", locale=self.language if self.language in _VALUES else "en")
        if name == "version":
            return f"{rng.randint(1, 3)}.{rng.randint(0, 14)}.{rng.randint(0, 6)}"
        if name == "sha":
            return f"{rng.getrandbits(28):07x}"
        return rng.choice(self._values_of[name])
