"""The one door to Postgres: a pool, `transaction()`, and queries that join the transaction they stand in.

Cold code may use Piccolo's tables; hot paths use `fetch` with SQL, which asyncpg prepares once a connection (a Piccolo
select costs two to four times as much CPU). Both run on the same connection inside `transaction()`.
"""

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, redirect_stdout, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import asyncpg
import structlog
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

Row: TypeAlias = asyncpg.Record
# What a lost, refused or exhausted database raises: the request may be sent again.
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection was cut in the middle of an answer
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
# Whatever a query may raise, for work that is done again later.
FAILED = (*UNAVAILABLE, asyncpg.PostgresError)
MIGRATION_LOCK = 7_220_133  # one advisory lock number for "someone migrates"; arbitrary, ours

POOL_SIZE = 8
# A page reads fifty rows, whatever the planner fears of a million: compiling its plan, or starting processes that share
# the work, takes longer than the work.
SERVER_SETTINGS = {"jit": "off", "max_parallel_workers_per_gather": "0", "timezone": "UTC"}
PATIENCE = 30.0
log = structlog.get_logger()
_engine: PostgresEngine | None = None
_connection: ContextVar[asyncpg.Connection | None] = ContextVar("connection", default=None)


class _Engine(PostgresEngine):
    """Piccolo's, without the two connections that it opens when it is made (`core/upkeep.py` checks the version)."""

    async def check_version(self) -> None:
        """Nothing."""

    async def prep_database(self) -> None:
        """Nothing: we use no extension."""


@dataclass(slots=True)
class _Joined:
    """What Piccolo looks for to run its queries on the connection of our transaction."""

    connection: asyncpg.Connection


def engine() -> PostgresEngine:
    """The Piccolo engine; raises RuntimeError before `connect`."""
    if _engine is None:
        raise RuntimeError("the database is not connected")
    return _engine


def configure(dsn: str) -> PostgresEngine:
    """Names the database without opening it."""
    global _engine
    os.environ["PICCOLO_CONF"] = "app.piccolo_conf"
    if _engine is None:
        _engine = _Engine(config={"dsn": dsn}, extensions=())
    _engine.config = {"dsn": dsn}  # the one engine for good: Piccolo's tables keep the first that they find
    return _engine


async def connect(dsn: str, size: int = POOL_SIZE) -> None:
    """Opens the pool, waiting a while for a Postgres that is being started.

    A connection that breaks later is replaced when it is next asked for. Raises what asyncpg raises, and RuntimeError
    when Postgres may forget what it acknowledges.
    """
    new = configure(dsn)
    new.pool = await asyncpg.create_pool(
        dsn,
        min_size=0,  # asyncpg keeps up a larger minimum with a trace in the log for each try while Postgres is away
        max_size=size,
        timeout=5,
        command_timeout=30,
        max_inactive_connection_lifetime=300,
        reset=_nothing,
        server_settings={"application_name": "causerie", **SERVER_SETTINGS},
    )
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await _assert_durable()
        except UNAVAILABLE as error:
            if time.monotonic() > deadline:
                raise
            log.warning("waiting for the database", error=type(error).__name__)
            await asyncio.sleep(0.5)


async def _nothing(_connection: object) -> None:
    """For a connection that goes back to the pool. The default sends four statements, as much again as a query costs.

    We leave nothing behind that would need them; an open transaction is rolled back in any case.
    """


async def disconnect() -> None:
    """Closes the pool, waiting a moment for queries under way."""
    if _engine is not None and _engine.pool is not None:
        pool, _engine.pool = _engine.pool, None
        pool.terminate()


def pool() -> asyncpg.Pool:
    """The pool; raises RuntimeError before `connect`."""
    found = engine().pool
    if found is None:
        raise RuntimeError("the database is not connected")
    return found


@asynccontextmanager
async def one_connection() -> AsyncIterator[asyncpg.Connection]:
    """The queries inside go over one connection, one after the other: else each takes one from the pool and gives it
    back, which costs as much as a small query. Nested ones join the outer."""
    outer = _connection.get()
    if outer is not None:
        yield outer
        return
    source = pool()
    connection = await source.acquire()
    token = _connection.set(connection)
    try:
        yield connection
    finally:
        _connection.reset(token)
        await _give_back(source, connection)


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """All queries inside, ours and Piccolo's, commit together or not at all. Nested ones join the outer.

    asyncpg's own context managers give the connection back when the task is cancelled; Piccolo's leak it.
    """
    async with one_connection() as connection:
        if connection.is_in_transaction():
            yield
            return
        async with connection.transaction():
            theirs = engine().current_transaction.set(cast(PostgresTransaction, _Joined(connection)))
            try:
                yield
            finally:
                engine().current_transaction.reset(theirs)


