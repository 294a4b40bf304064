"""What jobs tell of: once, although a worker that is killed leaves its job to the next."""

import asyncio
from typing import Any

import pytest

from app.core import database, jobs
from app.notifications import jobs as notifications
from tests.conftest import Actor, Cast
from tests.processes import until


async def worked() -> None:
    """All jobs are done, as a worker does them."""
    running = asyncio.create_task(jobs.run())
    try:
        await until(_nothing_waits, "the jobs are done")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _nothing_waits() -> bool:
    return not await database.fetch_value("SELECT count(*) FROM pgqueuer")


async def told(who: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await who.api.get("/notifications")).json()["notifications"]
    return found


@pytest.mark.parametrize("what", ["nothing", "read", "deleted"])
async def test_a_job_that_runs_again_tells_nothing_again_whatever_became_of_what_it_told(cast: Cast, what: str) -> None:
    """Killed after its work was committed, and before its queue knew: the same job, with the same key."""
    await database.fetch("DELETE FROM pgqueuer")
    notifications.register(cast.server.app.state.bell)
    asked = (await cast.milo.api.post("/contacts", json={"username": "mina"})).json()
    for who, answers in ((cast.mina, True), (cast.milo, False)):
        left = await database.fetch("SELECT entrypoint, payload FROM pgqueuer")
        await worked()
        (one,) = await told(who)
        if what == "read":
            await who.api.put("/notifications/read")
        elif what == "deleted":
            await who.api.delete(f"/notifications/{one['id']}")
        await jobs.enqueue(*((row["entrypoint"], row["payload"]) for row in left))
        await worked()
        assert [each["id"] for each in await told(who)] == ([] if what == "deleted" else [one["id"]])
        assert await database.fetch_value("SELECT count(*) FROM notification WHERE person = $1", who.id) == len(
            await told(who)
        )
        if answers:
            await cast.mina.api.put(f"/contacts/{asked['id']}/accept")


async def test_what_failed_is_told_when_it_is_tried_again(cast: Cast) -> None:
    """That it was done is noted with what it did, or not at all."""
    await database.fetch("DELETE FROM pgqueuer")
    notifications.register(cast.server.app.state.bell)
    await cast.milo.api.post("/contacts", json={"username": "mina"})
    await database.fetch("ALTER TABLE notification RENAME TO notification_away")
    try:
        running = asyncio.create_task(jobs.run())
        await until(_has_failed, "it has failed")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    finally:
        await database.fetch("ALTER TABLE notification_away RENAME TO notification")
    await database.fetch("UPDATE pgqueuer SET execute_after = now()")
    await worked()
    assert [each["kind"] for each in await told(cast.mina)] == ["contact_request"]


async def _has_failed() -> bool:
    return bool(await database.fetch_value("SELECT count(*) FROM pgqueuer WHERE attempts > 0"))
