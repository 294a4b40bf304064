"""Postgres fails in the middle: connections cut, the server ended at once, away for a while. Causerie stays up."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.faults.conftest import Postgres, Report, embedded_dsn
from tests.faults.crowd import Crowd
from tests.faults.people import Sender, Visitor, Watcher, forgot, make_room, sign_up
from tests.faults.processes import Program, kill, until
from tests.faults.wire import Connection

pytestmark = pytest.mark.xdist_group("cuts")
ROUNDS = int(os.environ.get("ROUNDS", "20"))
# Each takes some seconds: all of twenty are for by hand.
CRASHES = int(os.environ.get("CRASHES", "3"))
AWAY = 20
CUT_ALL = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def program(shared_folder: Path) -> Iterator[Program]:
    """A Causerie on its embedded Postgres, for the tests that leave it well."""
    with Program(shared_folder, ["app", "serve"]) as serving:
        asyncio.run(serving.serves())
        yield serving


async def crowd_of(program: Program) -> tuple[Crowd, list[Sender | Visitor]]:
    """Eight senders, twelve streams and two who come and go, in two rooms."""
    people = await sign_up(program.port, 8)
    rooms = [await make_room(program.port, people, f"Room {number}") for number in range(2)]
    one = [Watcher(program.port, people[n], {rooms[n % 2]: 0}, json=n % 2 == 0) for n in range(6)]
    several = [Watcher(program.port, people[n], dict.fromkeys(rooms, 0)) for n in range(6)]
    crowd = Crowd(program.port, [*one, *several])
    visitors = [Visitor(crowd, people[0], f"/live?after={rooms[0]}:0"), Visitor(crowd, people[1], "/live?format=json")]
    return crowd, [*(Sender(crowd, who, rooms, seed) for seed, who in enumerate(people)), *visitors]


async def healthy(port: int, since: float) -> float:
    """Asks /health until it is well; gives the seconds since `since`. It may say 503 meanwhile, and nothing else."""
    connection = Connection(port)
    answers = [await connection.ask("GET", "/health")]
    while answers[-1].status != 200:
        assert answers[-1].status == 503
        assert time.monotonic() - since < 10, answers[-1]
        answers.append(await connection.ask("GET", "/health"))
    connection.close()
    return time.monotonic() - since


async def test_every_connection_to_postgres_may_be_cut_and_nothing_is_lost(program: Program, report: Report) -> None:
    sends, healths, cut = [], [], 0
    before = [await program.one("web"), await program.one("worker")]
    crowd, senders = await crowd_of(program)
    admin = await asyncpg.connect(embedded_dsn(program.folder))
    async with crowd.at_work(senders):
        for _round in range(ROUNDS):
            await crowd.more(15)
            began = time.monotonic()
            cut += await admin.fetchval(CUT_ALL)
            healths.append(await healthy(program.port, began))
            sends.append(await crowd.recovered(began))
    await admin.close()
    await crowd.judge(embedded_dsn(program.folder))
    assert [await program.one("web"), await program.one("worker")] == before, "the app was restarted"
    assert all(watcher.opened == 1 for watcher in crowd.watchers), "a stream needs no database to stay open"
    assert program.trouble() == []
    assert _lines_of_its_own(program) < 40 + 5 * ROUNDS, "a storm of log lines"
    report(
        f"{cut} connections cut in {ROUNDS} rounds: {len(crowd.kept)} acknowledged, {crowd.refused} answered 503, "
        f"{crowd.replays} found kept at the retry; longest to the next send {max(sends):.2f} s, to health "
        f"{max(healths):.2f} s; {_lines_of_its_own(program)} log lines"
    )


async def test_the_worker_goes_on_when_its_connections_are_cut(program: Program, report: Report) -> None:
    (who,) = await sign_up(program.port, 1)
    worker = await program.one("worker")
    admin = await asyncpg.connect(embedded_dsn(program.folder))
    waits = []
    for round_ in range(3):
        await admin.fetchval(CUT_ALL)
        cut = time.monotonic()
        await healthy(program.port, cut)
        await forgot(program.port, who)
        await until(partial(_shows_mails, program, round_ + 1), 15, "the mail is shown")
        waits.append(time.monotonic() - cut)
    await admin.close()
    assert await program.one("worker") == worker, "the worker was restarted"
    assert program.trouble() == []
    report(f"mail after the worker's connections were cut: {', '.join(f'{wait:.1f} s' for wait in waits)}")


def _shows_mails(program: Program, many: int) -> bool:
    return len(re.findall(r"/auth/reset-password\?token=[\w-]{40,}", program.output)) >= many


async def test_postgres_may_crash_and_nothing_is_lost(program: Program, report: Report) -> None:
    sends, healths, streams = [], [], []
    before, lines = [await program.one("web"), await program.one("worker")], _lines_of_its_own(program)
    crowd, senders = await crowd_of(program)
    async with crowd.at_work(senders):
        for _round in range(CRASHES):
            await crowd.more(15)
            postgres = await program.one("postgres")
            killed = time.monotonic()
            kill(postgres, signal.SIGQUIT)  # what pg_ctl -m immediate sends
            await program.one("postgres", but=postgres)
            healths.append(await healthy(program.port, killed))
            sends.append(await crowd.recovered(killed))
            streams.append(await _new_stream(crowd, killed))
    await crowd.judge(embedded_dsn(program.folder))
    assert [await program.one("web"), await program.one("worker")] == before, "the app was restarted"
    assert all(watcher.opened == 1 for watcher in crowd.watchers), "a stream needs no database to stay open"
    assert program.trouble() == []
    lines = _lines_of_its_own(program) - lines
    assert lines < 40 + 10 * CRASHES, "a storm of log lines"
    report(
        f"{CRASHES} crashes: {len(crowd.kept)} acknowledged, {crowd.refused} answered 503, {crowd.replays} found kept "
        f"at the retry; longest to the next send {max(sends):.2f} s, to health {max(healths):.2f} s, to a new stream "
        f"{max(streams):.2f} s; {lines} log lines"
    )


async def test_streams_stay_open_while_postgres_is_away_and_then_get_what_they_missed(
    folder: Path, postgres: Postgres, report: Report
) -> None:
    settings = {"DATABASE_URL": postgres.dsn, "WEB_CONCURRENCY": "2", "HEARTBEAT_SECONDS": "1"}
    with Program(folder, ["app", "serve", "--web-only"], **settings) as program:
        await program.serves()
        before = program.children("web")
        crowd, senders = await crowd_of(program)
        async with crowd.at_work(senders):
            await crowd.all_live()
            postgres.crash()
            gone = time.monotonic()
            kept, pings = len(crowd.kept), [watcher.events["ping"] for watcher in crowd.watchers]
            health = Connection(program.port)
            while time.monotonic() - gone < AWAY:
                answer = await health.ask("GET", "/health")
                assert answer.status == 503
                assert answer.json["status"] == "down"
                await asyncio.sleep(0.2)
            assert len(crowd.kept) <= kept + len(senders), "only what was under way may still be acknowledged"
            refused = crowd.refused
            assert refused > 0
            assert [w.path for w in crowd.watchers if not w.connected or w.opened > 1] == [], "a stream ended"
            beats = [watcher.events["ping"] - old for watcher, old in zip(crowd.watchers, pings, strict=True)]
            assert min(beats) >= AWAY / 2, "the streams' heart went on beating"
            postgres.start()
            back = time.monotonic()
            healed = await healthy(program.port, back)
            sent = await crowd.recovered(back)
            room = crowd.kept[-1].conversation
            head = crowd.kept[-1].change
            await until(lambda: all(w.last(room) >= head for w in crowd.watchers if room in w.rooms), 10, "caught up")
            seen = time.monotonic() - back
        await crowd.judge(postgres.dsn)
        assert program.children("web") == before, "the app was restarted"
        assert all(watcher.opened == 1 for watcher in crowd.watchers)
        assert program.trouble() == []
    report(
        f"Postgres away for {AWAY} s: {refused} sends answered 503, {sum(beats)} pings meanwhile; once it was back the "
        f"next send took {sent:.2f} s, health {healed:.2f} s, all streams had it after {seen:.2f} s"
    )


def _lines_of_its_own(program: Program) -> int:
    """The log's lines but those that stand for one refused request each."""
    return sum("unavailable" not in line for line in program.output.splitlines())


async def _new_stream(crowd: Crowd, since: float) -> float:
    """Opens a stream, asking again while it is told 503; gives the seconds since `since`."""
    visitor = Visitor(crowd, crowd.watchers[0].who, crowd.watchers[0].path)
    while not await visitor.visit():
        assert time.monotonic() - since < 10, "no new stream is let in"
    return time.monotonic() - since
