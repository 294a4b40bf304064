"""What a thousand messages to everyone in a room of five hundred cost: `python -m bench.mentions`.

The same messages are sent without and with "@all", at the same pace, to the same open pages, while the worker tells
people of them: in short turns, so that what the machine itself does at times (a disk that stalls) meets both alike.
Then it counts what was written: one notification and at most one mail for each of the five hundred.
"""

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field

import asyncpg

from bench.clients import ask, close, connect, heads, open_streams, quiet, stamped
from bench.servers import Server
from bench.signals import PEOPLE, make_room, measured
from bench.wire import Ours

SIZE = 500
PAGES = 100
MESSAGES = 250
ROUNDS = 4
RATE = 25
PATIENCE = 60.0


@dataclass
class Load:
    """What was measured while messages were sent, of one turn or of many: milliseconds, and seconds of CPU."""

    took: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    cpu: float = 0.0

    def __iadd__(self, other: "Load") -> "Load":
        self.took += other.took
        self.late += other.late
        self.cpu += other.cpu
        return self

    def sends(self, part: float) -> float:
        """So long took that part of the sends at most, in ms."""
        return _at(self.took, part)

    def deliveries(self, part: float) -> float:
        """So long took that part of the deliveries at most, in ms."""
        return _at(self.late, part)


async def measure(server: Server, dsn: str, wire: Ours) -> None:
    """Prints the two beside each other, and what was written."""
    room = await make_room(dsn, wire, SIZE)
    connection = await asyncpg.connect(dsn)
    await _told(connection)
    await load(server, wire, room, messages=MESSAGES)  # what is done for the first time costs more
    await _told(connection)
    await connection.execute("DELETE FROM notification")  # of the rooms that people were brought into
    plain, to_all = Load(), Load()
    for _ in range(ROUNDS):
        before = await _times_told(connection)
        plain += await load(server, wire, room, messages=MESSAGES)
        await _told(connection)
        if await _times_told(connection) != before:
            raise SystemExit("people were told of messages that are to nobody")
        to_all += await load(server, wire, room, "@all ", messages=MESSAGES)
        await _told(connection)
    print(f"{ROUNDS} x {MESSAGES} messages of each, {RATE} a second, room of {SIZE}, {PAGES} open pages")
    print(f"{'':30}{'plain':>10}{'to all':>10}{'ratio':>8}")
    for name, part in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        _print(f"send {name}, ms", plain.sends(part), to_all.sends(part))
        _print(f"delivery {name}, ms", plain.deliveries(part), to_all.deliveries(part))
    _print("CPU a message, ms", *(each.cpu / len(each.took) * 1000 for each in (plain, to_all)))
    rows = await connection.fetchrow(
        "SELECT count(*) AS rows, sum(many) AS told, count(mail_at) AS mails, count(DISTINCT person) AS people"
        " FROM notification"
    )
    assert rows is not None
    print(
        f"told {rows['told']:,} times in {rows['rows']:,} rows of {rows['people']:,} people; mails due: {rows['mails']}"
    )
    await connection.close()


def _print(name: str, one: float, other: float) -> None:
    print(f"{name:30}{one:>10.2f}{other:>10.2f}{other / one:>8.2f}")


async def _times_told(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT coalesce(sum(many), 0) FROM notification"))


async def _told(connection: asyncpg.Connection) -> None:
    """Waits until the worker has read the feed to its end."""
    began = time.monotonic()
    while await connection.fetchval(
        "SELECT count(*) FROM conversation c LEFT JOIN notified n ON n.conversation = c.id"
        " WHERE c.change > coalesce(n.change, 0)"
    ):
        if time.monotonic() - began > PATIENCE:
            raise SystemExit("the worker does not come to the end")
        await asyncio.sleep(0.05)


async def load(server: Server, wire: Ours, room: int, mark: str = "", *, messages: int) -> Load:
    """So many messages, RATE a second, to PAGES open pages. Ends with SystemExit when a delivery is missing."""
    change = (await heads(wire, [room]))[room]
    requests = [wire.live(room, change, 1 + who % (PEOPLE - 1)) for who in range(PAGES)]
    streams = await open_streams(wire.port, requests, sampled=PAGES)
    await quiet(streams)
    exchange = await connect(wire.port)
    took: list[float] = []
    first = server.sample(os.getpid())
    began = time.perf_counter()
    for number in range(messages):
        await asyncio.sleep(began + number / RATE - time.perf_counter())
        sent = time.perf_counter()
        await ask(exchange, wire.send(room, 0, mark + stamped()[1]), 201)
        took.append((time.perf_counter() - sent) * 1000)
    await quiet(streams)
    last = server.sample(os.getpid())
    exchange.transport.close()
    late = [value / 1e6 for stream in streams for value in stream.late or ()]
    close(streams)
    if len(late) != messages * PAGES:
        raise SystemExit(f"{messages * PAGES - len(late)} deliveries are missing")
    return Load(took, late, last.server - first.server + last.postgres - first.postgres)


def _at(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


if __name__ == "__main__":
    sys.exit(measured(measure, with_worker=True))
