"""What an export of a hundred thousand messages costs, as CSV and as JSON: `python -m bench.exports`.

Each is written three times into a file, by a process of its own, in turn with a yardstick: a plain cursor over the same
messages and their authors, without replies and mentions, whose rows `csv.writer` writes as they come. Said are the
middle ones: messages a second, CPU a message here and in Postgres, and the most memory above what the process has when
it is ready to begin.
"""

import asyncio
import contextlib
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from app.core import database
from app.core.i18n import Locale
from app.exports import source
from app.exports.formats import csv as format_csv
from app.exports.formats import json as format_json
from app.exports.model import Order
from app.messages.views import Author
from bench import processes, servers

MESSAGES = 100_000
PEOPLE = 40
ROUNDS = 3
LEAST, MOST_MEGABYTES = 20_000, 60
KINDS = ("plain", "csv", "json")


class File:
    """An Out that is a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    async def write(self, data: bytes) -> None:
        self._file.write(data)

    async def done(self, messages: int) -> None:
        pass

    def close(self) -> None:
        self._file.close()


FILL = f"""
    INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key)
    SELECT 'person' || n, 'person' || n, 'Person N° ' || n, '', 'person' || n, '', ''
    FROM generate_series(1, {PEOPLE}) n;
    INSERT INTO conversation (kind, title, owner, position, change)
    SELECT 'group', 'Everything', min(id), {MESSAGES}, {MESSAGES} FROM person;
    INSERT INTO membership (conversation, person)
    SELECT max(c.id), p.id FROM conversation c, person p GROUP BY p.id;
    INSERT INTO message (conversation, position, change, author, body, created_at, edited_at, deleted_at)
    SELECT c.id, n, n, p.id, CASE WHEN n % 50 = 0 THEN '' ELSE
               CASE WHEN n % 20 = 1 THEN '@person1 et ' ELSE '' END
               || left(repeat('Demain, on répète à huit heures ; "qui" vient ? ', 9), 20 + n * 7 % 400) END,
           now() - ({MESSAGES} - n) * interval '1 minute',
           CASE WHEN n % 30 = 0 THEN now() END, CASE WHEN n % 50 = 0 THEN now() END
    FROM generate_series(1, {MESSAGES}) n, (SELECT max(id) AS id FROM conversation) c,
         (SELECT min(id) AS id FROM person) f, person p WHERE p.id = f.id + n % {PEOPLE};
    UPDATE message x SET reply_to = q.id FROM message q
    WHERE x.position % 10 = 0 AND q.conversation = x.conversation AND q.position = x.position - 3;
    INSERT INTO mention (message, person, name)
    SELECT id, (SELECT min(id) FROM person), 'person1' FROM message WHERE body LIKE '@%';
"""


async def fill(dsn: str) -> None:
    """People and what they say: of all lengths, every tenth a reply, some edited, deleted, or to somebody."""
    connection = await asyncpg.connect(dsn, command_timeout=300)
    await connection.execute(FILL)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def one(kind: str, dsn: str, path: Path) -> dict[str, float]:
    """Writes one export; gives what it cost this process."""
    await database.connect(dsn, 2)
    row = await database.fetch_row("SELECT max(c.id) AS room, min(p.id) AS person FROM conversation c, person p")
    assert row is not None
    out = File(path)
    write: Callable[[], Awaitable[None]]
    if kind == "plain":
        write = lambda: plain(dsn, row["room"], path)  # noqa: E731
    else:
        write = lambda: ours(kind, row["person"], row["room"], out)  # noqa: E731
    idle, began, used = memory("VmRSS"), time.perf_counter(), time.process_time()
    await write()
    took, used = time.perf_counter() - began, time.process_time() - used
    out.close()
    await database.disconnect()
    return {"seconds": took, "cpu": used, "megabytes": memory("VmHWM") - idle}


async def ours(kind: str, person: int, conversation: int, out: File) -> None:
    order = Order(
        id=1,
        kind="conversation",
        by=Author(person, "person1", "Person N° 1"),
        conversation=conversation,
        format="csv" if kind == "csv" else "json",
        archive=False,
        from_=None,
        to=None,
        locale=Locale("fr", "Europe/Paris"),
        paper="a4",
        asked_at=datetime.now(UTC),
    )
    async with source.opened(order, "https://bench.example.org") as opened:
        await (format_csv if kind == "csv" else format_json).write(opened, out)


async def plain(dsn: str, conversation: int, path: Path) -> None:
    """The yardstick."""
    connection = await asyncpg.connect(dsn, server_settings={"jit": "off"})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        async with connection.transaction(readonly=True):
            async for row in connection.cursor(
                """
                SELECT x.id, x.position, x.created_at, x.author, a.username, a.name, x.kind, x.body, x.reply_to,
                       x.edited_at, x.deleted_at
                FROM message x JOIN person a ON a.id = x.author WHERE x.conversation = $1 ORDER BY x.position
                """,
                conversation,
                prefetch=500,
            ):
                writer.writerow(row)
    await connection.close()


def postgres_cpu(pid: int) -> float:
    """Seconds that Postgres has used."""
    return processes.cpu(processes.tree(pid, processes.families()))


def memory(name: str) -> float:
    """Of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1000


def main() -> int:
    """Prints a table, and whether it is what is wanted."""
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="causerie-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # as root, Postgres runs as another user
        dsn, postgres = stack.enter_context(servers.database(folder, "ours"))
        asyncio.run(database.migrate(dsn))
        asyncio.run(fill(dsn))
        for _ in range(ROUNDS):
            for kind in KINDS:
                before = postgres_cpu(postgres)
                path = folder / f"export.{kind}"
                command = [sys.executable, "-m", "bench.exports", kind, dsn, str(path)]
                written = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
                used = postgres_cpu(postgres) - before
                found[kind].append({**json.loads(written), "postgres": used, "size": path.stat().st_size / 1e6})
    middle = {
        kind: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for kind, runs in found.items()
    }
    names = ("a second", "CPU µs each", "Postgres µs", "MB above idle", "MB written")
    print(f"{f'{MESSAGES:,} messages':20}" + "".join(f"{name:>15}" for name in names))
    for kind, run in middle.items():
        cpu, theirs = (run[key] / MESSAGES * 1e6 for key in ("cpu", "postgres"))
        rate = MESSAGES / run["seconds"]
        print(f"{kind:20}{rate:>15,.0f}{cpu:>15.1f}{theirs:>15.1f}{run['megabytes']:>15.1f}{run['size']:>15.1f}")
    missed = False
    for kind in KINDS[1:]:
        rate, megabytes = MESSAGES / middle[kind]["seconds"], middle[kind]["megabytes"]
        times = middle[kind]["seconds"] / middle["plain"]["seconds"]
        good = rate >= LEAST and megabytes < MOST_MEGABYTES
        missed |= not good
        print(f"{kind}: {times:.2f} times as long as the plain cursor; {'reached' if good else 'MISSED'}")
    return int(missed)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(one(sys.argv[1], sys.argv[2], Path(sys.argv[3])))))
    else:
        sys.exit(main())
