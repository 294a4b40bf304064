"""What the worker does for webhooks: it follows the feeds and sends what is due."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from app.core import database, outside
from app.core.jobs import handles
from app.core.patience import patience
from app.core.periodic import every
from app.core.settings import Settings
from app.notifications.webhooks import following, posts
from app.notifications.webhooks.events import PostedToRole
from app.notifications.webhooks.sending import Sender, switch_off_those_behind

log = structlog.get_logger()
# No ring reaches the worker: the heads of what is followed are asked for this often, in one statement.
EVERY = 1.0
KEPT_DAYS = 30


def register(settings: Settings) -> None:
    """Says who does the work; called once by the worker."""

    @handles(PostedToRole)
    async def hand_on(event: PostedToRole) -> None:
        await posts.hand_on(settings, event)

    @every(timedelta(minutes=1), name="webhooks behind")
    async def those_to_which_too_much_waits(_due: datetime) -> None:
        await switch_off_those_behind()

    @every(timedelta(hours=1), name="sweep webhooks")
    async def what_is_too_old_to_be_asked_for(_due: datetime) -> None:
        await sweep()


async def run(settings: Settings) -> None:
    """Follows and sends until cancelled. A database that goes away is waited for."""
    async with outside.session(settings) as calling:
        sender = Sender(settings, calling)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_follow(sender))
                group.create_task(_send(sender))
        finally:
            for task in sender.under_way:
                task.cancel()  # what was sent and not written down is sent again when its lease ends


async def _follow(sender: Sender) -> None:
    while True:
        more = False
        with patience("webhooks wait"):
            told, more = await following.follow()
            if told:
                sender.awake.set()
        await asyncio.sleep(0 if more else EVERY)


async def _send(sender: Sender) -> None:
    while True:
        sender.awake.clear()
        with patience("webhooks wait"):
            await sender.begin()
        with suppress(TimeoutError):  # what is due by now was waiting for its time
            await asyncio.wait_for(sender.awake.wait(), EVERY)


async def sweep() -> None:
    """Forgets what is too old to be asked for."""
    await database.fetch(
        f"""
        DELETE FROM delivery WHERE created_at < now() - {KEPT_DAYS} * interval '1 day' AND state <> 'waiting'
        """
    )
    await database.fetch(f"DELETE FROM webhook_post WHERE created_at < now() - {KEPT_DAYS} * interval '1 day'")
    await database.fetch("DELETE FROM webhook_signature WHERE expires_at < now()")
