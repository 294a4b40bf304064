"""What happened in a conversation, written into its own feed: who came, left, renamed.

Lock order everywhere: a membership first, then its conversation. Two that take them in turn never wait for each other.
"""

from app.core import database
from app.core.errors import NotFound


async def lock(conversation: int) -> int:
    """Takes the row lock that puts changes in order, until the transaction ends; gives the present change."""
    change = await database.fetch_value(
        "SELECT change FROM conversation WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE", conversation
    )
    if change is None:
        raise NotFound
    return int(change)


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
