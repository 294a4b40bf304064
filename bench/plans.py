"""What a page, the feed and a send ask of Postgres in a conversation of a hundred and of a million messages:
`python -m bench.plans`. Prints the blocks that each touches and its plan in the long one."""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from app.core import database
from app.messages.lines import LINES
from app.messages.queries import BEFORE, FEED, FROM
from bench import servers

SIZES = (100, 1_000_000)
PAGE = 50
PEOPLE = """
    INSERT INTO person (username, skeleton, search_key, name, email, email_key, password_hash)
    SELECT p, p, p, p, p || '@example.org', p || '@example.org', '' FROM generate_series(1, 20) n, concat('p', n) p
"""
ROOM = "INSERT INTO conversation (kind, title, position, change) VALUES ('group', 'Long', $1, $1) RETURNING id"
MESSAGES = """
    INSERT INTO message (conversation, position, change, author, kind, body, created_at)
    SELECT $1, n, n, (SELECT min(id) FROM person) + n % 20, 'text', 'Message ' || n || repeat(' some words', n % 20),
           now() - interval '300 days' + n * interval '20 s'
    FROM generate_series(1, $2::int) n
"""
# What is asked, and with what of a conversation of that size.
ASKED: list[tuple[str, str, Callable[[int], tuple[int, int]]]] = [
    ("a page back from the end", BEFORE, lambda size: (size + 1, PAGE)),
    ("a page back from the middle", BEFORE, lambda size: (size // 2 + PAGE, PAGE)),
    ("a page on from the middle", FROM, lambda size: (size // 2, PAGE)),
    ("what a stream missed", FEED, lambda size: (size - 20, 200)),
]


async def measure(dsn: str) -> None:
    """Fills a conversation of each size and prints what is asked of each."""
    await database.migrate(dsn)
    connection = await asyncpg.connect(dsn, server_settings=database.SERVER_SETTINGS)
    await connection.execute(PEOPLE)
    rooms = {size: await connection.fetchval(ROOM, size) for size in SIZES}
    for size, room in rooms.items():
        await connection.execute(MESSAGES, room, size, timeout=300)
    await connection.execute("VACUUM ANALYZE", timeout=300)
    print(f"{'':32}" + "".join(f"{size:>12,}" for size in SIZES) + "   (blocks, ms)")
    last = []
    for name, condition, values in ASKED:
        found = [await _explained(connection, condition, rooms[size], *values(size)) for size in SIZES]
        last.append((name, found[-1]))
        print(f"{name:32}" + "".join(f"{_blocks(each):>6} {each['Execution Time']:>5.2f}" for each in found))
    for name, each in last:
        print(f"\n{name}, in {SIZES[-1]:,}:")
        _print(each["Plan"])
    await connection.close()


async def _explained(connection: asyncpg.Connection, condition: str, *values: Any) -> dict[str, Any]:
    """The plan for any values, as it runs the third time: everything is in memory."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    sql = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {LINES} WHERE {condition}"
    for _ in range(3):
        found = await connection.fetchval(sql, *values)
    explained: dict[str, Any] = json.loads(found)[0]
    return explained


def _blocks(found: dict[str, Any]) -> int:
    return int(found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"])


def _print(node: dict[str, Any], depth: int = 0) -> None:
    of = node.get("Index Name") or node.get("Relation Name") or ""
    print(f"{'  ' * depth}{node['Node Type']} {of} rows {node['Actual Rows']:g} x {node['Actual Loops']}".rstrip())
    for part in node.get("Plans", []):
        _print(part, depth + 1)


def main() -> int:
    """Starts a Postgres of its own, measures, and ends it."""
    with tempfile.TemporaryDirectory(prefix="causerie-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # as root, Postgres runs as another user
        dsn, _postgres = stack.enter_context(servers.database(folder, "ours"))
        asyncio.run(measure(dsn))
    return 0


if __name__ == "__main__":
    sys.exit(main())
