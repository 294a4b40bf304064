"""An export makes room for others, and loses little time where there are none."""

from __future__ import annotations

import time

from app.exports.pacing import FREE, GLANCE, LOOK, REST, STRETCH, Pace, busy_seconds


class Machine:
    """Two cores on which an export and others work; `pass_by` lets time go on."""

    def __init__(self, tells: bool = True) -> None:
        self.cpu = self.others = self.now = 0.0
        self.tells = tells

    def pace(self) -> Pace:
        return Pace(lambda: self.cpu, self.busy, lambda: self.now)

    def busy(self) -> float | None:
        return self.cpu + self.others if self.tells else None

    def pass_by(self, seconds: float, *, own: float = 0.0, others: float = 0.0) -> None:
        self.now += seconds
        self.cpu += own
        self.others += others


def rests(machine: Machine, pace: Pace, *, others: float, stretches: int, postgres: float = 0.0) -> float:
    """The seconds that it rests while it works for so many stretches. Others take that part of a core at all times, and
    Postgres takes for it that part as long as it works."""
    rested = 0.0
    for _ in range(stretches):
        machine.pass_by(STRETCH, own=STRETCH, others=(others + postgres) * STRETCH)
        rest = pace.due()
        if rest:
            before = machine.now, machine.busy()
            machine.pass_by(rest, others=others * rest)
            pace.rested(before)
            rested += rest
    return rested


def test_an_export_rests_longer_than_it_works_where_others_work_too() -> None:
    machine = Machine()
    pace = machine.pace()
    rests(machine, pace, others=0.2, stretches=50)
    assert round(rests(machine, pace, others=0.2, stretches=20), 6) == round(20 * REST * STRETCH, 6)


def test_a_machine_at_leisure_is_used_nearly_whole_though_postgres_works_for_it() -> None:
    machine = Machine()
    pace = machine.pace()
    rests(machine, pace, others=0.02, postgres=0.5, stretches=50)
    stretches = 40
    glances = stretches * STRETCH / LOOK
    assert round(rests(machine, pace, others=0.02, postgres=0.5, stretches=stretches), 6) == round(glances * GLANCE, 6)
    assert GLANCE / LOOK <= 0.1


def test_it_notices_that_others_come_and_that_they_go() -> None:
    machine = Machine()
    pace = machine.pace()
    rests(machine, pace, others=0, stretches=50)
    assert not pace.others
    rests(machine, pace, others=0.5, stretches=int(LOOK / STRETCH) + 1)
    assert pace.others
    rests(machine, pace, others=0, stretches=2)
    assert not pace.others


def test_what_is_short_never_rests() -> None:
    machine = Machine()
    assert rests(machine, machine.pace(), others=1, stretches=int(FREE / STRETCH) - 1) == 0


def test_where_nobody_says_who_works_others_are_taken_to() -> None:
    machine = Machine(tells=False)
    pace = machine.pace()
    rests(machine, pace, others=0, stretches=50)
    assert rests(machine, pace, others=0, stretches=10) == 10 * REST * STRETCH


def test_between_two_rests_it_works_for_a_stretch() -> None:
    machine = Machine()
    pace = machine.pace()
    rests(machine, pace, others=1, stretches=50)
    machine.pass_by(STRETCH, own=STRETCH / 2, others=STRETCH)
    assert pace.due() == 0


async def test_it_sleeps_for_what_is_due_and_looks_who_works() -> None:
    machine = Machine(tells=False)
    pace = machine.pace()
    machine.pass_by(FREE, own=FREE)  # nobody knows yet who else is there
    began = time.monotonic()
    await pace.make_room()
    assert time.monotonic() - began > GLANCE / 2  # uvloop counts in milliseconds
    assert pace.others


def test_the_machine_tells_how_much_it_has_worked() -> None:
    before = busy_seconds()
    began = time.process_time()
    while time.process_time() - began < 0.1:
        pass
    after = busy_seconds()
    assert before is not None
    assert after is not None
    # Ticks are 10 ms long.
    assert after - before >= 0.05
