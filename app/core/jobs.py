"""Work for later, in another process: `defer()` in the transaction of its cause, `@handles(Event)` where it is done.

A job is there if and only if its cause was committed. It may run twice (after a crash), so handlers are idempotent.
"""

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import msgspec
import structlog

from app.core import database

if TYPE_CHECKING:
    from pgqueuer.models import Job

log = structlog.get_logger()
E = TypeVar("E", bound=msgspec.Struct)
Handler = Callable[[Any], Awaitable[None]]
# What it logs it also raises, with a trace; we say it in a line of our own.
logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)
_handlers: dict[str, tuple[type[msgspec.Struct], Handler]] = {}
AGAIN_AFTER = 1.0  # seconds, when the database went away
# Waits before the tries after the first, in seconds; then it is given up and logged as an error.
RETRY_AFTER = (5, 30, 120, 600, 3600)


def handles(event: type[E]) -> Callable[[Callable[[E], Awaitable[None]]], Callable[[E], Awaitable[None]]]:
    """Marks the function that does the work of that event."""

    def register(handler: Callable[[E], Awaitable[None]]) -> Callable[[E], Awaitable[None]]:
        _handlers[event.__name__] = (event, handler)
        return handler

    return register


async def defer(event: msgspec.Struct, *, tries: int = 0, wait: timedelta | None = None) -> None:
    """Writes the job; inside `transaction()` it stands or falls with it."""
    payload = msgspec.json.encode({"tries": tries, "event": event})
    # A quarter of a second to import, which a web process spends when it first has a job; beside the loop, not in it.
    await asyncio.to_thread(importlib.import_module, "pgqueuer.queries")
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries

    async with database.transaction():
        connection = database.own_connection()
        await Queries(AsyncpgDriver(connection)).enqueue(type(event).__name__, payload, execute_after=wait)


async def run() -> None:
    """Does the jobs, a few at a time, until cancelled. A database that goes away is waited for: a worker that ended
    would be started again by its supervisor, with the waits of something broken."""
    while True:
        try:
            await _work()
        except (*database.UNAVAILABLE, asyncpg.PostgresError, ExceptionGroup) as error:
            others = error.split(_is_the_database)[1] if isinstance(error, ExceptionGroup) else None
            if others is not None:
                raise others from None
            log.warning("jobs wait for the database", error=type(error).__name__)
        await asyncio.sleep(AGAIN_AFTER)


def _is_the_database(error: BaseException) -> bool:
    return isinstance(error, (*database.UNAVAILABLE, asyncpg.PostgresError))


async def _work() -> None:
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgPoolDriver

    queue = PgQueuer(AsyncpgPoolDriver(database.pool()))
    for name, (event, handler) in _handlers.items():
        queue.entrypoint(name, concurrency_limit=4)(_task(event, handler))
    running = asyncio.create_task(queue.run(dequeue_timeout=timedelta(seconds=5)))
    try:
        await asyncio.shield(running)
    finally:
        queue.shutdown.set()
        await asyncio.wait([running], timeout=5)
        running.cancel()


def _named(error: Exception) -> str:
    """What went wrong, without what the error quotes: an SMTP server says the address again that it refuses."""
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if isinstance(code, int) else type(error).__name__


def _task(event: type[msgspec.Struct], handler: Handler) -> Callable[["Job"], Awaitable[None]]:
    async def task(job: "Job") -> None:
        envelope = msgspec.json.decode(job.payload or b"{}")
        found = msgspec.convert(envelope["event"], event)
        tries = envelope["tries"]
        try:
            await handler(found)
        except Exception as error:
            if tries >= len(RETRY_AFTER):
                log.error("job given up", job=event.__name__, error=_named(error))
                raise
            log.warning(
                "job failed, to be tried again", job=event.__name__, error=_named(error), wait=RETRY_AFTER[tries]
            )
            await defer(found, tries=tries + 1, wait=timedelta(seconds=RETRY_AFTER[tries]))

    return task
