"""Jobs: there if and only if their cause was committed, done once they can be, tried again when they fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from app.core import database, jobs
from app.core.settings import Settings
from tests.processes import until


class Happened(msgspec.Struct):
    """Something that the tests work on later."""

    text: str


@pytest.fixture
async def done(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Queue[str]]:
    """What the handler was given, in order; it fails for texts that begin with "fail" until told otherwise."""
    monkeypatch.setattr(jobs, "_handlers", {})
    found: asyncio.Queue[str] = asyncio.Queue()
    failed: set[str] = set()

    @jobs.handles(Happened)
    async def work(event: Happened) -> None:
        if event.text.startswith("fail always") or (event.text.startswith("fail") and event.text not in failed):
            failed.add(event.text)
            raise ValueError("not today")
        await found.put(event.text)

    assert settings.database_url is not None
    await database.connect(settings.database_url)
    yield found
    await database.disconnect()


@asynccontextmanager
async def a_worker() -> AsyncIterator[None]:
    running = asyncio.create_task(jobs.run())
    yield
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def count(where: str = "true") -> int:
    return int(await database.fetch_value(f"SELECT count(*) FROM pgqueuer WHERE {where}"))


def count_is(wanted: int, where: str = "true") -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return await count(where) == wanted

    return ask


async def test_a_job_is_done_and_then_gone(done: asyncio.Queue[str]) -> None:
    await jobs.defer(Happened("é\0😀"))
    async with a_worker():
        assert await asyncio.wait_for(done.get(), 10) == "é\0😀"
        await until(count_is(0), "the job is gone")


async def test_a_job_of_a_transaction_that_failed_was_never_there(done: asyncio.Queue[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction():
            await jobs.defer(Happened("never"))
            raise ZeroDivisionError
    assert await count() == 0
    async with database.transaction():
        await jobs.defer(Happened("first"))
        await jobs.defer(Happened("second"))
    assert await count() == 2


async def test_a_job_may_wait(done: asyncio.Queue[str]) -> None:
    await jobs.defer(Happened("later"), wait=timedelta(hours=1))
    await jobs.defer(Happened("now"))
    async with a_worker():
        assert await asyncio.wait_for(done.get(), 10) == "now"
    assert await count("execute_after > now() + interval '50 minutes'") == 1


async def test_a_job_that_fails_is_tried_again_after_a_while(done: asyncio.Queue[str]) -> None:
    await jobs.defer(Happened("fail once"))
    async with a_worker():
        await until(lambda: count("status = 'queued' AND execute_after > now()"), "it waits for its next try")
        await database.fetch("UPDATE pgqueuer SET execute_after = now()")
        assert await asyncio.wait_for(done.get(), 40) == "fail once"


async def test_a_job_that_always_fails_is_given_up_in_the_end(done: asyncio.Queue[str]) -> None:
    await jobs.defer(Happened("fail always"), tries=len(jobs.RETRY_AFTER))
    await jobs.defer(Happened("and the others go on"))
    async with a_worker():
        assert await asyncio.wait_for(done.get(), 10) == "and the others go on"
        await until(count_is(0, "status IN ('queued', 'picked')"), "it is given up")
