"""What exports may take up: of the disk, all together, and by one person."""

import shutil
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from app.core import database
from app.exports import actions, making, out
from app.exports.making import ExportError
from app.exports.out import PartsOut, TooLargeExport
from tests.conftest import Actor, Cast
from tests.exports.shelf import asked, make, ready, script, state
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
    assert (page.status_code, "Your exports take up" in says(page)) == (429, True)
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
