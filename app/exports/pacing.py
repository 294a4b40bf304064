"""How fast an export is made: at full speed on a machine at leisure, at a part of it where others work too.

The kernel lets others go first (see `start.py`), and yet they feel it: two cores share caches and memory, what is
woken up waits for the end of a slice, and Postgres reads for the one as for the others. So whoever has worked for a
while leaves whole stretches of time to them. Who else is at work is seen in these rests alone, in which Postgres rests
as well.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

# Seconds of CPU that each has before it makes room: what is short is soon over.
FREE = 0.25
# Seconds of CPU between two rests, or more: a send takes 5 ms, and most that begin in a rest are answered in it.
STRETCH = 0.125
# So many times as long as it worked it rests where others are at work.
REST = 4.0
# While nobody was, it looks after so many seconds of CPU whether somebody is, for as long as some ticks take.
LOOK, GLANCE = 1.0, 0.1
# Others are at work when they take more than this part of a core.
AT_WORK = 0.1
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
        self._rested_at = cpu()
        self._looked = False
        self.others = False

    async def make_room(self) -> None:
        """Rests where it is time to, and sees who works meanwhile."""
        rest = self.due()
        if rest:
            before = self._look()
            await asyncio.sleep(rest)
            self.rested(before)

    def due(self) -> float:
        """The seconds to rest now."""
        cpu = self._cpu()
        worked = cpu - self._rested_at
        if cpu < FREE or worked < (STRETCH if self.others else LOOK if self._looked else 0.0):
            return 0.0
        return worked * REST if self.others else GLANCE

    def rested(self, before: tuple[float, float | None]) -> None:
        """After a rest, that began when the machine looked like `before`."""
        clock, busy = self._look()
        if busy is None or before[1] is None:
            self.others = True
        else:
            self.others = busy - before[1] > AT_WORK * (clock - before[0])
        self._rested_at, self._looked = self._cpu(), True

    def _look(self) -> tuple[float, float | None]:
        return self._clock(), self._busy()


# A process makes one export.
current = Pace()
