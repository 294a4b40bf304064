"""A worker that is killed with -9: no job is lost, and no mail is sent twice that can be known to have gone."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from app.core import database, jobs
from tests.conftest import Cast
from tests.mailbox import mailbox
from tests.processes import until, working


def there(sql: str) -> Callable[[], Awaitable[object]]:
    async def ask() -> object:
        return await database.fetch_value(sql)

    return ask


async def time_of_silence() -> None:
    """As if the worker had been dead for long enough."""
    await database.fetch("UPDATE pgqueuer SET heartbeat = now() - $1::interval - interval '1 second'", jobs.SILENT)


async def asks_for_a_link(cast: Cast) -> None:
    answer = await cast.nobody.api.post("/auth/forgot-password", json={"email": "milo@example.org"})
    assert answer.status_code == 202


@pytest.mark.parametrize("how", ["at any time", "as the next of many tries"])
async def test_killed_while_the_mail_goes_out_the_next_one_sends_it(cast: Cast, how: str) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await never.wait()

    async with mailbox() as box:
        box.first = hold
        async with working(cast.server.settings, SMTP_URL=box.url) as worker:
            await asks_for_a_link(cast)
            if how != "at any time":
                await database.fetch("UPDATE pgqueuer SET attempts = $1", len(jobs.RETRY_AFTER))
            await asyncio.wait_for(reached.wait(), 60)
            await worker.kill()
        assert await database.fetch_value("SELECT count(*) FROM pgqueuer WHERE status = 'picked'") == 1
        box.first = None
        await time_of_silence()
        async with working(cast.server.settings, SMTP_URL=box.url):
            await box.until(mails=1, seconds=60)
            await until(there("SELECT count(*) = 0 FROM pgqueuer"), "the job is done")
    assert len(box.mails) == 1
    assert await database.fetch_value("SELECT count(*) FROM dead_letter") == 0


async def test_killed_after_the_mail_has_gone_the_next_one_sends_no_second(cast: Cast) -> None:
    holding = await asyncpg.connect(cast.server.settings.database_url)

    async def hold_the_job() -> None:
        """So that its worker cannot end it."""
        await holding.execute("BEGIN")
        await holding.execute("SELECT FROM pgqueuer FOR UPDATE")

    async with mailbox() as box:
        box.first = hold_the_job
        async with working(cast.server.settings, SMTP_URL=box.url) as worker:
            await asks_for_a_link(cast)
            await box.until(mails=1, seconds=60)
            await until(there("SELECT count(*) = 1 FROM mail_sent"), "the worker has noted it")
            waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
            await until(there(waits), "it wants to end the job")
            await worker.kill()
        # What it asked of Postgres at last may still wait for the lock.
        await database.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        await holding.execute("ROLLBACK")
        await holding.close()
        box.first = None
        link = await database.fetch_value("SELECT token_hash FROM password_reset")
        assert await database.fetch_value("SELECT count(*) FROM pgqueuer WHERE status = 'picked'") == 1
        await time_of_silence()
        async with working(cast.server.settings, SMTP_URL=box.url):
            await until(there("SELECT count(*) = 0 FROM pgqueuer"), "the job is done")
    assert len(box.mails) == 1
    assert await database.fetch_value("SELECT token_hash FROM password_reset") == link, "the link that was sent works"
