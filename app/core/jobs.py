"""Work for later, in another process: `defer()` in the transaction of its cause, `@handles(Event)` where it is done.

A job is there if and only if its cause was committed, and goes only when its work is done: a worker that is killed
leaves it marked as picked, and another (or the next) takes it when it has given no sign of life for `SILENT`. So it may
run twice, and handlers are idempotent; `key()` names the job through all its tries. What fails is tried again, the same
row, in one statement; given up, it becomes a dead letter (`core/dead_letters.py`) in another.
"""

import asyncio
import importlib
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
import structlog

from app.core import database, dead_letters
from app.core.patience import say_waiting

if TYPE_CHECKING:
    from pgqueuer.models import Job

log = structlog.get_logger()
E = TypeVar("E", bound=msgspec.Struct)
Handler = Callable[[Any], Awaitable[None]]
# What it logs it also raises, with a trace; we say it in a line of our own.
logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)
_handlers: dict[str, "_Work"] = {}
AT_ONCE = 4  # of one kind, in all workers together: what waits for others must not keep all else waiting
AGAIN_AFTER = 1.0  # seconds, when the database went away
# Waits before the tries after the first, in seconds; then it is given up.
RETRY_AFTER = (5, 30, 120, 600, 3600)
# A job in work says twice in this time that it is; silent for so long, its worker is taken for dead.
SILENT = timedelta(seconds=30)
MOST_DEATHS = 5  # a job in whose midst more workers than that died is given up: it may well be the reason
LOOK = timedelta(seconds=5)  # how often a worker looks for jobs of which nothing told it
POLITE = 5.0  # seconds that jobs have to end in when the worker is told to stop
_key: ContextVar[str] = ContextVar("job")


class WorkerDiedError(Exception):
    """A job was in work when its worker died, again and again."""


class _Work(NamedTuple):
    event: type[msgspec.Struct]
    handler: Handler
    at_once: int
    tries: int | None
    given_up: Handler | None


def handles(
    event: type[E],
    *,
    at_once: int = AT_ONCE,
    tries: int | None = None,
    given_up: Callable[[E], Awaitable[None]] | None = None,
) -> Callable[[Callable[[E], Awaitable[None]]], Callable[[E], Awaitable[None]]]:
    """Marks the function that does the work of that event: of so many at once, each tried so often
    (or as RETRY_AFTER has it). `given_up` is told before a job becomes a dead letter, and may be told again."""

    def register(handler: Callable[[E], Awaitable[None]]) -> Callable[[E], Awaitable[None]]:
        _handlers[event.__name__] = _Work(event, handler, at_once, tries, given_up)
        return handler

    return register


async def defer(event: msgspec.Struct, *, wait: timedelta | None = None) -> None:
    """Writes the job; inside `transaction()` it stands or falls with it."""
    await enqueue(written(event), wait=wait)


def written(event: msgspec.Struct) -> tuple[str, bytes]:
    """A new job for this event, as `enqueue` takes it: (name, payload)."""
    return type(event).__name__, msgspec.json.encode({"key": uuid.uuid4().hex, "event": event})


async def enqueue(*jobs: tuple[str, bytes], wait: timedelta | None = None) -> None:
    """The same for jobs as they were written once, in one statement: each is (name, payload)."""
    # A quarter of a second to import, which a web process spends when it first has a job; beside the loop, not in it.
    await asyncio.to_thread(importlib.import_module, "pgqueuer.queries")
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries

    if not jobs:
        return
    names, payloads, many = [name for name, _ in jobs], [payload for _, payload in jobs], len(jobs)
    async with database.transaction():
        connection = database.own_connection()
        await Queries(AsyncpgDriver(connection)).enqueue(names, list(payloads), [0] * many, [wait] * many)


def key() -> str:
    """Names the job that is being done: the same at each of its tries, also when an administrator runs it again. For
    what must not happen twice, such as a mail; LookupError outside of jobs."""
    return _key.get()


async def is_first_run() -> bool:
    """Whether the job that is being done was not done before; LookupError outside of jobs. Asked in the transaction of
    its work, with which the note of it stands or falls: for what must not be done again by a second run although
    nothing is left of it, such as a notice that was deleted."""
    noted = "INSERT INTO job_done (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING true"
    return bool(await database.fetch_value(noted, key()))


async def run() -> None:
    """Does the jobs, a few at a time, until cancelled. A database that goes away is waited for: a worker that ended
    would be started again by its supervisor, with the waits of something broken."""
    while True:
        try:
            await _work()
        except (*database.FAILED, ExceptionGroup) as error:
            others = error.split(_is_the_database)[1] if isinstance(error, ExceptionGroup) else None
            if others is not None:
                raise others from None
            say_waiting("jobs wait", error)
        await asyncio.sleep(AGAIN_AFTER)


def _is_the_database(error: BaseException) -> bool:
    return isinstance(error, database.FAILED)


async def _work() -> None:
    from pgqueuer.core.qm import QueueManager
    from pgqueuer.db import AsyncpgPoolDriver

    from app.core.job_ends import Ends

    queue = QueueManager(Ends(AsyncpgPoolDriver(database.pool())))
    for name, work in _handlers.items():
        queue.entrypoint(name, concurrency_limit=work.at_once)(_task(work))
    running = asyncio.create_task(queue.run(dequeue_timeout=LOOK, heartbeat_timeout=SILENT))
    try:
        await asyncio.shield(running)
    finally:
        queue.shutdown.set()
        await asyncio.wait([running], timeout=POLITE)
        running.cancel()  # what has not ended by then goes back to the queue
        await asyncio.wait([running], timeout=POLITE)


def _named(error: Exception) -> str:
    """What went wrong, without what the error quotes: an SMTP server says the address again that it refuses."""
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if isinstance(code, int) else type(error).__name__


def _task(work: _Work) -> Callable[["Job"], Awaitable[None]]:
    from pgqueuer.errors import RetryRequested

    name = work.event.__name__

    async def task(job: "Job") -> None:
        event = None
        try:
            envelope = msgspec.json.decode(job.payload or b"{}")
            event = msgspec.convert(envelope["event"], work.event)
            if job.attempts > len(RETRY_AFTER) + MOST_DEATHS:
                raise WorkerDiedError
            _key.set(envelope.get("key") or f"job {job.id}")  # older ones were written without
            await work.handler(event)
        except Exception as error:
            named = _named(error)
            again = len(RETRY_AFTER) if work.tries is None else min(work.tries - 1, len(RETRY_AFTER))
            if job.attempts >= again:
                if work.given_up is not None and event is not None:
                    await work.given_up(event)
                await dead_letters.write(job.id, named)
                log.error("job given up", job=name, error=named)
                return
            wait = RETRY_AFTER[job.attempts]
            log.warning("job failed, to be tried again", job=name, error=named, wait=wait)
            # From none: the trace of what went wrong would be kept, with what it quotes.
            raise RetryRequested(timedelta(seconds=wait), named) from None

    return task