@asynccontextmanager
async def snapshot() -> AsyncIterator[asyncpg.Connection]:
    """All queries inside see the database as it is at the first of them, and none writes. Not inside a transaction."""
    async with one_connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


@contextmanager
def apart() -> Iterator[None]:
    """Queries inside do not join the transaction around: they go over connections of their own."""
    token = _connection.set(None)
    try:
        yield
    finally:
        _connection.reset(token)


@asynccontextmanager
async def savepoint() -> AsyncIterator[None]:
    """Inside a transaction: what stands here is undone alone when it fails, and the rest may go on."""
    async with own_connection().transaction():
        yield


def own_connection() -> asyncpg.Connection:
    """The connection of the transaction that this stands in; raises RuntimeError outside of one."""
    connection = _connection.get()
    if connection is None or not connection.is_in_transaction():
        raise RuntimeError("this needs a transaction around it")
    return connection


async def fetch(sql: str, *args: Any) -> list[Row]:
    """The rows of one statement."""
    connection = _connection.get()
    if connection is not None:
        return await _fetch(connection, sql, args)
    source = pool()
    fresh = await source.acquire()
    try:
        return await _fetch(fresh, sql, args)
    finally:
        await _give_back(source, fresh)


async def _fetch(connection: asyncpg.Connection, sql: str, args: tuple[Any, ...]) -> list[Row]:
    """A statement can come to nothing between its preparation and its execution: its arguments cannot be sent, or its
    task is cancelled. Postgres would then hold its locks and its snapshot until it hears of the connection again, which
    could be minutes, and a migration would wait as long: so it hears at once."""
    try:
        return list(await connection.fetch(sql, *args))
    except (asyncio.CancelledError, asyncpg.DataError):
        with suppress(*FAILED):
            await connection.execute("SELECT 1", timeout=1)
        raise


async def _give_back(source: asyncpg.Pool, connection: asyncpg.Connection) -> None:
    """Returns a connection to the pool. One that was cut meanwhile is thrown away by the pool, and that is no reason to
    hide what the statement gave or raised: it may well be committed."""
    with suppress(*UNAVAILABLE):
        await source.release(connection)


async def fetch_row(sql: str, *args: Any) -> Row | None:
    """The first row, or None."""
    rows = await fetch(sql, *args)
    return rows[0] if rows else None


async def fetch_value(sql: str, *args: Any) -> Any:
    """The first column of the first row, or None."""
    row = await fetch_row(sql, *args)
    return row[0] if row else None


async def migrate(dsn: str) -> list[str]:
    """Applies what is missing and gives the names of what it applied; two at once wait for each other."""
    from piccolo.apps.migrations.tables import Migration

    configure(dsn)
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        applied = []
        await Migration.create_table(if_not_exists=True)
        for name, module in await _missing():
            manager = await module.forwards()
            async with engine().transaction(), _silent():  # the step and its record together: a cut leaves neither
                await manager.run()
                await Migration.insert(Migration(name=name, app_name="causerie"))
            applied.append(name)
        return applied
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def _silent() -> AsyncIterator[None]:
    """Piccolo prints its steps; ours are told by whoever asked for them."""
    with redirect_stdout(io.StringIO()):
        yield


async def pending_migrations(dsn: str) -> list[str]:
    """The names of migrations that this code has and the database lacks."""
    configure(dsn)
    # Nothing is made here: someone may be making it at this moment.
    known = await engine().run_ddl("SELECT to_regclass('migration') IS NOT NULL AS known")
    return [name for name, _ in await _missing(nothing_done=not known[0]["known"])]


async def _missing(nothing_done: bool = False) -> Sequence[tuple[str, Any]]:
    # Heavy, and a web process has no use for them.
    from piccolo.apps.migrations.tables import Migration
    from piccolo.conf.apps import Finder

    done = set() if nothing_done else set(await Migration.get_migrations_which_ran(app_name="causerie"))
    config = Finder().get_app_config(app_name="causerie")
    from piccolo.apps.migrations.commands.base import BaseMigrationManager  # it reads PICCOLO_CONF when imported

    modules = BaseMigrationManager().get_migration_modules(config.resolved_migrations_folder_path)
    return [(name, modules[name]) for name in sorted(modules) if name not in done]


async def _assert_durable() -> None:
    """Refuses a Postgres that may forget what it acknowledged (unless the test suite says it wants one)."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    off = [name for name in names if await fetch_value(f"SHOW {name}") == "off"]
    if off and os.environ.get("CAUSERIE_THROWAWAY_DATABASE") != "yes":
        raise RuntimeError(f"Postgres runs with {off[0]}=off: it could lose acknowledged messages. Turn it on.")
