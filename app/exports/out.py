"""Where the file of an export goes: into the database, part by part, as long as its try is the one that counts.

It holds one part in memory, however large the file. Over a connection of its own: what is exported is read in a
transaction that shows one moment and writes nothing.
"""

import hashlib
import time
import zlib
from datetime import timedelta
from uuid import UUID

import asyncpg

from app.core import database, jobs
from app.exports import pacing
from app.exports.model import CancelledExport
from app.people.events import ExportEnded

PART = 256 * 1024
KEPT = timedelta(days=7)
# No file is longer: more than a million messages as JSON, which one can have year by year.
MOST_BYTES = 1_000_000_000
# What stays free on the disk for the rest of the house, where that is on the same.
SPARE = 1_000_000_000
# Seconds between two times that the progress is written down (and a cancellation noticed).
PAUSE = 0.25
# The row stays as it is until the part is there: another try waits, and then deletes it with the rest.
_PUT = """
    INSERT INTO export_part (export, number, bytes, packed)
    SELECT e.id, $3, $4, $5 FROM export e WHERE e.id = $1 AND e.attempt = $2 AND e.status = 'working' {more} FOR SHARE
    RETURNING number
"""
_LAST = _PUT.format(more="")
# Nobody waits for the disk, neither this nor the sends that would stand behind it there. What says that all is ready
# waits, and with it all that was written before is on the disk; a part that goes with a crash goes with its try.
_PART = _PUT.format(more="AND set_config('synchronous_commit', 'off', true) = 'off'")


def packed(part: bytes) -> tuple[bytes, bool]:
    """The part as it is kept, and whether it is packed: by the quickest way there is, where it gains anything. JSON is
    a sixth then; Postgres writes everything twice, and all who send wait while it makes room in its log."""
    small = zlib.compress(part, 1)
    return (small, True) if len(small) < 0.9 * len(part) else (part, False)


class TooLargeExport(Exception):
    """It has become longer than any may be."""


class PartsOut:
    """An Out that writes parts. `finish` makes of them the file; before that nobody can see any."""

    def __init__(self, connection: asyncpg.Connection, export: int, attempt: UUID) -> None:
        self.connection = connection
        self.export = export
        self.attempt = attempt
        self.size = 0
        self.messages = 0
        self._digest = hashlib.sha256()
        self._part = bytearray()
        self._number = 0
        self._told = time.monotonic()

    async def write(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > MOST_BYTES:
            raise TooLargeExport
        self._digest.update(data)
        self._part += data
        while len(self._part) >= PART:
            await self._put(bytes(self._part[:PART]))
            del self._part[:PART]

    async def done(self, messages: int) -> None:
        self.messages = messages
        if time.monotonic() - self._told >= PAUSE:
            await self._tell()
        await pacing.current.make_room()

    async def expect(self, total: int | None) -> None:
        """So many messages (or other entries) there are in all, where somebody knows."""
        await self._tell(total)

    async def finish(self) -> None:
        """The last part, and that the file is ready, in one transaction; and that its person is to be told."""
        async with database.transaction():
            if self._part:
                _one(await database.fetch(_LAST, self.export, self.attempt, self._number, *packed(bytes(self._part))))
            (row,) = _one(
                await database.fetch(
                    """
                    UPDATE export SET status = 'ready', done = coalesce(total, $3), total = coalesce(total, $3),
                           size = $4, sha256 = $5, ended_at = now(), expires_at = now() + $6::interval
                    WHERE id = $1 AND attempt = $2 AND status = 'working' RETURNING person
                    """,
                    self.export,
                    self.attempt,
                    self.messages,
                    self.size,
                    self._digest.digest(),
                    KEPT,
                )
            )
            await jobs.defer(ExportEnded(self.export, row["person"], ready=True))

    async def _put(self, part: bytes) -> None:
        _one(await self.connection.fetch(_PART, self.export, self.attempt, self._number, *packed(part)))
        self._number += 1
        if time.monotonic() - self._told >= PAUSE:
            await self._tell()

    async def _tell(self, total: int | None = None) -> None:
        _one(
            await self.connection.fetch(
                """
                UPDATE export SET done = $3, total = coalesce($4, total)
                WHERE id = $1 AND attempt = $2 AND status = 'working' RETURNING id
                """,
                self.export,
                self.attempt,
                self.messages,
                total,
            )
        )
        self._told = time.monotonic()


def _one(rows: list[database.Row]) -> list[database.Row]:
    """Of none: it was cancelled or deleted, or another try has begun."""
    if not rows:
        raise CancelledExport
    return rows
