"""Reads of exports, each through what its person may see at this moment."""

import zlib

from app.accounts.views import Me
from app.core import database
from app.core.database import Row
from app.core.errors import NotFound
from app.exports.access import MINE, SEEN, kinds
from app.exports.views import ExportsView, ExportView, file_name, said, suffix

PAGE = 20
COLUMNS = """
    e.id, e.person, e.status, e.done, e.total, e.kind, e.conversation, e.title, e.format, e.archive, e.paper,
    e.language, e.from_at, e.to_at, e.size, e.sha256, e.failure, e.asked_at, e.ended_at, e.expires_at,
    CASE WHEN e.status = 'ready' AND e.expires_at <= now() THEN 'expired' ELSE e.status END AS shown
"""


async def one(me: Me, number: int) -> ExportView:
    """One of theirs; raises NotFound."""
    row = await database.fetch_row(
        f"SELECT {COLUMNS} FROM export e WHERE {MINE} AND e.id = $3", me.id, kinds(me), number
    )
    if row is None:
        raise NotFound
    return view(row)


async def listed(me: Me, before: int | None = None, limit: int = PAGE) -> ExportsView:
    """A page of theirs, the latest first."""
    rows = await database.fetch(
        f"""
        SELECT {COLUMNS} FROM export e WHERE {MINE} AND e.id < coalesce($3, e.id + 1) ORDER BY e.id DESC LIMIT $4
        """,
        me.id,
        kinds(me),
        before,
        limit + 1,
    )
    shown = [view(row) for row in rows[:limit]]
    return ExportsView(shown, shown[-1].id if len(rows) > limit else None)


async def of_people(numbers: list[int]) -> dict[int, Row]:
    """Those of these exports that whoever asked for them may see at this moment, as rows for `view`."""
    rows = await database.fetch(f"SELECT {COLUMNS} FROM export e WHERE e.id = ANY($1) AND {SEEN}", numbers)
    return {row["id"]: row for row in rows}


async def is_first(number: int) -> bool:
    """Whether none that its person asked for before is still to be made: one at a time of each, or somebody's three
    long ones would keep everyone else's waiting for hours. One that was begun already goes on."""
    waits = await database.fetch_value(
        """
        SELECT EXISTS (
            SELECT FROM export o WHERE o.person = e.person AND o.id < e.id AND o.status IN ('queued', 'working')
        ) FROM export e WHERE e.id = $1 AND e.status = 'queued'
        """,
        number,
    )
    return not waits


async def part(number: int, which: int) -> bytes | None:
    """A part of the file of an export that is ready; None when it is not (any more), or whoever asked for it may not
    see it any more: who reads slowly would go on for hours after they were removed."""
    found = await database.fetch_row(
        f"""
        SELECT p.bytes, p.packed FROM export_part p JOIN export e ON e.id = p.export
        WHERE p.export = $1 AND p.number = $2 AND e.status = 'ready' AND {SEEN}
        """,
        number,
        which,
    )
    if found is None:
        return None
    return zlib.decompress(found["bytes"]) if found["packed"] else bytes(found["bytes"])


def view(row: Row) -> ExportView:
    """A row of COLUMNS, in the language of this request (or stream)."""
    ready = row["shown"] == "ready"
    return ExportView(
        id=row["id"],
        status=row["shown"],
        progress=progress(row),
        done=row["done"],
        total=row["total"],
        kind=row["kind"],
        conversation_id=row["conversation"],
        title=row["title"],
        format=row["format"],
        archive=row["archive"],
        paper=row["paper"],
        language=row["language"],
        from_=row["from_at"],
        to=row["to_at"],
        name=file_name(row["title"], row["asked_at"], suffix(row["kind"], row["format"], row["archive"])),
        size=row["size"],
        sha256=row["sha256"].hex() if row["sha256"] else None,
        url=f"/exports/{row['id']}/download" if ready else None,
        error=said(row["failure"]) if row["shown"] == "failed" else None,
        asked_at=row["asked_at"],
        ended_at=row["ended_at"],
        expires_at=row["expires_at"],
    )


def progress(row: Row) -> float | None:
    """By what is done, never by the clock. It is 1 when the file is there, and not before."""
    if row["shown"] in ("ready", "expired"):
        return 1.0
    if row["shown"] == "queued":
        return 0.0
    if not row["total"]:
        return None
    most = 0.99 if row["shown"] == "working" else 1.0
    share: float = row["done"] / row["total"]
    return round(min(share, most), 4)
