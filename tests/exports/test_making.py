"""Making an export: one whole file or none, whatever happens, in a program that is held to its limits."""

import asyncio
import json
import os
import time
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup

from app.core import database, dead_letters, jobs
from app.exports import jobs as export_jobs
from app.exports import making, program, start
from app.exports.events import ExportRequested
from app.exports.model import CancelledExport
from app.exports.out import PART, PartsOut
from tests.conftest import Cast
from tests.exports.shelf import WRITER, asked, fetched, make, programs, script, shown, state
from tests.processes import until
from tests.streams import following


async def told() -> list[tuple[int, bool]]:
    """What notifications are to tell."""
    rows = await database.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'ExportEnded' ORDER BY id")
    events = [json.loads(row["payload"])["event"] for row in rows]
    return [(event["export"], event["ready"]) for event in events]


async def test_what_is_ready_is_whole_and_its_person_is_to_be_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    script(cast, str(2 * PART + 12_345))
    export = await asked(cast.milo, cast.chess)
    await make(cast, export, monkeypatch)
    assert await state(export) == "ready 3"
    data = await fetched(cast.milo, export)
    assert len(data) == 2 * PART + 12_345
    view = await shown(cast.milo, export)
    assert (view["progress"], view["done"], view["total"], view["error"]) == (1.0, 100, 100, None)
    assert await told() == [(export, True)]


async def test_a_job_that_runs_again_changes_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    script(cast, "1000")
    export = await asked(cast.milo, cast.chess)
    await make(cast, export, monkeypatch)
    before = await shown(cast.milo, export)
    await make(cast, export, monkeypatch)
    assert await shown(cast.milo, export) == before
    assert await told() == [(export, True)]


