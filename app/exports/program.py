"""A program of its own, which makes one export: `making.py` starts it, in the worker, by way of `start.py`.

What it reads was written by strangers and may be a lot; what draws it is large. So it works where the kernel holds it
to so much memory and CPU, behind all else that the machine does, without our secrets, and where it may be killed: what
it has written until then is seen by nobody. It ends when the worker does, however that ends.
"""

import asyncio
import importlib
import logging
import os
import resource
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from app.core import database, i18n
from app.core.database import Row
from app.core.errors import NotFound
from app.core.i18n import Locale
from app.core.supervisor import die_with
from app.exports import source
from app.exports.model import CancelledExport, Order
from app.exports.out import PartsOut, TooLargeExport
from app.messages.views import Author

if TYPE_CHECKING:
    from app.exports.archive import Writer
    from app.exports.manifest import Covered

# Exit codes, beside 0: it is not wanted any more; its person may not see it any more; it took too much memory, or room.
UNWANTED, NO_ACCESS, TOO_LARGE, FAULT = 3, 4, 5, 6
CPU_SECONDS = 40 * 60
# What is reserved, which is a multiple of what is used: libraries, fonts, the heaps of threads.
MEMORY = 800 * 2**20
LONGEST_FILE = 64 * 2**20
Write = Callable[[Order, str, PartsOut], Awaitable[None]]
# Where the worker is asked for a signature. What libraries print goes elsewhere.
_asking = -1


async def write(order: Order, instance: str, out: PartsOut) -> None:
    """Writes what was ordered, in its format; `instance` is the address of this Causerie."""
    # Only what is needed is imported: what draws PDF takes a second, the rest half as long as a small export.
    form = importlib.import_module(f"app.exports.formats.{order.format}")
    if order.kind == "person":
        from app.exports import person

        async with person.opened(order, instance) as data:
            await out.expect(data.head.count)
            await _packed(order, data.head, lambda to: form.write_person(data, to), out)
    else:
        async with source.opened(order, instance) as read:
            await out.expect(read.head.count)
            await _packed(order, read.head, lambda to: form.write(read, to), out)


async def _packed(order: Order, covered: "Covered", writer: "Writer", out: PartsOut) -> None:
    """As it is, or as a signed archive."""
    if not order.archive:
        await writer(out)
        return
    from app.exports import archive
    from app.exports.signing import Borrowed
    from app.exports.views import suffix

    name = "data" if order.kind == "person" else "conversation"
    files = [(f"{name}.{suffix(order.kind, order.format, archive=False)}", writer)]
    await archive.write(order, covered, files, out, Borrowed(_asking, sys.stdin.fileno()))


def main(arguments: list[str], write: Write = write) -> int:
    """Makes the export with that number, as the try that is named, for the worker with that process id. Gives the exit
    code."""
    export, attempt, parent = int(arguments[0]), UUID(arguments[1]), int(arguments[2])
    die_with(parent, signal.SIGKILL)
    global _asking
    _asking = os.dup(1)
    os.dup2(2, 1)
    _confine()
    logging.disable()  # what libraries complain about quotes what people wrote
    try:
        return asyncio.run(_make(export, attempt, write))
    except CancelledExport:
        return UNWANTED
    except NotFound:
        return NO_ACCESS
    except (MemoryError, TooLargeExport):
        return TOO_LARGE
    except BaseException as error:
        sys.stderr.write(_where(error))
        return FAULT


def _confine() -> None:
    score = Path("/proc/self/oom_score_adj")
    if score.exists():  # where the machine runs out of memory, this is the first to go, and not the web
        score.write_text("1000")
    # The first ends it with a signal that says why, the second without.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 10))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What it makes goes into the database; beside that it writes what libraries remember of fonts.
    resource.setrlimit(resource.RLIMIT_FSIZE, (LONGEST_FILE, LONGEST_FILE))


async def _make(export: int, attempt: UUID, write: Write) -> int:
    await database.connect(os.environ["DATABASE_URL"], size=3)
    try:
        order = await _order(export, attempt)
        i18n.use(order.locale)
        async with database.pool().acquire() as connection:
            out = PartsOut(connection, export, attempt)
            await write(order, os.environ["BASE_URL"], out)
        await out.finish()
    finally:
        await database.disconnect()
    return 0


async def _order(export: int, attempt: UUID) -> Order:
    """What is to be made; raises CancelledExport when this try is not (any more) the one to make it."""
    row = await database.fetch_row(
        """
        SELECT e.*, p.username, p.name FROM export e JOIN person p ON p.id = e.person
        WHERE e.id = $1 AND e.attempt = $2 AND e.status = 'working'
        """,
        export,
        attempt,
    )
    if row is None:
        raise CancelledExport
    return order(row)


def order(row: Row) -> Order:
    """A row of `export` with the username and the name of its person."""
    return Order(
        id=row["id"],
        kind=row["kind"],
        by=Author(row["person"], row["username"], row["name"]),
        conversation=row["conversation"],
        format=row["format"],
        archive=row["archive"],
        from_=row["from_at"],
        to=row["to_at"],
        locale=Locale(row["language"], row["time_zone"]),
        paper=row["paper"],
        asked_at=row["asked_at"],
    )


def _where(error: BaseException) -> str:
    """What went wrong and where, without what the error quotes: that may be what people wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    return f"{type(error).__name__} at {places}"
