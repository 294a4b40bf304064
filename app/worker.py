"""Runs jobs, and work that comes round: the same program without HTTP."""

import asyncio
import uuid
from contextlib import suppress

from litestar.channels import ChannelsPlugin

from app.accounts import jobs as accounts
from app.accounts import sweeping
from app.core import database, jobs, logs, periodic, sweeps, workers
from app.core.bell import CHANNEL, Bell, backend_of
from app.core.settings import Settings
from app.exports import jobs as exports
from app.messages import jobs as messages
from app.notifications import jobs as notifications
from app.notifications import weekly
from app.notifications.follower import Follower
from app.notifications.mail import Mailer
from app.notifications.push.sender import Pusher
from app.notifications.webhooks import jobs as webhooks
from app.people import jobs as people


async def run(settings: Settings) -> None:
    """Works until cancelled. Needs `settings.database_url`."""
    logs.configure(settings.env, settings.log_level)
    if settings.database_url is None:
        raise RuntimeError("the worker needs a database_url")
    accounts.register(settings)
    people.register()
    messages.register(settings)
    sweeps.register()
    sweeping.register()
    channels = ChannelsPlugin(backend=backend_of(settings), channels=[CHANNEL])
    bell = Bell(channels)
    notifications.register(bell)
    weekly.register()
    webhooks.register(settings)
    exports.register(settings, bell)
    await database.connect(settings.database_url, settings.database_pool_size)
    try:
        async with channels:
            await bell.start()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(jobs.run())
                    group.create_task(periodic.run(settings))
                    group.create_task(Follower(bell).run())
                    group.create_task(Mailer(settings).run())
                    group.create_task(Pusher(settings).run())
                    group.create_task(webhooks.run(settings))
                    group.create_task(_live())
            finally:
                await bell.stop()
    finally:
        await database.disconnect()


async def _live() -> None:
    """Says that this worker lives, for those who look whether one does."""
    me = uuid.uuid4()
    while True:
        with suppress(*database.FAILED):  # it is seen that nothing was said
            await workers.say_alive(me)
        await asyncio.sleep(workers.BEAT)
