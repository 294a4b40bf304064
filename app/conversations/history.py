"""What happened in a conversation, written into its own feed: who came, left, renamed.

Lock order everywhere: a message or a membership first, then its conversation. Two that take them in turn never wait for
each other. To insert a membership is to take it too: it waits for whoever removes the same one.
"""

from typing import NamedTuple

from app.core import database
from app.core.errors import NotFound


class Head(NamedTuple):
    """A conversation as it is while its lock is held. Whoever waited for the lock may find another owner."""

    owner: int | None
    position: int
    change: int


async def lock(conversation: int) -> Head:
    """Takes the row lock that puts changes in order, until the transaction ends. Raises NotFound when it is deleted."""
    row = await database.fetch_row(
        "SELECT owner, position, change FROM conversation WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        conversation,
    )
    if row is None:
        raise NotFound
    return Head(*row)


async def enter(conversation: int, person: int) -> bool:
    """Puts a person in, with everything so far read; False when they are in already. Takes the conversation's lock."""
    membership = await database.fetch_value(
        "INSERT INTO membership (conversation, person) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id",
        conversation,
        person,
    )
    head = await lock(conversation)
    if membership is None:
        return False
    # What is written next tells that they came: that too is nothing to be read.
    await database.fetch("UPDATE membership SET read_position = $2 WHERE id = $1", membership, head.position + 1)
    return True


async def write(conversation: int, author: int, body: str) -> None:
    """Writes a message, whose text was checked, into a conversation that is being made; later ones are sent."""
    await database.fetch(
        """
        WITH bumped AS (
            UPDATE conversation SET change = change + 1, position = position + 1, last_activity_at = clock_timestamp()
            WHERE id = $1 RETURNING change, position, last_activity_at
        )
        INSERT INTO message (conversation, position, change, author, body, created_at)
        SELECT $1, position, change, $2, $3, last_activity_at FROM bumped
        """,
        conversation,
        author,
        body,
    )


async def record(conversation: int, actor: int, event: str, *, subject: int | None = None, body: str = "") -> int:
    """Writes a system message and gives its change number. Stands inside a transaction; raises NotFound when deleted.

    A removal is a change like any other, so a reader of the feed learns of it before anything that comes later.
    """
    change = await database.fetch_value(
        """
        WITH bumped AS (
            UPDATE conversation SET change = change + 1, position = position + 1, last_activity_at = clock_timestamp()
            WHERE id = $1 AND deleted_at IS NULL RETURNING change, position, last_activity_at
        )
        INSERT INTO message (conversation, position, change, author, kind, event, subject, body, created_at)
        SELECT $1, position, change, $2, 'system', $3, $4, $5, last_activity_at FROM bumped RETURNING change
        """,
        conversation,
        actor,
        event,
        subject,
        body,
    )
    if change is None:
        raise NotFound
    return int(change)
