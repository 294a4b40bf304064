"""How fast a PDF is drawn: at full speed on a machine at leisure, at half of it where others work too.

The kernel already lets others go first (see `program.py`), and yet they feel it: two cores share caches and memory, and
what is woken up waits for the end of a slice. So what takes long leaves whole stretches of time to them. CSV and JSON
need none of it: a hundred thousand messages are written in two seconds.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

# Seconds of CPU that each has before it makes room: what is short is soon over.
FREE = 3.0
# Seconds of CPU between two rests, or more: a send takes 5 ms, and most that begin in a rest are answered in it.
STRETCH = 0.125
# Others are at work when they take more than this part of a core.
AT_WORK = 0.1
# Of what is measured over a stretch; ticks of 10 ms make one alone uncertain.
_NEW = 0.3
_STAT = Path("/proc/stat")


def busy_seconds() -> float | None:
    """The seconds that all cores together have worked since the start of the machine (proc(5), /proc/stat: user, nice,
    system, then idle and iowait, then irq and softirq); None where there is no such file. In a container it is mostly
    the whole host's: there it counts as others whoever else is on it."""
    try:
        first = _STAT.read_text().partition("\n")[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq = (int(each) for each in first[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


class Pace:
    """Of the export that this process makes. `cpu` gives the seconds of CPU that it has taken, `busy` those that all
    of the machine has, or None where nobody says (then others are taken to be at work)."""

    def __init__(
        self,
        cpu: Callable[[], float] = time.process_time,
        busy: Callable[[], float | None] = busy_seconds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cpu, self._busy, self._clock = cpu, busy, clock
        self._at = (cpu(), busy(), clock())
        self._others = AT_WORK

    async def make_room(self) -> None:
        """Rests as long as was worked since the last time, where that is long enough and others are at work."""
        rest = self.due()
        if rest:
            await asyncio.sleep(rest)

    def due(self) -> float:
        """The seconds to rest now."""
        cpu, busy, clock = self._cpu(), self._busy(), self._clock()
        was_cpu, was_busy, was_clock = self._at
        worked = cpu - was_cpu
        if worked < STRETCH:
            return 0.0
        self._at = (cpu, busy, clock)
        if busy is None or was_busy is None:
            return worked if cpu > FREE else 0.0
        others = (busy - was_busy - worked) / max(clock - was_clock, worked)
        self._others += _NEW * (others - self._others)
        return worked if cpu > FREE and self._others > AT_WORK else 0.0
