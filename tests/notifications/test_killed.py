"""kill -9 of the worker while it reads the feed: nobody is told twice, and nothing is forgotten."""

import asyncpg
import pytest

from app.core import database
from tests.conftest import Cast
from tests.notifications.conftest import Read
from tests.notifications.test_told import told
from tests.processes import until, working

# It waits for `locks` to be taken from it by kill -9, in the midst of its transaction.
STUCK = """
    SELECT EXISTS (
        SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE NOT l.granted AND a.datname = current_database() AND l.relation = $1::regclass
    )
"""


@pytest.mark.parametrize("table", ["notification", "notified"])
async def test_a_worker_that_is_killed_while_it_tells_leaves_all_of_it_to_the_next(
    cast: Cast, read: Read, table: str
) -> None:
    """Killed where it writes who is told, and where it writes how far it has read."""
    settings = cast.server.settings
    said = []
    locking = await asyncpg.connect(settings.database_url)
    for number in range(2):
        said.append(await cast.say(cast.milo, f"@mina {number}"))
        async with locking.transaction():
            await locking.execute(f"LOCK TABLE {table} IN SHARE MODE")
            async with working(settings) as worker:
                await until(lambda: database.fetch_value(STUCK, table), "the worker is in the midst of it")
                await worker.kill()
    await locking.close()
    assert await told(cast.mina) == [], "what it had begun is not there"
    async with working(settings):
        await until(lambda: told(cast.mina), "mina is told")
    await read()  # whatever the last one left
    (one,) = await told(cast.mina)
    assert (one["kind"], one["many"], one["message_id"]) == ("mention", 2, said[0]["id"])
    assert await database.fetch_value("SELECT count(*) FROM notification") == 1
