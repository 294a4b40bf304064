"""Work that comes round: once for each due time, by whichever worker, and not forgotten while none ran."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.core import database, periodic
from app.core.periodic import daily, every
from app.core.settings import Settings

HOUR = timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture(autouse=True)
async def alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """No task but those of the test."""
    monkeypatch.setattr(periodic, "_tasks", {})
    assert settings.database_url is not None
    await database.connect(settings.database_url)
    yield
    await database.disconnect()


async def due(name: str, ago: timedelta) -> None:
    await database.fetch("UPDATE periodic_task SET due_at = now() - $2::interval WHERE name = $1", name, ago)


async def left(name: str) -> timedelta:
    """How long until it is due again."""
    found = await database.fetch_value("SELECT due_at - now() FROM periodic_task WHERE name = $1", name)
    assert isinstance(found, timedelta)
    return found


async def test_what_was_missed_while_no_worker_ran_is_done_once(settings: Settings) -> None:
    done: list[datetime] = []

    @every(HOUR, name="tea")
    async def tea(due: datetime) -> None:
        done.append(due)

    await periodic.write_down(settings)
    assert not await periodic.do_next(settings), "not due yet"
    await due("tea", timedelta(days=3))
    while await periodic.do_next(settings):
        pass
    assert len(done) == 1
    assert datetime.now(UTC) - done[0] > timedelta(days=2), "it is told when it was due"
    assert timedelta(minutes=59) < await left("tea") <= HOUR


async def test_it_stays_in_step(settings: Settings) -> None:
    @every(HOUR, name="tea")
    async def tea(_due: datetime) -> None: ...

    await periodic.write_down(settings)
    await due("tea", timedelta(minutes=20))
    await periodic.do_next(settings)
    assert timedelta(minutes=39) < await left("tea") <= timedelta(minutes=40)


async def test_of_two_workers_one_does_it(settings: Settings) -> None:
    done: list[int] = []
    begun, both = asyncio.Event(), asyncio.Event()

    @every(HOUR, name="tea")
    async def tea(_due: datetime) -> None:
        done.append(1)
        begun.set()
        await both.wait()  # while the other looks

    await periodic.write_down(settings)
    await due("tea", timedelta())
    first = asyncio.create_task(periodic.do_next(settings))
    async with asyncio.timeout(30):
        await begun.wait()
    assert await periodic.do_next(settings) is False
    both.set()
    assert await first is True
    assert await periodic.do_next(settings) is False
    assert len(done) == 1


async def test_the_work_and_its_being_done_are_one(settings: Settings) -> None:
    @every(HOUR, name="tea")
    async def tea(_due: datetime) -> None:
        await database.fetch("INSERT INTO mail_sent (key) VALUES ('tea')")
        database.own_connection().terminate()  # as when the worker is killed

    await periodic.write_down(settings)
    await due("tea", timedelta())
    with pytest.raises(database.UNAVAILABLE):
        await periodic.do_next(settings)
    assert await database.fetch_value("SELECT count(*) FROM mail_sent") == 0
    assert await left("tea") <= timedelta(), "it is still due"


async def test_what_has_more_to_do_is_due_again_at_once_and_each_part_is_kept(settings: Settings) -> None:
    parts = iter("abc")

    @every(HOUR, name="tea")
    async def tea(_due: datetime) -> bool:
        part = next(parts)
        await database.fetch("INSERT INTO mail_sent (key) VALUES ($1)", part)
        return part != "c"

    await periodic.write_down(settings)
    await due("tea", timedelta())
    assert await periodic.do_next(settings)
    assert await database.fetch_value("SELECT count(*) FROM mail_sent") == 1
    while await periodic.do_next(settings):
        pass
    assert await database.fetch_value("SELECT count(*) FROM mail_sent") == 3


async def test_what_fails_leaves_nothing_waits_longer_each_time_and_lets_the_others_go_on(settings: Settings) -> None:
    done: list[int] = []

    @every(HOUR, name="broken")
    async def broken(_due: datetime) -> None:
        await database.fetch("INSERT INTO mail_sent (key) VALUES ('half')")
        raise TimeoutError

    @every(HOUR, name="tea")
    async def tea(_due: datetime) -> None:
        done.append(1)

    await periodic.write_down(settings)
    await due("broken", timedelta(hours=2))
    await due("tea", HOUR)
    while await periodic.do_next(settings):
        pass
    assert done == [1]
    assert await database.fetch_value("SELECT count(*) FROM mail_sent") == 0
    first = await left("broken")
    await due("broken", timedelta())
    await periodic.do_next(settings)
    assert first < timedelta(minutes=1) < await left("broken")
    row = await database.fetch_row("SELECT failures, error FROM periodic_task WHERE name = 'broken'")
    assert row is not None
    assert tuple(row) == (2, "TimeoutError")


async def test_a_shorter_interval_counts_at_once_and_a_restart_puts_nothing_off(settings: Settings) -> None:
    @every(timedelta(days=30), name="tea")
    async def seldom(_due: datetime) -> None: ...

    await periodic.write_down(settings)

    @every(HOUR, name="tea")
    async def often(_due: datetime) -> None: ...

    await periodic.write_down(settings)
    assert await left("tea") <= HOUR
    await due("tea", timedelta(minutes=-1))
    await periodic.write_down(settings)
    assert await left("tea") <= timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("2026-06-01 06:59+02:00", "2026-06-01 07:00+02:00"),
        ("2026-06-01 07:00+02:00", "2026-06-02 07:00+02:00"),
        # The nights in which the clocks change.
        ("2026-03-28 07:00+01:00", "2026-03-29 07:00+02:00"),
        ("2026-10-24 07:00+02:00", "2026-10-25 07:00+01:00"),
    ],
)
def test_a_day_begins_in_the_time_zone_of_the_place(now: str, wanted: str) -> None:
    @daily(7, name="morning")
    async def morning(_due: datetime) -> None: ...

    assert periodic._tasks["morning"].after(at(now), PARIS) == at(wanted)


def test_of_a_week_it_is_that_day() -> None:
    @daily(7, name="monday", weekday=0)
    async def monday(_due: datetime) -> None: ...

    after = periodic._tasks["monday"].after
    assert after(at("2026-06-01 06:00+02:00"), PARIS) == at("2026-06-01 07:00+02:00")
    assert after(at("2026-06-01 08:00+02:00"), PARIS) == at("2026-06-08 07:00+02:00")
