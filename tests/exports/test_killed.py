"""A worker that is killed with -9 in the middle of an export: another one makes it, and nobody ever sees half of it."""

from app.core import database, jobs
from app.exports.out import PART
from tests.conftest import Cast
from tests.exports.shelf import asked, fetched, programs, script, shown, state
from tests.processes import until, working

WORKER = "tests.exports.worker"


async def test_the_next_worker_makes_it_anew_and_whole(cast: Cast) -> None:
    go = script(cast, "hold")
    export = await asked(cast.milo, cast.chess)

    async def part_is_there() -> bool:
        return await state(export) == "working 1"

    async with working(cast.server.settings, WORKER) as worker:
        await until(part_is_there, "the first try has written a part")
        first = await database.fetch_value("SELECT attempt FROM export")
        pid = worker.process.pid
        assert len(programs(pid)) == 1
        await worker.kill()

    async def nobody_writes() -> bool:
        return programs(pid) == []

    await until(nobody_writes, "the program dies with its worker", 5)
    assert (await shown(cast.milo, export))["status"] == "working"
    assert (await cast.milo.api.get(f"/exports/{export}/download")).status_code == 404
    await database.fetch("UPDATE pgqueuer SET heartbeat = now() - $1::interval - interval '1 second'", jobs.SILENT)

    async def second_try() -> bool:
        return bool(await database.fetch_value("SELECT attempt <> $1 AND done = 50 FROM export", first))

    async def done() -> bool:
        return bool((await shown(cast.milo, export))["status"] == "ready")

    async def all_done() -> bool:
        return not await database.fetch_value("SELECT count(*) FROM pgqueuer")

    async with working(cast.server.settings, WORKER):
        await until(second_try, "the next worker has begun it anew")
        assert (await cast.milo.api.get(f"/exports/{export}/download")).status_code == 404
        go.touch()
        await until(done, "it is ready")
        await until(all_done, "its person is told")
    assert await fetched(cast.milo, export) == b"h" * (PART + PART // 2) + b"!" * PART
    assert await state(export) == "ready 3"
    listed = (await cast.milo.api.get("/notifications")).json()["notifications"]
    assert [each["export_id"] for each in listed if each["kind"].startswith("export")] == [export]


async def test_a_worker_that_is_told_to_stop_gives_it_back(cast: Cast) -> None:
    script(cast, "ignore")
    export = await asked(cast.milo, cast.chess)

    async def part_is_there() -> bool:
        return await state(export) == "working 1"

    async with working(cast.server.settings, WORKER) as worker:
        await until(part_is_there, "a part is there")
        pid = worker.process.pid
        worker.process.terminate()
        await worker.process.wait()
    assert programs(pid) == []
    assert await state(export) == "queued 0"
    rows = await database.fetch("SELECT status, attempts FROM pgqueuer WHERE entrypoint = 'ExportRequested'")
    assert [tuple(row) for row in rows] == [("queued", 0)]


async def test_a_fault_is_tried_three_times_and_then_a_dead_letter(cast: Cast) -> None:
    script(cast, "fault")
    export = await asked(cast.milo, cast.chess)

    async def wait_no_more() -> bool:
        await database.fetch("UPDATE pgqueuer SET execute_after = now() WHERE execute_after > now()")
        return bool(await database.fetch_value("SELECT count(*) FROM dead_letter"))

    async with working(cast.server.settings, WORKER) as worker:
        await until(wait_no_more, "it is given up")
        assert "confidence" not in worker.text
        assert "writer.py" in worker.text  # where it went wrong is said to whoever runs this
    letter = await database.fetch_row("SELECT job, tries, error FROM dead_letter")
    assert letter is not None
    assert tuple(letter) == ("ExportRequested", 3, "ExportError")
    view = await shown(cast.milo, export)
    assert (view["status"], view["url"]) == ("failed", None)
    assert "has been logged" in view["error"]
