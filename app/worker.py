"""Runs jobs: the same program without HTTP."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg

from app.accounts import jobs as accounts
from app.core import database, jobs, limits, logs
from app.core.settings import Settings
from app.messages import jobs as messages
from app.people import jobs as people

SWEEP = timedelta(minutes=10)


async def run(settings: Settings) -> None:
    """Works until cancelled. Needs `settings.database_url`."""
    logs.configure(settings.env, settings.log_level)
    if settings.database_url is None:
        raise RuntimeError("the worker needs a database_url")
    accounts.register(settings)
    people.register()
    messages.register()
    await database.connect(settings.database_url)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(jobs.run())
            group.create_task(_sweep())
    finally:
        await database.disconnect()


async def _sweep() -> None:
    while True:
        with suppress(*database.UNAVAILABLE, asyncpg.PostgresError):  # the next time will do
            await limits.sweep()
        await asyncio.sleep(SWEEP.total_seconds())
