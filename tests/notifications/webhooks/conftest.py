"""A server whose worker is the test itself: each round follows the feeds and sends what is due."""

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core import outside
from app.core.settings import Settings
from app.notifications.webhooks import following
from app.notifications.webhooks.sending import Sender
from tests.conftest import Actor, Cast, Server
from tests.receivers import Call, Receiver, receiving


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The receivers of the tests are on this machine."""
    return dataclasses.replace(settings, webhook_allowed_networks="127.0.0.0/8")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def sender(server: Server) -> AsyncIterator[Sender]:
    async with outside.session(server.settings) as calling:
        made = Sender(server.settings, calling)
        yield made
        await made.finish()


async def work(sender: Sender) -> int:
    """What the worker does until nothing is due; gives how many deliveries it tried."""
    while (await following.follow())[1]:
        pass
    tried = 0
    while begun := await sender.begin():
        tried += begun
        await sender.finish()
    return tried


async def subscribe(who: Actor, where: int | None, receiver: Receiver, *events: str) -> dict[str, Any]:
    """Subscribes as that person would; gives the subscription with its secret."""
    path = f"/conversations/{where}/subscriptions" if where else "/admin/subscriptions"
    answer = await who.api.post(path, json={"url": receiver.url, "events": events or ["message.sent"]})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call.body)
    return found


def texts(receiver: Receiver) -> list[tuple[str, str]]:
    """Event and text of each call, in the order of the changes: deliveries are sent side by side."""
    found = sorted((told(call) for call in receiver.calls), key=lambda each: each["message"]["change"])
    return [(each["event"], each["message"]["body"]) for each in found]


async def log_of(who: Actor, subscription: dict[str, Any]) -> list[dict[str, Any]]:
    """Its deliveries, the oldest first."""
    answer = await who.api.get(f"/subscriptions/{subscription['id']}")
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["deliveries"]))


@pytest.fixture
async def make_hook(cast: Cast) -> Any:
    async def make(who: Actor, where: int | None, name: str = "Absences", **more: Any) -> dict[str, Any]:
        path = f"/conversations/{where}/webhooks" if where else "/admin/webhooks"
        answer = await who.api.post(path, json={"name": name, **more})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return make
