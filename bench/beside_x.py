"""Whether exports disturb those who talk meanwhile: `python -m bench.beside`.

The same messages are sent at the same pace to the same open pages: with nothing beside them, and while the worker makes
one export after the other: JSON and CSV of a room of a hundred thousand messages, PDF of one of ten thousand. In short
turns, so that what the machine itself does at times (a disk that stalls) meets them all alike; percentiles are of all
turns together.
"""

import asyncio
import json
import sys
import time
from typing import Any

import asyncpg

from bench.clients import Exchange, ask, connect
from bench.mentions import PAGES, RATE, Load, load
from bench.servers import Server
from bench.signals import make_room, measured
from bench.wire import Ours

SIZE = 100
MESSAGES = 250
import os

ROUNDS = int(os.environ.get("R", "4"))
PATIENCE = 600.0
import os

FORMATS = {"json": 100_000, "csv": 100_000, "pdf": 10_000}
FORMATS = {k: v for k, v in FORMATS.items() if k in os.environ.get("BESIDE", "json,csv,pdf")}


async def measure(server: Server, dsn: str, wire: Ours) -> None:
    """Prints them beside each other."""
    room = await make_room(dsn, wire, SIZE)
    long = {size: await _long_room(dsn, wire, size) for size in sorted(set(FORMATS.values()))}
    await load(server, wire, room, messages=MESSAGES)  # what is done for the first time costs more
    columns = {name: Load() for name in ("alone", *FORMATS)}
    made = dict.fromkeys(FORMATS, 0)
    for _ in range(ROUNDS):
        columns["alone"] += await load(server, wire, room, messages=MESSAGES)
        for format_ in FORMATS:
            exports = asyncio.create_task(_exports(wire, long[FORMATS[format_]], format_))
            columns[format_] += await load(server, wire, room, messages=MESSAGES)
            if exports.done():
                exports.result()
            exports.cancel()
            await asyncio.wait([exports])
            made[format_] += await _end(wire)
    beside = ", ".join(f"{name} of {size:,}" for name, size in FORMATS.items())
    print(f"{ROUNDS} x {MESSAGES} messages, {RATE} a second, {PAGES} open pages; beside them {beside} messages")
    print(f"{'':24}" + "".join(f"{name:>10}" for name in columns) + "".join(f"{f'{n}/alone':>12}" for n in FORMATS))
    for name, part in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        _print(f"send {name}, ms", [column.sends(part) for column in columns.values()])
        _print(f"delivery {name}, ms", [column.deliveries(part) for column in columns.values()])
    print("exports made or under way beside them: " + ", ".join(f"{many} {name}" for name, many in made.items()))


def _print(name: str, values: list[float]) -> None:
    ratios = "".join(f"{value / values[0]:>12.2f}" for value in values[1:])
    print(f"{name:24}" + "".join(f"{value:>10.2f}" for value in values) + ratios)


async def _long_room(dsn: str, wire: Ours, size: int) -> int:
    room = await make_room(dsn, wire, 1)
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        """
        WITH bumped AS (
            UPDATE conversation SET position = position + $2, change = change + $2 WHERE id = $1
            RETURNING position - $2 AS position, change - $2 AS change
        )
        INSERT INTO message (conversation, position, change, author, kind, body, created_at)
        SELECT $1, b.position + n, b.change + n, (SELECT person FROM membership WHERE conversation = $1 LIMIT 1),
               'text', 'Message ' || n || repeat(' of some words that fill a line or two, as people write', n % 4),
               now() - interval '1 day' + n * interval '5 s'
        FROM bumped b, generate_series(1, $2::int) n
        """,
        room,
        size,
    )
    await connection.close()
    return room


async def _exports(wire: Ours, room: int, format_: str) -> None:
    """One after the other, until cancelled; SystemExit when one fails."""
    exchange = await connect(wire.port)
    token = wire.tokens[0]
    while True:
        body = {"conversation_id": room, "format": format_}
        asked = json.loads(await ask(exchange, wire.request("POST", "/exports", token, body), 202))
        began = time.monotonic()
        while (view := await _view(exchange, wire, asked["id"]))["status"] in ("queued", "working"):
            if time.monotonic() - began > PATIENCE:
                raise SystemExit("an export does not come to its end")
            await asyncio.sleep(0.25)
        if view["status"] != "ready":
            raise SystemExit(f"an export: {view['status']}")


async def _view(exchange: Exchange, wire: Ours, number: int) -> dict[str, Any]:
    return dict(json.loads(await ask(exchange, wire.request("GET", f"/exports/{number}", wire.tokens[0]), 200)))


async def _end(wire: Ours) -> int:
    """Throws away what was asked for, and gives how many there were."""
    exchange = await connect(wire.port)
    token, many = wire.tokens[0], 0
    while found := json.loads(await ask(exchange, wire.request("GET", "/exports", token), 200))["exports"]:
        for each in found:
            many += 1
            await ask(exchange, wire.request("DELETE", f"/exports/{each['id']}", token), 204)
    exchange.transport.close()
    return many


if __name__ == "__main__":
    sys.exit(measured(measure, with_worker=True))
