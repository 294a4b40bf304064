"""There is room for so many calls at once: nobody takes all of it."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from app.core import database, outside
from app.core.settings import Settings
from app.notifications.push import hosts
from app.notifications.webhooks import following, sending
from app.notifications.webhooks.sending import Sender, claim
from tests.conftest import Actor, Cast
from tests.notifications.webhooks.conftest import log_of, subscribe, work
from tests.receivers import Receiver


async def subscriptions(who: Actor, where: int, *urls: str) -> None:
    """Written as they are kept: to names that nobody calls here."""
    for url in urls:
        made = await database.fetch_value(
            """
            INSERT INTO subscription (conversation, owner, url, events, secret)
            VALUES ($1, $2, $3, 'message.sent', 's') RETURNING id
            """,
            where,
            who.id,
            url,
        )
        await following.catch_up(made, [where])


async def test_one_owner_and_one_host_have_a_share_and_the_oldest_comes_first(cast: Cast) -> None:
    await subscriptions(cast.olive, cast.chess, *(f"https://slow{n}.example/" for n in range(6)))
    await subscriptions(cast.ada, cast.general, *(f"https://one.example/{n}" for n in range(6)))
    for _ in range(4):
        await cast.say(cast.milo, "e4")
        sent = await cast.ada.api.post(f"/conversations/{cast.general}/messages", json={"body": "x"})
        assert sent.status_code == 201
    await following.follow()
    await database.fetch("UPDATE delivery SET due_at = now() - id * interval '1 second'")
    taken = await claim(32)
    assert len([each for each in taken if "slow" in each.url]) == sending.AT_ONCE_OWNER
    assert len([each for each in taken if "one.example" in each.url]) == sending.AT_ONCE_HOST
    rows = await database.fetch("SELECT id FROM delivery ORDER BY due_at LIMIT 1")
    assert rows[0]["id"] in {each.id for each in taken}
    assert await claim(32) == [], "what is under way counts"


async def test_a_host_that_is_silent_rests_and_that_is_no_try(
    cast: Cast, receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "SILENT", 1)
    made = await subscribe(cast.olive, cast.chess, receiver)
    async with sender.hosts.turn(receiver.url) as host:
        host.was_silent()
    await cast.say(cast.milo, "e4")
    await work(sender)
    (delivery,) = await log_of(cast.olive, made)
    assert (delivery["state"], delivery["tries"], receiver.calls) == ("waiting", 0, [])


async def test_one_to_which_too_much_waits_is_switched_off_and_says_why(
    cast: Cast, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_WAITING", 2)
    made = await subscribe(cast.olive, cast.chess, receiver)
    for more in (2, 1):
        shown = (await cast.olive.api.get(f"/subscriptions/{made['id']}")).json()
        assert shown["disabled_reason"] is None
        for _ in range(more):
            await cast.say(cast.milo, "e4")
        await following.follow()
        await sending.switch_off_those_behind()
    shown = (await cast.olive.api.get(f"/subscriptions/{made['id']}")).json()
    assert shown["disabled_reason"] == "behind"
    assert {each["state"] for each in shown["deliveries"]} == {"failed"}
    assert "10,000" in (await cast.olive.browser.get(f"/subscriptions/{made['id']}")).text


async def test_a_name_that_is_never_found_leaves_threads_for_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when those who waited for it have given up: their threads hang on."""
    go_on, real = threading.Event(), socket.getaddrinfo
    hanging: list[str] = []

    def look_up(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "hangs.example":
            hanging.append(host)
            go_on.wait(30)
        return real("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolver = outside._Resolver(settings)
    try:
        for _ in range(outside.LOOKUPS):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(resolver.resolve("hangs.example", 443), 0.05)
        async with asyncio.timeout(10):
            assert await resolver.resolve("other.example", 443)
        assert len(hanging) == outside.LOOKUPS_EACH
    finally:
        go_on.set()
        await resolver.close()
