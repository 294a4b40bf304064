"""What a statement that came to nothing leaves behind: nothing."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.core import database
from tests.conftest import Server


@pytest.fixture
async def observer(server: Server) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside those of the pool."""
    connection = await asyncpg.connect(server.settings.database_url)
    yield connection
    await connection.close()


async def assert_free(observer: asyncpg.Connection) -> None:
    """No client holds what a statement took. Autovacuum may hold what it likes."""
    held = """
        SELECT l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.relation = 'session'::regclass AND a.datname = current_database()
          AND a.backend_type = 'client backend' AND l.pid <> pg_backend_pid()
    """
    assert await observer.fetch(held) == []


async def test_a_statement_whose_arguments_cannot_be_sent_holds_no_lock(observer: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.DataError):  # Postgres has prepared it by then, and waits for what comes next
        await database.fetch("SELECT 'refused', id FROM session WHERE id = $1", "no number")
    await assert_free(observer)
    with pytest.raises(asyncpg.DataError):
        async with database.one_connection():
            await database.fetch("SELECT 'refused too', id FROM session WHERE id = $1", "no number")
    await assert_free(observer)


@pytest.mark.parametrize("turns", range(12))
async def test_a_statement_that_was_cancelled_at_any_moment_holds_no_lock(
    observer: asyncpg.Connection, turns: int
) -> None:
    task = asyncio.create_task(database.fetch(f"SELECT {turns}, id FROM session"))
    for _turn in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await assert_free(observer)
