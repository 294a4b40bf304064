"""Two web processes on one database: which of them someone has come to makes no difference."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.faults.conftest import Report, embedded_dsn
from tests.faults.crowd import Crowd
from tests.faults.people import Person, Sender, Watcher, make_room, sign_up
from tests.faults.processes import Program, kill, until
from tests.faults.wire import Connection

pytestmark = pytest.mark.xdist_group("kills")
MOST_TRIES = 200


@pytest.fixture(scope="module")
def two(shared_folder: Path) -> Iterator[Program]:
    """A Causerie of two web processes, for all tests here."""
    with Program(shared_folder, ["app", "serve", "--web-only"], WEB_CONCURRENCY="2") as program:
        asyncio.run(program.serves())
        yield program


async def connections(program: Program, who: Person, of_each: int = 1) -> dict[int, list[Connection]]:
    """Open connections to each of the processes: the kernel deals them out, so it is asked until each has enough."""
    found: dict[int, list[Connection]] = {pid: [] for pid in program.children("web")}
    for _try in range(MOST_TRIES):
        connection = Connection(program.port, who.token)
        await connection.ask("GET", "/health")
        pid = program.serving(connection)
        assert pid is not None
        found[pid].append(connection)
        if all(len(mine) >= of_each for mine in found.values()):
            break
    assert all(len(mine) >= of_each for mine in found.values()), "one process gets no connection"
    return found


async def watchers_on_each(program: Program, who: Person, after: dict[int, int] | None) -> dict[int, Watcher]:
    """One stream of that person on each process, not yet open."""
    found = {}
    for pid, (connection, *others) in (await connections(program, who)).items():
        watcher = found[pid] = Watcher(program.port, who, after)
        watcher.connection = connection  # kept alive, so the stream goes to the same process
        for other in others:
            other.close()
    return found


async def test_every_stream_gets_every_message_and_the_death_of_one_process_disturbs_no_other(
    two: Program, report: Report
) -> None:
    people = await sign_up(two.port, 6)
    rooms = [await make_room(two.port, people, f"Room {number}") for number in range(2)]
    placed = [await watchers_on_each(two, people[n], {rooms[n % 2]: 0} if n < 4 else None) for n in range(6)]
    crowd = Crowd(two.port, [watcher for each in placed for watcher in each.values()])
    async with crowd.at_work([Sender(crowd, who, rooms, seed) for seed, who in enumerate(people)]):
        await crowd.more(60)
        doomed, spared = two.children("web")
        assert all(two.serving(watcher.connection) == pid for each in placed for pid, watcher in each.items())
        kill(doomed, signal.SIGKILL)
        killed = time.monotonic()
        outage = await crowd.recovered(killed)
        await until(lambda: all(each[doomed].opened == 2 for each in placed), 20, "the cut streams are back")
        back = time.monotonic() - killed
        await crowd.more(60)
        await until(lambda: len(two.children("web")) == 2, 20, "a new second process")
    await crowd.judge(embedded_dsn(two.folder))
    assert all(each[spared].opened == 1 for each in placed), "a stream of the other process was disturbed"
    assert two.trouble() == []
    report(
        f"2 x {len(placed)} streams, {len(crowd.kept)} messages; after kill -9 of one process the next send took "
        f"{outage:.2f} s, its streams were back after {back:.2f} s, those of the other never noticed"
    )


async def test_a_removed_member_gets_nothing_from_any_process_and_cannot_resume(two: Program, report: Report) -> None:
    people = await sign_up(two.port, 6)
    room = await make_room(two.port, people)
    owner, writer, *leaving = people
    by_owner = {pid: mine[0] for pid, mine in (await connections(two, owner)).items()}
    crowd = Crowd(two.port)
    last = []
    admin = await asyncpg.connect(embedded_dsn(two.folder))
    async with crowd.at_work([Sender(crowd, writer, [room], 1)]), asyncio.TaskGroup() as group:
        for round_, gone in enumerate(leaving):
            placed = await watchers_on_each(two, gone, {room: 0} if round_ % 2 else None)
            tasks = [group.create_task(watcher.once()) for watcher in placed.values()]
            await until(partial(_all_live, placed), 10, "the streams are live")
            if round_ >= 2:  # even where no process hears another's bell at that moment
                await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            remover = by_owner[list(by_owner)[round_ % 2]]
            answer = await remover.ask("DELETE", f"/conversations/{room}/members/{gone.id}")
            assert answer.status == 204, answer
            removed = time.monotonic()
            place = await admin.fetchval("SELECT change FROM message WHERE subject = $1 AND event = 'removed'", gone.id)
            while time.monotonic() < removed + 1.5:
                await crowd.more(10)  # people go on writing
            for watcher in placed.values():
                assert watcher.last(room) < place, "something came that was written after the removal"
                last.append(watcher.arrived[-1] - removed)
            await _cannot_resume(two, gone, room, f"{room}:{place - 1}")
            for task in tasks:
                task.cancel()
    await admin.close()
    assert max(last) < 1
    assert two.trouble() == []
    report(f"{len(last)} streams of removed members: the last event of the room came {max(last):.3f} s after removal")


def _all_live(placed: dict[int, Watcher]) -> bool:
    return all(watcher.messages for watcher in placed.values())


async def _cannot_resume(program: Program, gone: Person, room: int, cursor: str) -> None:
    for connection in [mine[0] for mine in (await connections(program, gone)).values()]:
        for path, last_event_id in ((f"/live?format=json&after={room}:0", cursor), (f"/live?after={cursor}", "")):
            answer = await connection.follow(path, last_event_id)
            assert answer.status == 404, answer
        answer = await connection.ask("GET", f"/conversations/{room}/messages")
        assert answer.status == 404, answer


async def test_one_key_posted_twenty_times_at_once_over_two_processes_is_one_message(
    two: Program, report: Report
) -> None:
    (who,) = await sign_up(two.port, 1)
    room = await make_room(two.port, [who])
    spread = await connections(two, who, of_each=10)
    open_ones = [connection for mine in spread.values() for connection in mine[:10]]
    keys = [str(uuid4()) for _ in range(10)]
    for key in keys:
        given = {"body": f"once only, {key}", "key": key}
        posts = [connection.ask("POST", f"/conversations/{room}/messages", given) for connection in open_ones]
        answers = await asyncio.gather(*posts)
        assert [answer.status for answer in answers] == [201] * 20
        assert len({answer.body for answer in answers}) == 1
    admin = await asyncpg.connect(embedded_dsn(two.folder))
    rows = await admin.fetch(
        "SELECT key::text, position FROM message WHERE conversation = $1 AND key IS NOT NULL ORDER BY position", room
    )
    await admin.close()
    assert Counter(row["key"] for row in rows) == Counter(keys)
    assert [row["position"] for row in rows] == list(range(2, len(keys) + 2)), "a gap (the first is the room's making)"
    assert two.trouble() == []
    report("10 keys, each posted 20 times at once over two processes: 10 messages, 200 answers, alike for each key")
