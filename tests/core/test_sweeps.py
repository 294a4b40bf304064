"""What nobody needs any more goes, in batches; what somebody may still need stays."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from app.accounts import sweeping
from app.core import database, periodic, sweeps
from tests.conftest import Cast, Server

NOW = datetime.now(UTC)


@pytest.fixture
async def tasks(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, periodic.Task]]:
    found: dict[str, periodic.Task] = {}
    monkeypatch.setattr(periodic, "_tasks", found)
    sweeps.register()
    sweeping.register()
    yield found


async def swept(tasks: dict[str, periodic.Task], name: str, table: str) -> list[str]:
    """Runs the task until it is done; gives what is left, by its first text column `name`."""
    while await tasks[name].work(NOW):
        pass
    return [row[0] for row in await database.fetch(f"SELECT kept FROM ({table}) AS t (kept) ORDER BY kept")]


async def test_devices_are_forgotten_a_month_after_they_were_signed_out(
    cast: Cast, tasks: dict[str, periodic.Task]
) -> None:
    await database.fetch(
        """
        INSERT INTO session (person, device, address, expires_at, ended_at)
        SELECT $1, device, '', now() + expires * interval '1 day', now() + ended * interval '1 day'
        FROM (VALUES ('open', 1, NULL), ('ended lately', 1, -29), ('ended', 1, -31), ('expired lately', -29, NULL),
                     ('expired', -31, NULL)) AS t (device, expires, ended)
        """,
        cast.milo.id,
    )
    left = await swept(tasks, "sweep sessions", f"SELECT device FROM session WHERE person = {cast.milo.id}")
    assert left == ["ended lately", "expired lately", "open", "tests"]


async def test_links_are_forgotten_a_day_after_they_are_over(cast: Cast, tasks: dict[str, periodic.Task]) -> None:
    await database.fetch(
        """
        INSERT INTO password_reset (person, token_hash, expires_at, used_at)
        SELECT $1, convert_to(name, 'UTF8'), now() + expires * interval '1 hour', now() + used * interval '1 hour'
        FROM (VALUES ('open', 1, NULL), ('used', 1, -25), ('expired', -25, NULL), ('just expired', -1, NULL))
            AS t (name, expires, used)
        """,
        cast.milo.id,
    )
    await database.fetch(
        """
        INSERT INTO email_change (person, email, expires_at)
        VALUES ($1, 'open', now() + interval '1 hour'), ($2, 'over', now() - interval '25 hours')
        """,
        cast.milo.id,
        cast.mina.id,
    )
    left = await swept(tasks, "sweep links", "SELECT convert_from(token_hash, 'UTF8') FROM password_reset")
    assert left == ["just expired", "open"]
    assert await swept(tasks, "sweep links", "SELECT email FROM email_change") == ["open"]


async def test_the_log_of_jobs_does_not_grow_for_ever_and_goes_in_batches(
    tasks: dict[str, periodic.Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 2)
    for table, number in (("pgqueuer_log", "job_id"), ("pgqueuer_statistics", "count")):
        await database.fetch(
            f"""
            INSERT INTO {table} ({number}, status, priority, entrypoint, created)
            SELECT 1, 'successful', 0, name, now() - days * interval '1 day'
            FROM (VALUES ('a', 9), ('b', 8), ('c', 10), ('d', 30), ('e', 31), ('new', 1)) AS t (name, days)
            """
        )
    assert await tasks["sweep jobs"].work(NOW) is True, "there is more than a batch"
    assert await database.fetch_value("SELECT count(*) FROM pgqueuer_log") == 4
    assert await swept(tasks, "sweep jobs", "SELECT entrypoint FROM pgqueuer_log") == ["new"]
    assert await swept(tasks, "sweep jobs", "SELECT entrypoint FROM pgqueuer_statistics") == ["new"]


async def test_dead_letters_and_notes_of_mails_go_in_the_end_the_notes_later(tasks: dict[str, periodic.Task]) -> None:
    await database.fetch(
        """
        INSERT INTO dead_letter (job, payload, error, tries, first_at, last_at)
        VALUES ('old', '', '', 6, now(), now() - interval '91 days'), ('new', '', '', 6, now(), now())
        """
    )
    await database.fetch(
        "INSERT INTO mail_sent VALUES ('old', now() - interval '201 days'), ('new', now() - interval '100 days')"
    )
    await database.fetch(
        "INSERT INTO job_done VALUES ('old', now() - interval '201 days'), ('new', now() - interval '100 days')"
    )
    assert await swept(tasks, "sweep mails", "SELECT job FROM dead_letter") == ["new"]
    assert await swept(tasks, "sweep mails", "SELECT key FROM mail_sent") == ["new"]
    assert await swept(tasks, "sweep mails", "SELECT key FROM job_done") == ["new"]


async def test_of_the_workers_that_are_gone_the_last_is_remembered(tasks: dict[str, periodic.Task]) -> None:
    await database.fetch(
        """
        INSERT INTO worker_process SELECT gen_random_uuid(), now() - days * interval '1 day'
        FROM unnest(ARRAY[40, 42, 60]) AS days
        """
    )
    left = await swept(
        tasks, "sweep workers", "SELECT extract(day FROM now() - seen_at)::int::text FROM worker_process"
    )
    assert left == ["40"]


async def test_what_somebody_works_on_is_left_for_the_next_time(
    server: Server, tasks: dict[str, periodic.Task]
) -> None:
    await database.fetch("INSERT INTO rate_limit VALUES ('a', 1, now() - interval '1 hour')")
    await database.fetch("INSERT INTO rate_limit VALUES ('b', 1, now() - interval '1 hour')")
    other = await asyncpg.connect(server.settings.database_url)
    async with other.transaction():
        await other.execute("SELECT FROM rate_limit WHERE key = 'a' FOR UPDATE")
        assert await swept(tasks, "sweep limits", "SELECT key FROM rate_limit") == ["a"]
    await other.close()
    assert await swept(tasks, "sweep limits", "SELECT key FROM rate_limit") == []
