"""Push services that are gone, fail, ask for patience, lead elsewhere or say nothing at all."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from app.core import database
from app.notifications.push import hosts, queue
from app.notifications.push.sender import AT_ONCE, WAITS, Pusher
from tests.conftest import Cast
from tests.notifications.conftest import Read
from tests.notifications.push_service import Browser, Push, failures, signs_in, subscribed, waits
from tests.receivers import Receiver, receiving


async def writes(cast: Cast, read: Read, text: str = "hello") -> None:
    await cast.say(cast.milo, f"@olive @mina {text}")
    await read()


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_over_is_removed(cast: Cast, read: Read, push: Push, status: int) -> None:
    device = await subscribed(cast.olive, push.service)
    push.service.answers = [status]
    await writes(cast, read)
    await push.send()
    assert await failures(device) is None
    assert (await cast.olive.api.get("/me/push-subscriptions")).json()["subscriptions"] == []
    await writes(cast, read)
    await push.send()
    assert len(device.calls) == 1


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
async def test_one_that_fails_is_kept_and_tried_again_after_growing_waits(
    cast: Cast, read: Read, push: Push, status: int
) -> None:
    device = await subscribed(cast.olive, push.service)
    push.service.answers = [status]
    await writes(cast, read)
    for tried, expected in enumerate(WAITS[:4], start=1):
        await push.send()
        failed = await failures(device)
        assert failed is not None
        assert failed[0] == tried
        assert expected * 0.75 < failed[1] < expected * 1.25
        await push.round()
        assert len(device.calls) == tried, "not before"
    push.service.answers = [201]
    await push.send()
    assert await failures(device) == (0, 0)
    assert len({shown["tag"] for shown in device.shown}) == 1
    assert await waits() == 0


async def test_a_service_that_asks_for_patience_is_given_it(cast: Cast, read: Read, push: Push) -> None:
    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Later\r\nretry-after: 7200\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(busy, "127.0.0.1", 0)
    device = await subscribed(cast.olive, Receiver(port=server.sockets[0].getsockname()[1]))
    await writes(cast, read)
    await push.send()
    server.close()
    failed = await failures(device)
    assert failed is not None
    assert 7000 < failed[1] <= 7200


async def test_after_a_day_it_is_given_up_but_what_comes_then_is_tried(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    push.service.answers = [503]
    await writes(cast, read)
    await push.send()
    await database.fetch("UPDATE push_waiting SET created_at = now() - interval '25 hours'")
    await push.send()
    assert len(device.calls) == 2, "the last time"
    assert await waits() == 0
    await push.send()
    assert len(device.calls) == 2
    push.service.answers = [201]
    await writes(cast, read, "again")
    await push.send()
    assert len(device.calls) == 3
    assert await failures(device) == (0, 0)


async def test_one_device_that_fails_does_not_keep_the_others_from_hearing_more(
    cast: Cast, read: Read, push: Push
) -> None:
    async with receiving() as broken:
        broken.answers = [503]
        first = await subscribed(cast.olive, broken, "/push/old")
        second = await subscribed(await signs_in(cast, "olive"), push.service, "/push/new")
        for text in ("one", "two"):
            await writes(cast, read, text)
            await database.fetch("UPDATE notification SET push_at = now() WHERE push_at IS NOT NULL")
            await push.round()
        assert [shown["body"].split()[-1] for shown in second.shown] == ["one", "two"]
        assert len(first.calls) == 1, "it is waited for"
        broken.answers = [201]
        await push.send()
        assert [shown["body"].split()[-1] for shown in first.shown] == ["one", "two"]
        assert len(second.calls) == 2


async def test_a_redirect_is_not_followed(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    push.service.answers = [(307, f"{push.service.url}/elsewhere")]
    await writes(cast, read)
    await push.send()
    assert [call.path for call in push.service.calls] == [device.path]
    failed = await failures(device)
    assert failed is not None
    assert failed[0] == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433"])
async def test_the_own_network_is_not_called_whatever_its_address_is_written_like(
    cast: Cast, read: Read, push: Push, host: str
) -> None:
    """As a name could that led elsewhere when it was given."""
    device = await subscribed(cast.olive, push.service, host=host)
    await writes(cast, read)
    await database.fetch("UPDATE notification SET push_at = now()")
    async with AsyncExitStack() as stack:
        guarded = Push(push.service, Pusher(cast.server.settings), stack)
        await guarded.send()
    assert push.service.calls == []
    failed = await failures(device)
    assert failed is not None
    assert failed[0] == 1


async def test_a_service_that_never_answers_holds_up_nobody_else(
    cast: Cast, read: Read, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of its devices are due, and before, than are served at a time; once it was silent some times, the others
    wait."""
    monkeypatch.setattr("app.notifications.push.sender.AT_ONCE", 8)
    monkeypatch.setattr("app.core.outside.SECONDS", 1.0)
    async with receiving() as dead:
        dead.answers_now.clear()
        await many(cast, Browser(dead, "/push/"), 30)
        device = await subscribed(cast.mina, push.service)
        await writes(cast, read)
        await database.fetch("UPDATE notification SET push_at = now()")
        await queue.spread()
        await database.fetch(
            "UPDATE push_subscription SET retry_at = now() - interval '1 hour' WHERE id <> $1", device.id
        )
        running = asyncio.create_task(push.pusher.run())
        try:
            await push.service.got(1)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert len(device.calls) == 1
    tried = await database.fetch_value("SELECT count(*) FROM push_subscription WHERE failures > 0")
    assert 0 < tried <= hosts.TO_ONE + hosts.SILENT, "the rest of them was left alone"
    assert await waits() >= 30, "and nothing of it is lost"


async def many(cast: Cast, like: Browser, count: int) -> None:
    """So many devices of Olive's at that service."""
    await database.fetch(
        """
        WITH made AS (
            INSERT INTO session (person, device, address, expires_at)
            SELECT $1, 'tests', '127.0.0.1', now() + interval '1 day' FROM generate_series(1, $2)
            RETURNING id
        )
        INSERT INTO push_subscription (person, session, endpoint, p256dh, auth)
        SELECT $1, id, $3 || id, $4, $5 FROM made
        """,
        cast.olive.id,
        count,
        like.endpoint,
        like.json["keys"]["p256dh"],
        like.json["keys"]["auth"],
    )


async def test_many_are_served_at_a_time(cast: Cast, read: Read, push: Push) -> None:
    assert AT_ONCE >= 200
    await many(cast, Browser(push.service, "/push"), 60)
    await writes(cast, read)
    await push.send()
    assert len({call.path for call in push.service.calls}) == 60 == len(push.service.calls)
    assert await waits() == 0


async def test_the_log_names_no_address_and_no_text(
    cast: Cast, read: Read, push: Push, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    said: list[Any] = []
    monkeypatch.setattr("app.notifications.push.sender.log.info", lambda *args, **more: said.append((args, more)))
    device = await subscribed(cast.olive, push.service, "/push/secret-address")
    push.service.answers = [503, 410]
    await writes(cast, read, "a secret text")
    await push.send()
    await push.send()
    assert len(said) == 2
    assert all(secret not in str(said) for secret in ("secret", device.json["keys"]["auth"]))
