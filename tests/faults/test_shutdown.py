"""The end, polite or not: all that was started ends, in time and in good order, and the next start finds everything."""

from __future__ import annotations

import asyncio
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from tests.core.test_embedded import state
from tests.faults.conftest import Report, embedded_dsn
from tests.faults.crowd import Crowd
from tests.faults.people import Sender, Watcher, make_room, sign_up
from tests.faults.processes import Program, kill, until

pytestmark = pytest.mark.xdist_group("waits")


@pytest.mark.parametrize(("number", "many"), [(signal.SIGTERM, 500), (signal.SIGINT, 50)], ids=["SIGTERM", "SIGINT"])
async def test_all_ends_within_ten_seconds_with_500_open_streams(
    folder: Path, report: Report, number: signal.Signals, many: int
) -> None:
    with Program(folder, ["app", "serve"]) as program:
        await program.serves()
        people = await sign_up(program.port, 5)
        room = await make_room(program.port, people)
        watchers = [Watcher(program.port, people[n % 5], {room: 0}, json=n % 2 == 0) for n in range(many)]
        crowd = Crowd(program.port, watchers)
        streams = [asyncio.create_task(watcher.once()) for watcher in watchers]
        await crowd.all_connected(60)
        writing = [asyncio.create_task(Sender(crowd, who, [room], seed).run()) for seed, who in enumerate(people)]
        await crowd.more(15)
        everything = program.tree()
        # A new backend is called like Postgres itself for a moment.
        one_each = partial(_one_of_each, program)
        await until(one_each, 10, "one of each")
        asked = time.monotonic()
        kill(program.process.pid, number)
        await until(lambda: program.process.poll() is not None, 20, "the parent ends")
        lasted = time.monotonic() - asked
        assert program.left() == [], "a process outlived its parent"
        assert program.process.returncode == 0
        crowd.stopping = True
        for task in writing:
            task.cancel()
        ends = await asyncio.gather(*streams, return_exceptions=True)
        assert [end for end in ends if end is not None] == [], "every stream was ended in good order"
        assert [watcher.connection.torn for watcher in watchers if watcher.connection.torn] == []
        assert state(folder) == "shut down"
        assert program.trouble() == []
    report(f"{number.name} with {many} open streams: {len(everything)} processes had ended after {lasted:.2f} s")
    assert lasted < 10


async def test_when_the_parent_is_killed_all_else_ends_and_the_next_start_has_every_message(
    folder: Path, report: Report
) -> None:
    with Program(folder, ["app", "serve"]) as first:
        await first.serves()
        people = await sign_up(first.port, 4)
        rooms = [await make_room(first.port, people)]
        watchers = [Watcher(first.port, who, {rooms[0]: 0}, json=n % 2 == 0) for n, who in enumerate(people)]
        crowd = Crowd(first.port, watchers)
        async with crowd.at_work([Sender(crowd, who, rooms, seed) for seed, who in enumerate(people)]):
            await crowd.more(50)
            everything = first.tree()
            killed = time.monotonic()
            kill(first.process.pid, signal.SIGKILL)
            first.process.wait(5)
            await until(lambda: not first.left(), 10, "web, worker and Postgres are gone")
            gone = time.monotonic() - killed
            with Program(folder, ["app", "serve"], PORT=str(first.port)) as second:
                # The people who were there come back by themselves: they know nothing but the address.
                outage = await crowd.recovered(killed, 60)
                await crowd.all_connected()
                await crowd.more(15)
                crowd.stopping = True
                await crowd.settled()
                await crowd.judge(embedded_dsn(folder))
                assert second.trouble() == []
    report(
        f"kill -9 of the parent: the other {len(everything) - 1} processes were gone after {gone:.2f} s; "
        f"{len(crowd.kept)} acknowledged in all, {crowd.replays} found kept at the retry, {outage:.2f} s of outage"
    )


def _one_of_each(program: Program) -> bool:
    return {len(program.children(word)) for word in ("web", "worker", "postgres")} == {1}
