"""Brings a conversation back from its JSON, as a new group: `python -m app import FILE`.

It comes whole or not at all: everything is read and checked into a table of the transaction's own first, and what is
wrong undoes all of it. Order, authors, times, edits, deletions, replies and mentions are as they were; at the end it
says who brought it here and from where.

Whoever wrote there is somebody of another instance, and a file can say anything. So nobody here is made to have said it
unless the operator says who is who: all others become deactivated accounts of that name, in which nobody can sign in,
the same ones in each import from that instance.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.accounts import leaving
from app.core import database, text
from app.core.supervisor import say
from app.exports.importing import rows
from app.exports.importing.document import Document
from app.exports.importing.people import introduce, owner_of, read_names
from app.exports.importing.reader import opened
from app.exports.importing.wish import CannotImportError, DamagedError, Imported, Wish

__all__ = ["CannotImportError", "Imported", "Wish", "from_command_line", "read_names", "run"]

# One import at a time: arbitrary, ours.
LOCK = 7_220_177


async def from_command_line(dsn: str, retention_days: int, path: Path, wish: Wish) -> None:
    """Imports that file into the migrated database at `dsn`, and says on the console how it goes and what came of it.
    Opens the pool and closes it."""
    await database.connect(dsn)
    try:
        done = await run(path, wish, _Progress())
    finally:
        await database.disconnect()
    say(f"imported “{done.title}” as conversation {done.conversation}: {done.messages:,} messages")
    if done.matched:
        say(f"wrote as themselves: {text.one_line(', '.join(done.matched))}")
    if done.placeholders:  # names that somebody elsewhere chose: a terminal would obey some signs
        say(f"wrote under deactivated accounts: {text.one_line(', '.join(done.placeholders))}")
    if done.unanswered:
        say(f"{done.unanswered:,} replies have lost what they answer: it is not in the file")
    if done.left_out:
        say(f"{done.left_out:,} reactions and attachments were left out: this version has none")
    if retention_days and done.oldest and done.oldest < datetime.now(UTC) - timedelta(days=retention_days):
        say(f"messages older than {retention_days} days are deleted here each night: see MESSAGE_RETENTION_DAYS")


class _Progress:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, done: int, count: int) -> None:
        if done == count or time.monotonic() - self._said_at > 1:
            self._said_at = time.monotonic()
            say(f"read {done:,} of {count:,} messages")


async def run(path: Path, wish: Wish, told: Callable[[int, int], None]) -> Imported:
    """Imports that file, JSON or an archive with one; `told` hears how many messages of how many were read. Raises
    CannotImportError with the reason, which is for the operator."""
    done = Imported()
    try:
        with opened(path) as file:
            document = Document(file)
            async with database.transaction():
                await database.fetch("SELECT pg_advisory_xact_lock($1)", LOCK)
                owner = await owner_of(wish.owner)
                await rows.prepare()
                people = await rows.read(document, wish, done, told)
                await introduce(document, people, wish, done)
                await rows.write(document, owner, wish, done)
                if not await leaving.stays(owner):  # it may have taken minutes
                    raise CannotImportError(
                        "Its owner closed their account meanwhile, or somebody does just now. Nothing was imported."
                    )
    except DamagedError as error:
        raise CannotImportError(f"{error} Nothing was imported.") from error
    return done
