"""When people write: at human hours, more on some days than on others, never later than now."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Paris")  # most of the cast lives there
WAKING, SLEEPING = time(7, 0), time(23, 20)
# For each rhythm the weight of the hours from 7 to 22, on a weekday and at the weekend.
_HOURS = {
    "school": ((6, 5, 2, 2, 2, 6, 6, 3, 2, 5, 9, 9, 8, 7, 5, 2), (0, 0, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5, 4, 1)),
    "office": ((1, 4, 9, 9, 9, 5, 4, 8, 9, 8, 6, 3, 1, 1, 1, 0), (0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)),
    "evening": ((2, 2, 1, 1, 1, 4, 3, 1, 1, 2, 4, 6, 7, 9, 8, 4), (1, 2, 5, 7, 7, 5, 4, 4, 5, 6, 6, 7, 6, 7, 6, 3)),
    "always": ((4, 5, 4, 4, 4, 6, 6, 4, 4, 5, 6, 7, 7, 7, 6, 3), (1, 2, 4, 5, 5, 4, 3, 3, 4, 4, 5, 5, 5, 5, 4, 2)),
}


def starts(rng: random.Random, count: int, rhythm: str, first: datetime, last: datetime) -> list[datetime]:
    """So many moments between two, in order, as that rhythm spreads them."""
    hours: list[datetime] = []
    weights: list[float] = []
    day = first.astimezone(ZONE).date()
    while day <= last.astimezone(ZONE).date():
        weekday, weekend = _HOURS[rhythm]
        for clock, weight in enumerate(weekend if day.weekday() >= 5 else weekday, 7):
            begin = datetime.combine(day, time(clock), ZONE).astimezone(UTC)
            if first - timedelta(hours=1) < begin < last:
                hours.append(begin)
                weights.append(weight)
        day += timedelta(days=1)
    edges = list(accumulate(weights))
    drawn = []
    for _ in range(count):
        hour = hours[min(bisect(edges, rng.random() * edges[-1]), len(hours) - 1)]
        drawn.append(min(max(hour + timedelta(seconds=rng.random() * 3600), first), last))
    return sorted(drawn)


def in_turn(starting: Sequence[datetime], lasting: Sequence[timedelta], last: datetime) -> list[datetime]:
    """The starts moved so that each dialogue ends before the next begins, all are over by `last`, and none is at night.

    Where there is more talk than time, it overlaps: then nothing is moved before the first start.
    """
    pause = timedelta(minutes=4)
    moved: list[datetime] = []
    free = starting[0] if starting else last
    for start, length in zip(starting, lasting, strict=True):
        begin = awake(max(start, free), length, later=True)
        moved.append(begin)
        free = begin + length + pause
    limit = last
    for index in range(len(moved) - 1, -1, -1):
        length = lasting[index]
        if moved[index] + length > limit:
            moved[index] = max(awake(limit - length, length, later=False), starting[0])
        limit = moved[index] - pause
    return moved


def awake(start: datetime, length: timedelta = timedelta(), later: bool = True) -> datetime:
    """The start, or where it would be at night, the next morning or the evening before."""
    day = start.astimezone(ZONE).date()
    if start < _at(day, WAKING):
        return _at(day, WAKING) if later else _at(day - timedelta(days=1), SLEEPING) - length
    if start + length > _at(day, SLEEPING):
        return _at(day + timedelta(days=1), WAKING) if later else _at(day, SLEEPING) - length
    return start


def _at(day: date, clock: time) -> datetime:
    """That time on the clocks there: a day on which they change is not one of 24 hours."""
    return datetime.combine(day, clock, ZONE).astimezone(UTC)
