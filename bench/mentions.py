"""What a thousand messages to everyone in a room of five hundred cost: `python -m bench.mentions`.

The same messages are sent without and with "@all", at the same pace, to the same open pages, while the worker tells
people of them. Then it counts what was written: one notification and at most one mail for each of the five hundred.
"""

import asyncio
import os
import sys
import time

import asyncpg

from bench.clients import ask, close, connect, heads, open_streams, quiet, stamped
from bench.servers import Server
from bench.signals import PEOPLE, make_room, measured
from bench.wire import Ours

SIZE = 500
PAGES = 100
MESSAGES = 1000
RATE = 25
PATIENCE = 60.0


async def measure(server: Server, dsn: str, wire: Ours) -> None:
    """Prints the two beside each other, and what was written."""
    room = await make_room(dsn, wire, SIZE)
    connection = await asyncpg.connect(dsn)
    await _told(connection)
    await connection.execute("DELETE FROM notification")  # of the rooms that people were brought into
    names = ("send p50, ms", "send p99, ms", "delivery p50, ms", "delivery p99, ms", "CPU a message, ms")
    plain = await load(server, wire, room)
    await _told(connection)
    told = await connection.fetchval("SELECT count(*) FROM notification")
    if told:
        raise SystemExit(f"{told} were told of messages that are to nobody")
    to_all = await load(server, wire, room, "@all ")
    await _told(connection)
    print(f"{MESSAGES:,} messages, {RATE} a second, room of {SIZE}, {PAGES} open pages")
    print(f"{'':30}{'plain':>10}{'to all':>10}{'ratio':>8}")
    for name, one, other in zip(names, plain, to_all, strict=True):
        print(f"{name:30}{one:>10.2f}{other:>10.2f}{other / one:>8.2f}")
    rows = await connection.fetchrow(
        "SELECT count(*) AS rows, sum(many) AS told, count(mail_at) AS mails, count(DISTINCT person) AS people"
        " FROM notification"
    )
    assert rows is not None
    print(
        f"told {rows['told']:,} times in {rows['rows']:,} rows of {rows['people']:,} people; mails due: {rows['mails']}"
    )
    await connection.close()


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


async def load(server: Server, wire: Ours, room: int, mark: str = "", messages: int = MESSAGES) -> list[float]:
    """So many messages, RATE a second, to PAGES open pages: p50 and p99 of sends and of deliveries in ms, and CPU a
    message. Ends with SystemExit when a delivery is missing."""
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
    cpu = (last.server - first.server + last.postgres - first.postgres) / messages * 1000
    return [_at(took, 0.5), _at(took, 0.99), _at(late, 0.5), _at(late, 0.99), cpu]


def _at(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


if __name__ == "__main__":
    sys.exit(measured(measure, with_worker=True))