async def test_what_was_cancelled_or_deleted_before_its_turn_is_not_begun(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(cast, "1000")
    cancelled, deleted = await asked(cast.milo, cast.chess), await asked(cast.milo, cast.chess)
    await cast.milo.api.post(f"/exports/{cancelled}/cancel")
    await cast.milo.api.delete(f"/exports/{deleted}")
    for export in (cancelled, deleted):
        await make(cast, export, monkeypatch)
    assert [await state(each) for each in (cancelled, deleted)] == ["cancelled 0", "gone"]
    assert await told() == []


@pytest.mark.parametrize("what", ["hold", "ignore"])
@pytest.mark.parametrize("how", ["cancel", "delete"])
async def test_in_the_middle_it_is_stopped_within_a_moment_and_nothing_stays(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, what: str, how: str
) -> None:
    script(cast, what)
    export = await asked(cast.milo, cast.chess)
    making_it = asyncio.create_task(make(cast, export, monkeypatch))
    await until(lambda: _is(export, "working 1"), "a part is there")
    if how == "cancel":
        assert (await cast.milo.api.post(f"/exports/{export}/cancel")).status_code == 200
    else:
        assert (await cast.milo.api.delete(f"/exports/{export}")).status_code == 204
    began = time.monotonic()
    await asyncio.wait_for(making_it, 30)
    assert time.monotonic() - began < 15  # a second or so, where nobody else works
    assert await state(export) == ("cancelled 0" if how == "cancel" else "gone")
    assert programs(os.getpid()) == []
    assert await told() == []


async def _is(export: int, wanted: str) -> bool:
    return await state(export) == wanted


async def test_the_progress_is_that_of_the_messages(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    go = script(cast, "hold")
    export = await asked(cast.milo, cast.chess)
    making_it = asyncio.create_task(make(cast, export, monkeypatch))

    async def half() -> bool:
        view = await shown(cast.milo, export)
        return bool((view["status"], view["progress"], view["done"]) == ("working", 0.5, 50))

    await until(half, "half of it is done")
    page = (await cast.milo.browser.get(f"/exports/{export}")).text
    assert 'value="50"' in page
    assert "50 of 100" in page
    go.touch()
    await making_it
    assert len(await fetched(cast.milo, export)) == 5 * PART // 2


@pytest.mark.parametrize(
    ("what", "failure", "sentence"),
    [
        ("gone", "access", "no longer have access"),
        ("memory", "memory", "too large"),
        ("killed", "memory", "too large"),
    ],
)
async def test_what_cannot_be_made_is_said_in_words(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, what: str, failure: str, sentence: str
) -> None:
    script(cast, what)
    export = await asked(cast.milo, cast.chess)
    await make(cast, export, monkeypatch)
    view = await shown(cast.milo, export)
    assert view["status"] == "failed"
    assert sentence in view["error"]
    assert await database.fetch_value("SELECT failure FROM export") == failure
    assert await told() == [(export, False)]
    assert (await cast.milo.api.get(f"/exports/{export}/download")).status_code == 404


async def test_what_takes_too_long_is_ended(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "WALL_SECONDS", 4)
    script(cast, "spin")
    export = await asked(cast.milo, cast.chess)
    await make(cast, export, monkeypatch)
    assert "too long" in (await shown(cast.milo, export))["error"]
    assert programs(os.getpid()) == []


async def test_a_fault_is_tried_again_and_its_text_is_shown_to_nobody(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(cast, "fault")
    export = await asked(cast.milo, cast.chess)
    with pytest.raises(making.ExportError):
        await make(cast, export, monkeypatch)
    assert await state(export) == "queued 0"
    printed = capsys.readouterr()
    assert "confidence" not in printed.out + printed.err
    script(cast, "1000")
    await make(cast, export, monkeypatch)
    assert await state(export) == "ready 1"


async def test_after_the_last_try_it_has_failed_and_an_administrator_may_try_once_more(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(cast, "fault")
    export = await asked(cast.milo, cast.chess)
    await database.fetch("UPDATE export SET status = 'working', attempt = $2 WHERE id = $1", export, uuid4())
    await making.give_up(cast.server.app.state.bell, export)
    await making.give_up(cast.server.app.state.bell, export)
    assert await told() == [(export, False)]
    assert "has been logged" in (await shown(cast.milo, export))["error"]
    script(cast, "1000")
    await make(cast, export, monkeypatch)
    view = await shown(cast.milo, export)
    assert (view["status"], view["error"]) == ("ready", None)
    assert await told() == [(export, False), (export, True)]


async def test_a_job_that_is_given_up_says_so_before_it_becomes_a_dead_letter(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PgQueuer calls it, at the last of its tries."""
    export = await asked(cast.milo, cast.chess)
    heard = []

    async def fails(_event: ExportRequested) -> None:
        raise making.ExportError

    async def given_up(event: ExportRequested) -> None:
        heard.append((event.export, await dead_letters.count()))

    row = await database.fetch_row("SELECT * FROM pgqueuer WHERE entrypoint = 'ExportRequested'")
    assert row is not None

    class Job:
        def __init__(self, row: database.Row) -> None:
            self.id, self.payload, self.attempts = row["id"], row["payload"], 2

    task = jobs._task(jobs._Work(ExportRequested, fails, 2, 3, given_up))
    await task(Job(row))  # type: ignore[arg-type]
    assert heard == [(export, 0)]
    assert await dead_letters.count() == 1


async def test_the_program_has_limits_and_none_of_our_secrets(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for it")
    monkeypatch.setenv("SMTP_URL", "smtp://user:password@mail")
    monkeypatch.setenv("S3_URL", "s3://key:secret@bucket")
    script(cast, "itself")
    export = await asked(cast.mina, cast.chess, paper="letter", **{"from": "2026-01-01"})
    await make(cast, export, monkeypatch)
    found = json.loads(await fetched(cast.mina, export))
    environment = found["environment"]
    assert not {"SECRET_KEY", "SMTP_URL", "S3_URL"} & environment.keys()
    assert not [value for value in environment.values() if cast.server.settings.secret_key in value]
    assert environment["DATABASE_URL"] == cast.server.settings.database_url
    assert found["nice"] == min(19, os.nice(0) + start.NICE)
    assert found["session"]
    # Who is not root may change it once in a tenth of a second, on the whole machine.
    assert found["group"] in (None, str(start.NICE), *(["0"] if os.geteuid() else []))
    assert (found["memory"], found["cpu"]) == (program.MEMORY, program.CPU_SECONDS)
    assert found["file"] == program.LONGEST_FILE
    assert found["first_to_go"] == "1000"
    assert found["instance"] == cast.server.settings.base_url
    assert found["folder_is_there"]
    assert found["folder"] not in map(str, (cast.server.settings.data_dir / "exports").iterdir())
    order = found["order"]
    assert (order["kind"], order["conversation"], order["paper"]) == ("conversation", cast.chess, "letter")
    assert order["by"]["username"] == "mina"
    assert order["locale"]["language"] == "fr"
    assert order["from_"].startswith("2026-01-01")


async def test_the_exports_of_one_person_are_made_one_after_the_other(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two are made at a time: somebody else's need not wait for all of theirs."""
    script(cast, "1000")
    monkeypatch.setattr(making, "PROGRAM", WRITER)
    first, second = await asked(cast.milo, cast.chess), await asked(cast.milo, cast.chess)
    other = await asked(cast.mina, cast.chess)
    await database.fetch("DELETE FROM pgqueuer")
    export_jobs.register(cast.server.settings, cast.server.app.state.bell)
    work = jobs._handlers["ExportRequested"].handler
    await making._begin(first, uuid4())
    for export in (second, other):
        await work(ExportRequested(export))
    assert [await state(each) for each in (first, second, other)] == ["working 0", "queued 0", "ready 1"]
    (job,) = await database.fetch(
        "SELECT payload, execute_after > created AS later FROM pgqueuer WHERE entrypoint = 'ExportRequested'"
    )
    assert (json.loads(job["payload"])["event"], job["later"]) == ({"export": second}, True)
    for export in (first, second):  # the first is done again by who finds that its worker has died
        await work(ExportRequested(export))
    assert [await state(each) for each in (first, second)] == ["ready 1", "ready 1"]


async def test_a_try_that_was_overtaken_can_write_nothing_more(cast: Cast) -> None:
    """As of a worker that was thought to be dead."""
    export = await asked(cast.milo, cast.chess)
    old, new = uuid4(), uuid4()
    await making._begin(export, old)
    async with database.pool().acquire() as connection:
        first = PartsOut(connection, export, old)
        await first.write(b"o" * PART)
        await making._begin(export, new)
        assert await state(export) == "working 0"
        for late in (first.write(b"o" * PART), first.expect(7), first.finish()):
            with pytest.raises(CancelledExport):
                await late
        assert await making.fail(export, old, "time") is None
        await making._back(export, old)
        second = PartsOut(connection, export, new)
        await second.write(b"n" * PART)
    await second.finish()
    assert await fetched(cast.milo, export) == b"n" * PART


async def test_nobody_waits_for_the_disk_at_each_part_but_for_what_says_that_all_is_ready(cast: Cast) -> None:
    export, attempt = await asked(cast.milo, cast.chess), uuid4()
    await making._begin(export, attempt)
    async with database.pool().acquire() as connection:
        await connection.execute("SET synchronous_commit = on")
        out = PartsOut(connection, export, attempt)
        async with connection.transaction():
            await out.write(b"a" * PART)
            assert await connection.fetchval("SHOW synchronous_commit") == "off"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        await out.write(b"b")
    async with database.transaction():
        await database.fetch("SET LOCAL synchronous_commit = on")
        await out.finish()
        assert await database.fetch_value("SHOW synchronous_commit") == "on"
    assert await fetched(cast.milo, export) == b"a" * PART + b"b"


async def test_a_worker_that_is_told_to_stop_ends_the_program_and_the_export_waits_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(cast, "ignore")
    export = await asked(cast.milo, cast.chess)
    making_it = asyncio.create_task(make(cast, export, monkeypatch))
    await until(lambda: _is(export, "working 1"), "a part is there")
    making_it.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making_it
    assert await state(export) == "queued 0"
    assert programs(os.getpid()) == []


async def test_pages_and_programs_hear_of_each_step_and_the_old_page_becomes_the_fresh_one(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shape(html: str, export: int) -> str:
        return " ".join(str(BeautifulSoup(html, "html.parser").find(id=f"export-{export}")).split())

    go = script(cast, "hold")
    async with (
        following(cast.server, cast.milo, json=False) as page,
        following(cast.server, cast.milo) as programs,
        following(cast.server, cast.olive) as others,
    ):
        export = await asked(cast.milo, cast.chess)
        old = shape((await cast.milo.browser.get("/exports")).text, export)
        assert 'data-status="queued"' in old
        making_it = asyncio.create_task(make(cast, export, monkeypatch))
        await programs.until(lambda f: any(e.json.get("progress") == 0.5 for e in f.named("export")))
        await page.until(lambda f: any('value="50"' in e.data for e in f.named("export")))
        go.touch()
        await making_it
        await page.until(lambda f: any('data-status="ready"' in e.data for e in f.named("export")))
        fresh = (await cast.milo.browser.get("/exports")).text
        assert shape(page.named("export")[-1].data, export) == shape(fresh, export)
        await programs.until(lambda f: f.named("export")[-1].json["status"] == "ready")
        assert programs.named("export")[-1].json == await shown(cast.milo, export)
        await cast.milo.api.delete(f"/exports/{export}")
        await programs.until(lambda f: f.named("export")[-1].json == {"id": export, "removed": True})
        await page.until(lambda f: "hidden" in f.named("export")[-1].data)
        assert f'id="export-{export}"' not in (await cast.milo.browser.get("/exports")).text
        assert others.named("export") == []


async def test_all_of_a_persons_data_is_not_told_by_the_feed_to_a_token(cast: Cast) -> None:
    made = await cast.milo.api.post("/me/tokens", json={"name": "Script", "scopes": ["read"]})
    cast.milo.access, own = made.json()["token"], cast.milo.access
    async with following(cast.server, cast.milo) as by_token:
        cast.milo.access = own
        async with following(cast.server, cast.milo) as signed_in:
            everything = await asked(cast.milo, None)
            await signed_in.until(lambda f: bool(f.named("export")))
            conversation = await asked(cast.milo, cast.chess)
            await by_token.until(lambda f: bool(f.named("export")))
            assert {event.json["id"] for event in by_token.named("export")} == {conversation}
            assert everything in {event.json["id"] for event in signed_in.named("export")}
