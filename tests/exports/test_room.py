"""What exports may take up: of the disk, all together, and by one person."""

import asyncio
import shutil
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from app.core import database
from app.exports import actions, making, out, storage
from app.exports.making import ExportError
from app.exports.out import PART, PartsOut, TooLargeExport
from tests.conftest import Actor, Cast
from tests.exports.shelf import asked, make, ready, script, shown, state
from tests.messages.test_plans import plan
from tests.pages import says

WISH: dict[str, Any] = {"conversation_id": None, "format": "csv"}


class Disk(NamedTuple):
    total: int
    used: int
    free: int


async def refused(who: Actor, **more: Any) -> bool:
    answer = await who.api.post("/exports", json=WISH | more)
    assert answer.status_code in (202, 429), answer.text
    if answer.status_code == 202:
        await who.api.delete(f"/exports/{answer.json()['id']}")
    return answer.status_code == 429


async def test_who_keeps_enough_gets_more_only_after_throwing_some_away(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST_BYTES_KEPT", 1500)
    first = await ready(cast.milo, cast.chess, b"x" * 1000)
    assert not await refused(cast.milo)
    await ready(cast.milo, cast.chess, b"x" * 1000)
    assert await refused(cast.milo)
    assert not await refused(cast.mina)
    page = await cast.milo.browser.post("/exports", data={"format": "csv"})
    assert (page.status_code, "Your exports use" in says(page)) == (429, True)
    await cast.milo.api.delete(f"/exports/{first}")
    assert not await refused(cast.milo)


async def test_what_they_cannot_see_any_more_does_not_stand_in_their_way(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST_BYTES_KEPT", 1500)
    hidden = await ready(cast.milo, cast.chess, b"x" * 2000)
    await cast.milo.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    assert (await cast.milo.api.delete(f"/exports/{hidden}")).status_code == 404
    assert not await refused(cast.milo)
    assert await state(hidden) == "gone"


async def test_no_file_is_longer_than_any_may_be(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "MOST_BYTES", 5000)
    export = await asked(cast.milo, cast.chess)
    attempt = uuid4()
    assert await making._begin(export, attempt) is not None
    async with database.pool().acquire() as connection:
        written = PartsOut(connection, export, attempt)
        await written.write(b"x" * 5000)
        with pytest.raises(TooLargeExport):
            await written.write(b"x")


async def test_bots_take_up_the_room_of_whoever_has_them(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await cast.milo.api.post("/me/bots", json={"username": "clerk", "name": "Clerk"})
    bot = made.json()["id"]
    scopes = {"name": "Script", "scopes": ["read", "write"]}
    token = (await cast.milo.api.post(f"/me/bots/{bot}/tokens", json=scopes)).json()["token"]
    program = cast.server.client(accept="application/json", authorization=f"Bearer {token}")
    added = await cast.olive.api.post(
        f"/conversations/{cast.chess}/members", json={"username": made.json()["username"]}
    )
    assert added.is_success, added.text
    wish = {"conversation_id": cast.chess, "format": "json"}
    assert (await program.post("/exports", json=wish)).status_code == 202
    for _time in range(2):
        await asked(cast.milo, cast.chess)
    assert (await program.post("/exports", json=wish)).status_code == 429
    assert await refused(cast.milo)
    assert not await refused(cast.olive)


async def test_where_the_disk_is_nearly_full_none_is_begun(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.server.settings.data_dir.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Disk(10**12, 10**12 - 1000, 1000))
    answer = await cast.milo.api.post("/exports", json=WISH)
    assert answer.status_code == 429
    page = await cast.milo.browser.post("/exports", data={"format": "csv", "from": "2026-11-20"})
    assert page.status_code == 429
    assert "2026-11-20" in page.text
    assert await database.fetch_value("SELECT count(*) FROM export") == 0


async def test_one_that_fills_the_disk_is_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    script(cast, "ignore")
    export = await asked(cast.milo, cast.chess)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Disk(10**12, 10**12 - 1000, 1000))
    with pytest.raises(ExportError):
        await make(cast, export, monkeypatch)
    assert await state(export) == "queued 0"


async def _all_but(cast: Cast, left: int) -> int:
    """Somebody's export that leaves so many bytes of the room for all."""
    export = await ready(cast.mina, cast.chess, b"x")
    room = cast.server.settings.export_storage_mb * 1_000_000
    await database.fetch("UPDATE export SET size = $2 WHERE id = $1", export, room - left)
    return export


async def test_when_all_exports_take_up_the_room_nobody_gets_one_until_some_is_free(cast: Cast) -> None:
    """Where Postgres is elsewhere, no disk here tells of it."""
    taking = await _all_but(cast, 1)
    assert not await refused(cast.milo)
    await database.fetch("UPDATE export SET size = size + 1 WHERE id = $1", taking)
    assert await refused(cast.milo)
    page = await cast.milo.browser.post("/exports", data={"format": "csv"})
    assert (page.status_code, "There is no space for exports right now." in says(page)) == (429, True)
    assert (await cast.mina.api.delete(f"/exports/{taking}")).status_code == 204
    assert not await refused(cast.milo)


async def test_one_whose_turn_comes_when_the_room_is_taken_is_not_made(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(cast, "1000")
    export = await asked(cast.milo, cast.chess)
    await _all_but(cast, 0)
    await make(cast, export, monkeypatch)
    assert "There is no space for exports right now." in (await shown(cast.milo, export))["error"]
    assert await state(export) == "failed 0"


async def test_one_that_takes_the_last_of_the_room_is_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    script(cast, "hold")
    export = await asked(cast.milo, cast.chess)
    await _all_but(cast, PART)
    await asyncio.wait_for(make(cast, export, monkeypatch), 60)
    assert "There is no space for exports right now." in (await shown(cast.milo, export))["error"]
    assert await state(export) == "failed 0"


async def test_to_ask_what_room_is_taken_reads_none_that_are_over(cast: Cast) -> None:
    await _all_but(cast, 0)
    await database.fetch(
        """
        INSERT INTO export (person, kind, title, format, archive, paper, language, time_zone, status)
        SELECT $1, 'person', '', 'csv', false, 'a4', 'en', 'UTC', 'failed' FROM generate_series(1, 5000)
        """,
        cast.milo.id,
    )
    await database.fetch("ANALYZE export")
    for node in await plan(storage.USED, PART):
        assert node["Actual Rows"] < 10, node
        assert node.get("Rows Removed by Filter", 0) < 10, node
