"""Jobs: there if and only if their cause was committed, done once they can be, tried again when they fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from app.core import database, dead_letters, jobs
from app.core.job_ends import Ends
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


async def test_the_next_try_is_the_same_job(done: asyncio.Queue[str]) -> None:
    await jobs.defer(Happened("fail once"))
    before = await database.fetch_value("SELECT id FROM pgqueuer")
    async with a_worker():
        await until(lambda: count("attempts = 1"), "it waits for its next try")
    row = await database.fetch_row("SELECT id, status::text FROM pgqueuer")
    assert row is not None
    assert tuple(row) == (before, "queued")
    kept = await database.fetch("SELECT traceback::text AS said FROM pgqueuer_log WHERE traceback IS NOT NULL")
    assert len(kept) == 1
    assert "not today" not in kept[0]["said"], "what an error quotes may be an address"


async def test_a_job_that_always_fails_is_given_up_in_the_end_and_kept(done: asyncio.Queue[str]) -> None:
    await jobs.defer(Happened("fail always"))
    await database.fetch("UPDATE pgqueuer SET attempts = $1", len(jobs.RETRY_AFTER))
    await jobs.defer(Happened("and the others go on"))
    async with a_worker():
        assert await asyncio.wait_for(done.get(), 10) == "and the others go on"
        await until(count_is(0), "it is given up")
    (letter,) = await dead_letters.listed(None, 10)
    assert (letter.job, letter.error, letter.tries) == ("Happened", "ValueError", len(jobs.RETRY_AFTER) + 1)
    assert letter.about == {}, "no texts, for they may be addresses"
    assert letter.first_at <= letter.last_at


async def test_a_job_that_cannot_be_read_is_given_up_too(done: asyncio.Queue[str]) -> None:
    await jobs.enqueue(("Happened", b"{"))
    await database.fetch("UPDATE pgqueuer SET attempts = $1", len(jobs.RETRY_AFTER))
    async with a_worker():
        await until(count_is(0), "it is given up")
    assert [letter.about for letter in await dead_letters.listed(None, 10)] == [{}]


async def test_a_job_that_kills_its_workers_is_given_up_before_it_kills_for_ever(done: asyncio.Queue[str]) -> None:
    await jobs.defer(Happened("deadly"))
    most = len(jobs.RETRY_AFTER) + jobs.MOST_DEATHS
    long_ago = "UPDATE pgqueuer SET status = 'picked', attempts = $1, heartbeat = now() - interval '1 hour'"
    await database.fetch(long_ago, most)
    async with a_worker():
        await until(count_is(0), "it is given up")
    assert done.empty(), "nobody tried it again"
    (letter,) = await dead_letters.listed(None, 10)
    assert (letter.error, letter.tries) == ("WorkerDiedError", most + 2)


async def test_a_job_keeps_its_key_through_its_tries_and_its_death(
    done: asyncio.Queue[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RETRY_AFTER", (0,))
    keys: list[str] = []

    @jobs.handles(Happened)
    async def work(_event: Happened) -> None:
        keys.append(jobs.key())
        if len(keys) < 3:
            raise ValueError

    await jobs.defer(Happened("x"))
    async with a_worker():
        await until(count_is(0), "it is given up")
        assert len(keys) == 2
        await jobs.enqueue(*await dead_letters.take(None))
        await until(count_is(0), "it is done")
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_a_job_that_a_stopped_worker_had_in_hand_is_there_for_the_next_at_once(
    done: asyncio.Queue[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "POLITE", 0.2)
    began = asyncio.Event()

    @jobs.handles(Happened)
    async def work(_event: Happened) -> None:
        began.set()
        await asyncio.Event().wait()

    await jobs.defer(Happened("long"))
    async with a_worker():
        await asyncio.wait_for(began.wait(), 30)
    await until(lambda: count("status = 'queued'"), "it is put back")


async def test_a_job_whose_next_try_cannot_be_written_down_is_not_lost(
    done: asyncio.Queue[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the database goes away at that moment: what PgQueuer does then is to delete the job when it is back."""
    failed = asyncio.Event()

    async def fails(*_: object) -> None:
        failed.set()
        raise OSError

    monkeypatch.setattr(Ends, "retry_job", fails)
    await jobs.defer(Happened("fail once"))
    async with a_worker():
        await asyncio.wait_for(failed.wait(), 30)
    assert await count("status = 'picked'") == 1
    monkeypatch.undo()
    await database.fetch("UPDATE pgqueuer SET heartbeat = now() - $1::interval", jobs.SILENT)

    @jobs.handles(Happened)
    async def work(event: Happened) -> None:
        await done.put(event.text)

    async with a_worker():
        assert await asyncio.wait_for(done.get(), 30) == "fail once"


async def test_a_job_that_lasts_is_not_taken_by_another_worker(
    done: asyncio.Queue[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says twice in the time of silence that it is in work."""
    monkeypatch.setattr(jobs, "SILENT", timedelta(seconds=8))
    monkeypatch.setattr(jobs, "LOOK", timedelta(seconds=0.5))
    began: list[str] = []
    go_on = asyncio.Event()

    @jobs.handles(Happened)
    async def work(event: Happened) -> None:
        began.append(event.text)
        await go_on.wait()

    await jobs.defer(Happened("long"))
    async with a_worker(), a_worker():
        await until(lambda: count("heartbeat > created + interval '10 seconds'"), "it says again that it is in work")
        go_on.set()
        await until(count_is(0), "it is done")
    assert began == ["long"]
