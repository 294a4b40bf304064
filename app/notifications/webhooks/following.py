"""What happens becomes deliveries: each subscription follows the feed of its conversations with a cursor of its own.

Nothing is written when a message is sent. One statement asks all subscriptions which of their conversations went on,
writes what they are to be told and moves their cursors: together or not at all, so nothing is told twice or forgotten.
"""

from app.core import database

SENT, EDITED, DELETED, JOINED, LEFT = (
    "message.sent",
    "message.edited",
    "message.deleted",
    "member.joined",
    "member.left",
)
EVENTS = (SENT, EDITED, DELETED, JOINED, LEFT)
AT_ONCE, CHANGES = 100, 500

# A message shows its latest change alone. It is new to a subscription when its place comes after the place that its
# cursor knows: told as sent, with the text that it has by then, however often it was edited meanwhile (and as edited to
# those who hear of nothing else). One that is deleted is told as deleted, whatever was before. Of a feed that is read
# in several stretches the place stays until all is read, and what was told as sent is looked up.
FOLLOW = f"""
WITH behind AS MATERIALIZED (
    SELECT k.id, k.subscription, k.conversation, k.change, k.position, c.position AS head_position,
           c.change AS head_change, string_to_array(s.events, ' ') AS events
    FROM subscription_cursor k
    JOIN subscription s ON s.id = k.subscription AND s.disabled_at IS NULL
    JOIN conversation c ON c.id = k.conversation AND c.change > k.change
    ORDER BY k.id LIMIT {AT_ONCE} FOR UPDATE OF k SKIP LOCKED
), found AS MATERIALIZED (
    SELECT b.id AS cursor, b.subscription, b.events, x.id AS message, x.change, CASE
        WHEN x.kind = 'system' THEN CASE
            WHEN x.event IN ('joined', 'added') THEN '{JOINED}' WHEN x.event IN ('left', 'removed') THEN '{LEFT}' END
        WHEN x.deleted_at IS NOT NULL THEN '{DELETED}'
        WHEN x.position > b.position AND '{SENT}' = ANY(b.events) AND NOT EXISTS (
            SELECT FROM delivery d WHERE d.message = x.id AND d.subscription = b.subscription AND d.event = '{SENT}'
        ) THEN '{SENT}'
        WHEN x.edited_at IS NOT NULL THEN '{EDITED}'
        END AS event
    FROM behind b CROSS JOIN LATERAL (
        SELECT x.* FROM message x WHERE x.conversation = b.conversation AND x.change > b.change
        ORDER BY x.change LIMIT {CHANGES}
    ) x
), told AS (
    INSERT INTO delivery (subscription, message, event, change)
    SELECT f.subscription, f.message, f.event, f.change FROM found f WHERE f.event = ANY(f.events)
    ORDER BY f.subscription, f.change
    ON CONFLICT DO NOTHING RETURNING id
), moved AS (
    UPDATE subscription_cursor k SET
        change = CASE WHEN f.many = {CHANGES} THEN f.change ELSE greatest(b.change, b.head_change) END,
        position = CASE WHEN f.many = {CHANGES} THEN b.position ELSE greatest(b.position, b.head_position) END
    FROM behind b LEFT JOIN (
        SELECT cursor, max(change) AS change, count(*) AS many FROM found GROUP BY cursor
    ) f ON f.cursor = b.id
    WHERE k.id = b.id RETURNING coalesce(f.many, 0) = {CHANGES} AS more
)
SELECT (SELECT count(*) FROM told) AS told,
       (SELECT count(*) = {AT_ONCE} OR coalesce(bool_or(more), false) FROM moved) AS more
"""


async def follow() -> tuple[int, bool]:
    """Writes what is to be told by now; gives how many deliveries that made, and whether there may be more to read."""
    row = await database.fetch_row(FOLLOW)
    assert row is not None
    return row["told"], row["more"]


async def catch_up(subscription: int, conversations: list[int]) -> None:
    """Puts the cursors of a subscription at the newest change: what was before is not told."""
    await database.fetch(
        """
        INSERT INTO subscription_cursor (subscription, conversation, position, change)
        SELECT $1, c.id, c.position, c.change FROM conversation c WHERE c.id = ANY($2)
        ON CONFLICT (subscription, conversation) DO UPDATE SET position = excluded.position, change = excluded.change
        """,
        subscription,
        conversations,
    )
