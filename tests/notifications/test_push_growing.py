"""What grows while a device is told of it: it is told again, once, and not before its time."""

import asyncio

from app.core import database
from app.notifications.push import queue
from tests.conftest import Cast
from tests.notifications.conftest import Read
from tests.notifications.push_service import Push, subscribed, waits


async def growing(cast: Cast, read: Read, push: Push) -> asyncio.Task[None]:
    """A push whose service does not answer yet, of a notification that has grown since."""
    await cast.say(cast.milo, "@olive one")
    await read()
    push.service.answers_now.clear()
    sending = asyncio.create_task(push.send())
    await push.service.got(1)
    await cast.say(cast.milo, "@olive two")
    await read()
    return sending


async def a_minute_later() -> None:
    await database.fetch("UPDATE notification SET push_at = now() WHERE push_at IS NOT NULL")


async def test_what_grew_while_it_was_on_its_way_is_told_again_once_a_minute_later(
    cast: Cast, read: Read, push: Push
) -> None:
    device = await subscribed(cast.olive, push.service)
    sending = await growing(cast, read, push)
    push.service.answers_now.set()
    await sending
    await push.round()
    assert [shown["body"] for shown in device.shown] == ["@olive one"]
    wait = await database.fetch_value("SELECT extract(epoch FROM push_at - pushed_at)::float FROM notification")
    assert wait == 60
    await a_minute_later()
    await push.round()
    await push.send()
    assert [shown["body"] for shown in device.shown] == ["@olive one", "@olive two"]


async def test_what_grew_on_its_way_for_longer_than_a_minute_is_told_again_at_once(
    cast: Cast, read: Read, push: Push
) -> None:
    device = await subscribed(cast.olive, push.service)
    sending = await growing(cast, read, push)
    await a_minute_later()
    await queue.spread()
    push.service.answers_now.set()
    await sending
    await push.round()
    assert [shown["body"] for shown in device.shown] == ["@olive one", "@olive two"]
    await push.round()
    assert len(device.calls) == 2


async def test_what_grew_before_it_was_on_its_way_is_not_told_twice_when_that_takes_a_minute(
    cast: Cast, read: Read, push: Push
) -> None:
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive one")
    await read()
    await database.fetch("UPDATE notification SET push_at = now()")
    await queue.spread()
    await cast.say(cast.milo, "@olive two")
    await read()
    push.service.answers_now.clear()
    sending = asyncio.create_task(push.round())
    await push.service.got(1)
    await a_minute_later()
    await queue.spread()
    push.service.answers_now.set()
    await sending
    await push.send()
    assert [shown["body"] for shown in device.shown] == ["@olive two"]
    assert await waits() == 0
