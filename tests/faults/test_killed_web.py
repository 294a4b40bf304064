"""kill -9 of the web process, again and again, while people write and watch."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from app.core.supervisor import RAN_WELL
from tests.faults.conftest import Report, embedded_dsn
from tests.faults.crowd import Crowd
from tests.faults.people import Person, Sender, Watcher, make_room, sign_up
from tests.faults.processes import Program, age, kill, until

pytestmark = pytest.mark.xdist_group("kills")
ROUNDS = int(os.environ.get("ROUNDS", "20"))


async def test_nothing_acknowledged_is_lost_or_seen_twice_when_the_web_process_is_killed(
    folder: Path, report: Report
) -> None:
    chance = random.Random(20)
    outages = []
    with Program(folder, ["app", "serve", "--web-only"]) as program:
        await program.serves()
        people = await sign_up(program.port, 8)
        rooms = [await make_room(program.port, people, f"Room {number}") for number in range(3)]
        crowd = Crowd(program.port, _watchers(program.port, people, rooms))
        senders = [Sender(crowd, who, rooms, seed) for seed, who in enumerate(people)]
        began = time.monotonic()
        async with crowd.at_work(senders):
            for _round in range(ROUNDS):
                web = await program.one("web")
                await crowd.all_connected()
                await crowd.more(15)
                # A child that dies younger is started again more slowly each time; that is the supervisor's own test.
                await until(partial(_old_enough, web), RAN_WELL + 5, "the web process is two seconds old")
                await asyncio.sleep(chance.uniform(0, 0.06))  # at any moment of a send: this is the throw of the dice
                killed = time.monotonic()
                kill(web, signal.SIGKILL)
                outages.append(await crowd.recovered(killed, 30))
                assert web not in program.children("web")
        lasted = time.monotonic() - began
        await crowd.judge(embedded_dsn(folder))
    report(
        f"{ROUNDS} kills in {lasted:.0f} s: {len(crowd.kept)} acknowledged, {crowd.cuts} sends cut, "
        f"{crowd.replays} found kept at the retry, {sum(w.opened for w in crowd.watchers)} streams opened, "
        f"outage longest {max(outages):.2f} s, median {sorted(outages)[len(outages) // 2]:.2f} s"
    )
    assert program.trouble() == []


def _old_enough(pid: int) -> bool:
    return age(pid) > RAN_WELL


def _watchers(port: int, people: list[Person], rooms: list[int]) -> list[Watcher]:
    """Pages of one room, programs that follow one or several, and programs that follow everything."""
    every = dict.fromkeys(rooms, 0)
    one = [Watcher(port, people[n], {rooms[n % 3]: 0}, json=n % 2 == 0) for n in range(6)]
    several = [Watcher(port, people[n], every) for n in range(4)]
    return [*one, *several, *(Watcher(port, people[n], None) for n in (6, 7))]
