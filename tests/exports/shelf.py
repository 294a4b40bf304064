"""Exports in tests: asked for as people do, made by a writer that does what the test says, fetched again."""

import hashlib
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from app.core import database, jobs
from app.exports import making
from app.exports.out import PartsOut
from app.notifications import jobs as notifications
from app.people.events import ExportEnded
from tests.conftest import Actor, Cast

WRITER = [sys.executable, "-m", "tests.exports.writer"]


def programs(worker: int) -> list[int]:
    """The programs that make exports for the process of this number."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().rstrip(b"\0").split(b"\0")
        except OSError:  # it has ended
            continue
        if b"tests.exports.writer" in words and words[-1] == b"%d" % worker:
            found.append(int(path.parent.name))
    return found


def script(cast: Cast, what: str) -> Path:
    """What the writer does from now on; gives the file whose being there lets one go on that holds."""
    folder = cast.server.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "export-script").write_text(what)
    for name in ("export-go", "export-reached"):
        (folder / name).unlink(missing_ok=True)
    return folder / "export-go"


async def asked(who: Actor, conversation: int | None, **more: Any) -> int:
    """The number of an export that they ask for."""
    answer = await who.api.post("/exports", json={"conversation_id": conversation, "format": "json", **more})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["id"])


async def make(cast: Cast, export: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes it as the worker does."""
    monkeypatch.setattr(making, "PROGRAM", WRITER)
    await making.make(cast.server.settings, cast.server.app.state.bell, export)


async def ready(who: Actor, conversation: int | None, data: bytes, **more: Any) -> int:
    """The number of an export of theirs that is ready, with this file."""
    export = await asked(who, conversation, **more)
    attempt = uuid4()
    assert await making._begin(export, attempt) is not None
    async with database.pool().acquire() as connection:
        out = PartsOut(connection, export, attempt)
        await out.write(data)
    await out.finish()
    return export


async def state(export: int) -> str:
    """How it stands in the database, and how many parts there are."""
    row = await database.fetch_row(
        """
        SELECT status, (SELECT count(*) FROM export_part p WHERE p.export = e.id) AS parts FROM export e WHERE id = $1
        """,
        export,
    )
    return f"{row['status']} {row['parts']}" if row else "gone"


async def shown(who: Actor, export: int) -> dict[str, Any]:
    """The export as JSON."""
    answer = await who.api.get(f"/exports/{export}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def fetched(who: Actor, export: int) -> bytes:
    """Its file, which is the one that was announced."""
    answer: httpx.Response = await who.api.get(f"/exports/{export}/download")
    assert answer.status_code == 200, answer.text
    view = await shown(who, export)
    assert (len(answer.content), hashlib.sha256(answer.content).hexdigest()) == (view["size"], view["sha256"])
    return answer.content


async def tell_how_they_ended(cast: Cast) -> None:
    """Tells whose exports have ended, as the worker does."""
    notifications.register(cast.server.app.state.bell)
    rows = await database.fetch("DELETE FROM pgqueuer WHERE entrypoint = 'ExportEnded' RETURNING payload")
    for row in rows:
        envelope = msgspec.json.decode(row["payload"])
        event = msgspec.convert(envelope["event"], ExportEnded)
        jobs._key.set(envelope["key"])
        await jobs._handlers["ExportEnded"].handler(event)
