"""Work that comes round: every hour, every night, every Monday.

A row says when each task is next due. Whoever finds it due claims the row (`FOR UPDATE SKIP LOCKED`), works, and moves
it on, all in one transaction: so it is done once for each due time, however many workers there are, and what was due
while none ran is done (once) when one does. The work stands in that transaction, so it should be short: what is long
does one batch and says that there is more, or defers a job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from app.core import database
from app.core.patience import patience
from app.core.settings import Settings

log = structlog.get_logger()
# Gets the time that it was due at; gives True when there is more to do: then it is due again at once.
Work = Callable[[datetime], Awaitable[bool | None]]
LOOK = 15.0  # seconds between two looks at what is due
AGAIN = timedelta(minutes=1)  # after a failure; doubled with each further one, up to the longest
LONGEST = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work, and when it is next due after a time."""

    name: str
    work: Work
    after: Callable[[datetime, ZoneInfo], datetime]


_tasks: dict[str, Task] = {}


def every(interval: timedelta, *, name: str) -> Callable[[Work], Work]:
    """Marks work that is done again and again, so long after it was last due. The name is for good: the row has it."""
    return _marked(name, lambda time, _zone: time + interval)


def daily(hour: int, *, name: str, weekday: int | None = None) -> Callable[[Work], Work]:
    """Marks work that is done each day at that hour in TIME_ZONE; with a weekday (0 is Monday) on that day alone."""

    def after(time: datetime, zone: ZoneInfo) -> datetime:
        local = time.astimezone(zone)
        found = local.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
        while found.astimezone(UTC) <= time or weekday not in (None, found.weekday()):
            found = (found + timedelta(days=1)).replace(hour=hour)
        return found.astimezone(UTC)

    return _marked(name, after)


def _marked(name: str, after: Callable[[datetime, ZoneInfo], datetime]) -> Callable[[Work], Work]:
    def mark(work: Work) -> Work:
        _tasks[name] = Task(name, work, after)
        return work

    return mark


async def run(settings: Settings) -> None:
    """Does what is due until cancelled; a database that goes away is waited for."""
    known = False
    while True:
        with patience("periodic work waits"):
            if not known:
                await write_down(settings)
                known = True
            while await do_next(settings):
                pass
        await asyncio.sleep(LOOK)


async def write_down(settings: Settings) -> None:
    """A row for each task that has none yet. One that is due later than its rule now says was written by another rule
    (an interval that has become shorter), and comes forward."""
    now = datetime.now(UTC)
    await database.fetch(
        """
        INSERT INTO periodic_task AS p (name, due_at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
        ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at WHERE p.due_at > excluded.due_at
        """,
        list(_tasks),
        [task.after(now, settings.zone) for task in _tasks.values()],
    )


async def do_next(settings: Settings) -> bool:
    """Does the task that has been due for longest, if one is due that nobody else does; whether there was one."""
    async with database.transaction():
        row = await database.fetch_row(
            """
            SELECT name, due_at, failures FROM periodic_task WHERE due_at <= now() AND name = ANY($1)
            ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
            """,
            list(_tasks),
        )
        if row is None:
            return False
        task = _tasks[row["name"]]
        now = datetime.now(UTC)
        try:
            async with database.savepoint():
                more = await task.work(row["due_at"])
        except Exception as error:
            if database.own_connection().is_closed():
                raise  # the transaction is gone too: the row is as it was
            wait = min(AGAIN * 2 ** min(row["failures"], 10), LONGEST)
            log.error("periodic work failed", task=task.name, error=type(error).__name__, wait=wait.total_seconds())
            await database.fetch(
                "UPDATE periodic_task SET due_at = $2, failures = failures + 1, error = $3 WHERE name = $1",
                task.name,
                now + wait,
                type(error).__name__,
            )
            return True
        # What was missed while no worker ran is done once, not as often as it was missed.
        await database.fetch(
            "UPDATE periodic_task SET due_at = $2, done_at = now(), failures = 0, error = NULL WHERE name = $1",
            task.name,
            row["due_at"] if more else _next(task, row["due_at"], now, settings.zone),
        )
        return True


def _next(task: Task, due: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """The first due time that is still to come, in step with those before as far as that can be."""
    once = task.after(due, zone)
    return once if once > now else task.after(now, zone)
