"""The real worker, in a process of its own: it tells by itself, and when it is killed the next one tells."""

from contextlib import AbstractAsyncContextManager

import pytest

from app.core import database
from app.core.settings import Settings
from tests.conftest import Cast
from tests.notifications.webhooks.conftest import log_of, subscribe, told
from tests.processes import Output, until, working
from tests.receivers import Receiver

pytestmark = pytest.mark.xdist_group("waits")


def worker(settings: Settings) -> AbstractAsyncContextManager[Output]:
    """A worker that may call the receivers of the tests."""
    return working(settings, WEBHOOK_ALLOWED_NETWORKS=settings.webhook_allowed_networks)


async def test_a_worker_that_is_killed_while_it_tells_leaves_it_to_the_next_under_the_same_id(
    cast: Cast, receiver: Receiver
) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    receiver.answers_now.clear()
    async with worker(cast.server.settings) as first:
        await cast.say(cast.milo, "e4")
        await receiver.got(1)
        await first.kill()
    receiver.answers_now.set()
    (delivery,) = await log_of(cast.olive, made)
    assert (delivery["state"], delivery["tries"]) == ("waiting", 0), "nobody wrote down what came of it"
    await database.fetch("UPDATE delivery SET claimed_until = now()")  # a minute goes by
    async with worker(cast.server.settings):
        await cast.say(cast.milo, "d4")
        calls = await receiver.got(3)

        async def done() -> bool:
            return {each["state"] for each in await log_of(cast.olive, made)} == {"delivered"}

        await until(done, "both are written down")
    texts = [told(call)["message"]["body"] for call in calls]
    assert sorted(texts) == ["d4", "e4", "e4"]
    ids = {(told(call)["message"]["body"], call.headers["x-causerie-delivery"]) for call in calls}
    assert len(ids) == 2


async def test_what_is_posted_to_a_role_arrives(cast: Cast) -> None:
    made = (await cast.ada.api.post("/admin/webhooks", json={"name": "Office"})).json()
    body = {"text": "No school on Monday.", "to": {"role": "student"}}
    async with worker(cast.server.settings):
        assert (await cast.server.client().post(made["url"], json=body)).status_code == 202

        async def arrived() -> bool:
            count = await database.fetch_value("SELECT count(*) FROM message WHERE body = 'No school on Monday.'")
            return bool(count == 5)

        await until(arrived, "olive, milo, mina, remy and oscar have it")
