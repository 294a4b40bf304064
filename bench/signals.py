"""What presence and receipts cost in a room of one reader, of fifty and of a thousand: `python -m bench.signals`.

Someone goes away and comes back, or reads on, ten times a second. From the CPU of the server and of its Postgres is
taken what the same requests cost while nobody looks; the rest, by the signal, is what it costs to tell the others.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from app.core import database
from bench import cast, servers
from bench.clients import ask, close, connect, heads, open_streams, quiet, stamped
from bench.scale import FULL
from bench.servers import Server
from bench.wire import Ours

Measure = Callable[[Server, str, Ours], Coroutine[Any, Any, None]]
PEOPLE = 64  # who have the open pages, several each
SIZES = (1, 50, 1000)
RATE = 10
SECONDS = 15
SETTLE = 6.0  # the longest that a round waits, so that each measure ends with everything told


async def measure(server: Server, dsn: str, wire: Ours) -> None:
    """Prints a line for each size of room and kind of signal."""
    print(f"{'CPU per signal, ms (Postgres included)':44}{'presence':>12}{'receipts':>12}")
    bases: list[float] = []
    for size in (0, *SIZES):
        room = await make_room(dsn, wire, size)
        change = (await heads(wire, [room]))[room]
        here = wire.request("GET", "/live", wire.tokens[0], accept="text/event-stream")
        others = [wire.live(room, change, 1 + who % (min(PEOPLE, max(size, 2)) - 1)) for who in range(size)]
        streams = await open_streams(wire.port, [here, *others])
        await quiet(streams)
        costs = [await _signals(server, wire, kind(wire, room)) for kind in (_presence, _reading)]
        close(streams)
        if not size:
            bases = costs
            print(f"{'the requests alone, nobody looks':44}{costs[0]:>12.2f}{costs[1]:>12.2f}")
        else:
            net = [cost - base for cost, base in zip(costs, bases, strict=True)]
            print(f"{f'to tell it to {size:,} open pages':44}{net[0]:>12.2f}{net[1]:>12.2f}", flush=True)


async def make_room(dsn: str, wire: Ours, size: int) -> int:
    """A group of the one who signals and `size` others (at least one), with something to read in it."""
    exchange = await connect(wire.port)
    body = {"kind": "group", "title": f"Room of {size}", "members": ["person01"]}
    room = int(json.loads(await ask(exchange, wire.request("POST", "/conversations", wire.tokens[0], body), 201))["id"])
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        """
        INSERT INTO membership (conversation, person) SELECT $1, id FROM person
        WHERE username = ANY($2) ON CONFLICT DO NOTHING
        """,
        room,
        [f"person{number:02d}" for number in range(min(size, 50))],
    )
    if size > PEOPLE:
        await connection.execute(
            """
            WITH made AS (
                INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key)
                SELECT 'extra' || n, 'extra' || n, 'Extra ' || n, '', 'extra' || n, '', 'extra ' || n
                FROM generate_series(1, $2::int) n RETURNING id
            ), all_of_them AS (
                SELECT id FROM made UNION SELECT id FROM person WHERE username LIKE 'person%'
            ) INSERT INTO membership (conversation, person) SELECT $1, id FROM all_of_them ON CONFLICT DO NOTHING
            """,
            room,
            size - PEOPLE,
        )
    await connection.close()
    for _ in range(RATE * SECONDS):
        await ask(exchange, wire.send(room, 1, stamped()[1]), 201)
    exchange.transport.close()
    return room


def _presence(wire: Ours, room: int) -> Callable[[int], tuple[bytes, int]]:
    def request(number: int) -> tuple[bytes, int]:
        state = {"state": ("away", "busy")[number % 2]}
        return wire.request("PATCH", "/me/privacy", wire.tokens[0], state), 200

    return request


def _reading(wire: Ours, room: int) -> Callable[[int], tuple[bytes, int]]:
    def request(number: int) -> tuple[bytes, int]:
        return wire.request("PUT", f"/conversations/{room}/read", wire.tokens[0], {"position": number + 3}), 204

    return request


async def _signals(server: Server, wire: Ours, request: Callable[[int], tuple[bytes, int]]) -> float:
    exchange = await connect(wire.port)
    for number in range(5):
        await ask(exchange, *request(number))
    await asyncio.sleep(SETTLE)
    first = server.sample(os.getpid())
    began = time.perf_counter()
    for number in range(5, RATE * SECONDS):
        await asyncio.sleep(began + number / RATE - time.perf_counter())
        await ask(exchange, *request(number))
    await asyncio.sleep(SETTLE)
    last = server.sample(os.getpid())
    exchange.transport.close()
    used = last.server - first.server + last.postgres - first.postgres
    return used / (RATE * SECONDS - 5) * 1000


def measured(measure: Measure, *, with_worker: bool = False) -> int:
    """Starts one server with its own Postgres (and its worker), measures, and ends them."""
    with tempfile.TemporaryDirectory(prefix="causerie-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # as root, Postgres runs as another user
        dsn, postgres = stack.enter_context(servers.database(folder, "ours"))
        asyncio.run(database.migrate(dsn))
        server = servers.ours(folder, dsn, postgres, FULL.heartbeat)
        if with_worker:
            server.command = tuple(part for part in server.command if part != "--web-only")
        stack.callback(server.stop)
        server.start()
        scale = replace(FULL, people=PEOPLE, rooms=1, history=50)
        wire = asyncio.run(cast.prepare_ours(server.port, scale))
        uvloop.run(measure(server, dsn, wire))
    return 0


if __name__ == "__main__":
    sys.exit(measured(measure))
