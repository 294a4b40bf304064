"""Fills a new instance with a lively school, its parents and a small company: what a newcomer, a screenshot or a
benchmark looks at. Everything follows from a seed but the password, and times, which are relative to now."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from app.accounts.usernames import skeleton
from app.core import database
from app.core.security import hash_password
from app.core.settings import Settings
from app.core.supervisor import CannotStartError
from app.demo import rows
from app.demo.cast import characters
from app.demo.chat import Chat
from app.demo.world import conversations, settle_in

# Of so many messages in each conversation people have not been told.
LATELY = 40
_BATCH = 5_000
_EASY_TO_TYPE = "abcdefghjkmnpqrstuvwxyz23456789"


class DemoError(CannotStartError):
    """This instance cannot take the demo; the message says why and what to do."""


async def fill(settings: Settings, dsn: str, scale: float = 1) -> None:
    """Fills the migrated database at `dsn` with about 6,000 messages times `scale`, and prints how to log in.

    All or nothing, in one transaction. Opens the pool and closes it. Raises DemoError when people have written there
    already, so that a second run changes nothing, when it is not migrated, or when somebody has a username of the demo.
    """
    if not 0.1 <= scale <= 1000:
        raise DemoError("The scale of the demo must be between 0.1 and 1000.")
    password = "-".join("".join(secrets.choice(_EASY_TO_TYPE) for _ in range(4)) for _ in range(4))
    hashed = await hash_password(password)
    await database.connect(dsn)
    try:
        async with database.pool().acquire() as connection, connection.transaction():
            await _write(connection, settings, hashed, scale)
        async with database.pool().acquire() as connection:
            await connection.execute("ANALYZE person, conversation, membership, message")
    finally:
        await database.disconnect()
    print(
        f"\nLog in at {settings.base_url} as demo (an administrator), camille (a teacher), lea.martin (a student) or"
        f"\nanybody else of the demo. They all have the same password, which is shown only now:\n\n    {password}\n"
    )


async def _write(connection: asyncpg.Connection, settings: Settings, hashed: str, scale: float) -> None:
    general, earliest = await _claim(connection)
    _progress("making up what everyone says")
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    cast = characters()
    until = min(now, earliest or now)  # in the general room: what is there already stays the newest
    people = settle_in(list(zip(await _ids(connection, "person", len(cast)), cast, strict=True)), until)
    chats = conversations(people, now, until, scale, settings.max_message_length)
    for chat, id_ in zip(chats, [general, *await _ids(connection, "conversation", len(chats) - 1)], strict=True):
        chat.id = id_
    drafts = sorted(((draft, chat) for chat in chats for draft in chat.drafts), key=lambda pair: pair[0].said_at)
    for (draft, _), id_ in zip(drafts, await _ids(connection, "message", len(drafts)), strict=True):
        draft.id = id_
    await _copy(connection, "person", [rows.person(person, hashed) for person in people])
    await _copy(connection, "conversation", [rows.conversation(chat) for chat in chats[1:]])
    await _make_room_in_general(connection, chats[0])
    await _copy(connection, "membership", [row for chat in chats for row in rows.memberships(chat)])
    for first in range(0, len(drafts), _BATCH):
        batch = drafts[first : first + _BATCH]
        await _copy(connection, "message", [rows.message(draft, chat) for draft, chat in batch])
        _progress(f"{first + len(batch):,} of {len(drafts):,} messages")
    by_name = {person.character.username: person.id for person in people}
    mentions = [row for draft, chat in drafts for row in rows.mentions(draft, chat, by_name)]
    if mentions:
        await _copy(connection, "mention", mentions)
    # Long ago everyone was told; of the latest the worker tells them now.
    await connection.execute(
        """
        INSERT INTO notified (conversation, change, position)
        SELECT id, greatest(change - $2, 0), greatest(position - $2, 0) FROM conversation WHERE id = ANY($1)
        ON CONFLICT (conversation) DO UPDATE SET change = excluded.change, position = excluded.position
        """,
        [chat.id for chat in chats],
        LATELY,
    )
    _progress("")
    print(f"{len(people)} people, {len(chats)} conversations, {len(drafts):,} messages")


async def _claim(connection: asyncpg.Connection) -> tuple[int, datetime | None]:
    """The id of the general room, locked against a second run, and when its first message was, if it has any."""
    try:
        general = await connection.fetchval("SELECT id FROM conversation WHERE kind = 'general' FOR UPDATE")
    except asyncpg.UndefinedTableError:
        general = None
    if general is None:
        raise DemoError("This database has no tables yet. Make them first: python -m app migrate")
    if await connection.fetchval("SELECT EXISTS (SELECT FROM message WHERE kind <> 'system')"):
        raise DemoError(
            "There are messages here already, and the demo only fills a new instance."
            " To keep this one and look at the demo beside it: DATA_DIR=.demo make demo && DATA_DIR=.demo make run"
        )
    names = [character.username for character in characters()]
    taken = await connection.fetchval(
        "SELECT string_agg(username, ', ') FROM person WHERE skeleton = ANY($1) OR email_key = ANY($2)",
        [skeleton(name) for name in names],
        [rows.email(name) for name in names],
    )
    if taken:
        raise DemoError(f"The demo needs usernames that are taken here ({taken}): use a new instance.")
    return general, await connection.fetchval("SELECT min(created_at) FROM message WHERE conversation = $1", general)


async def _ids(connection: asyncpg.Connection, table: str, count: int) -> list[int]:
    """So many new ids of a table, in order."""
    sql = "SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id FROM generate_series(1, $2) ORDER BY 1"
    return [row["id"] for row in await connection.fetch(sql, table, count)]


async def _make_room_in_general(connection: asyncpg.Connection, chat: Chat) -> None:
    """Moves what those who are here already caused behind the history of the demo, which is older."""
    count, changes = len(chat.drafts), chat.change
    # Through negative numbers, since the unique indexes are checked row by row.
    await connection.execute(
        "UPDATE message SET position = -position - $2, change = -change - $3 WHERE conversation = $1",
        chat.id,
        count,
        changes,
    )
    await connection.execute(
        "UPDATE message SET position = -position, change = -change WHERE conversation = $1", chat.id
    )
    await connection.execute(
        "UPDATE membership SET read_position = read_position + $2 WHERE conversation = $1", chat.id, count
    )
    await connection.execute(
        """UPDATE conversation SET position = position + $2, change = change + $3, created_at = least(created_at, $4),
           last_activity_at = CASE WHEN position = 0 THEN $5 ELSE last_activity_at END WHERE id = $1""",
        chat.id,
        count,
        changes,
        chat.created_at,
        chat.last_activity_at,
    )


async def _copy(connection: asyncpg.Connection, table: str, made: Sequence[dict[str, Any]]) -> None:
    values = (tuple(row.values()) for row in made)
    await connection.copy_records_to_table(table, records=values, columns=list(made[0]), timeout=300)


def _progress(text: str) -> None:
    """One line that changes where someone watches; elsewhere, as in a log, it would only repeat."""
    if sys.stdout.isatty():
        print(f"\r{text:<40}", end="" if text else "\r", flush=True)
