"""What holds in every history that the app writes, as SQL that finds what breaks it."""

from __future__ import annotations

import asyncpg

INVARIANTS = {
    "positions run from 1 to the head without gap": """
        SELECT c.id FROM conversation c LEFT JOIN message m ON m.conversation = c.id GROUP BY c.id
        HAVING c.position <> count(m.id) OR min(m.position) <> 1 OR max(m.position) <> c.position
    """,
    "positions follow the time": """
        SELECT id FROM (
            SELECT id, created_at <= lag(created_at) OVER (PARTITION BY conversation ORDER BY position) AS wrong
            FROM message
        ) m WHERE wrong
    """,
    "the highest change is the head": """
        SELECT c.id FROM conversation c LEFT JOIN message m ON m.conversation = c.id GROUP BY c.id
        HAVING coalesce(max(m.change), 0) <> c.change OR min(m.change) < 1
    """,
    "there are as many changes as messages, edits and deletions": """
        SELECT c.id FROM conversation c JOIN message m ON m.conversation = c.id GROUP BY c.id
        HAVING c.change <> count(*) + count(m.edited_at) + count(m.deleted_at)
    """,
    "what was changed stands in the feed where it was changed, not where it was made": """
        WITH placed AS (SELECT *, coalesce(deleted_at, edited_at, created_at) AS last FROM message)
        SELECT id FROM (
            SELECT id, last < lag(last) OVER (PARTITION BY conversation ORDER BY change) AS wrong FROM placed
        ) m WHERE wrong
    """,
    "a conversation was last active when its newest message was sent": """
        SELECT c.id FROM conversation c JOIN message m ON m.conversation = c.id AND m.position = c.position
        WHERE c.last_activity_at <> m.created_at OR c.created_at > c.last_activity_at
    """,
    "nobody has read further than there is, nor less than they wrote": """
        SELECT m.id FROM membership m JOIN conversation c ON c.id = m.conversation
        WHERE m.read_position > c.position OR m.read_position < (
            SELECT coalesce(max(x.position), 0) FROM message x WHERE x.conversation = c.id AND x.author = m.person
        )
    """,
    "who writes is a member then": """
        SELECT x.id FROM message x WHERE x.kind = 'text' AND NOT EXISTS (
            SELECT FROM membership m
            WHERE m.conversation = x.conversation AND m.person = x.author AND m.joined_at <= x.created_at
        ) AND NOT EXISTS (
            SELECT FROM message gone WHERE gone.conversation = x.conversation AND gone.subject = x.author
              AND gone.event IN ('left', 'removed') AND gone.position > x.position
        )
    """,
    "who was removed or left is no member": """
        SELECT m.id FROM membership m JOIN message gone ON gone.conversation = m.conversation
        WHERE gone.subject = m.person AND gone.event IN ('left', 'removed')
    """,
    "an answer is to something earlier in the same conversation": """
        SELECT m.id FROM message m LEFT JOIN message x ON x.id = m.reply_to
        WHERE m.reply_to IS NOT NULL AND (x.conversation, x.position < m.position)
              IS DISTINCT FROM (m.conversation, true)
    """,
    "what was deleted has no text, the rest has": """
        SELECT id FROM message WHERE kind = 'text' AND (deleted_at IS NULL) = (body = '')
    """,
    "messages of people have a key, those of the system an event": """
        SELECT id FROM message WHERE (kind = 'text') <> (key IS NOT NULL) OR (kind = 'system') <> (event IS NOT NULL)
    """,
    "everyone is in the general room": """
        SELECT p.id FROM person p WHERE NOT EXISTS (
            SELECT FROM membership m JOIN conversation c ON c.id = m.conversation AND c.kind = 'general'
            WHERE m.person = p.id AND m.joined_at >= p.created_at
        )
    """,
    "the owner of a group is in it": """
        SELECT c.id FROM conversation c WHERE c.kind = 'group' AND NOT EXISTS (
            SELECT FROM membership m WHERE m.conversation = c.id AND m.person = c.owner
        )
    """,
    "a direct conversation is of the two that its key names": """
        SELECT c.id FROM conversation c JOIN membership m ON m.conversation = c.id WHERE c.kind = 'direct'
        GROUP BY c.id HAVING c.direct_key <> min(m.person) || ':' || max(m.person) OR count(*) <> 2
    """,
}


async def wrong(connection: asyncpg.Connection) -> dict[str, list[int]]:
    """What breaks an invariant of the feed: for each of them the conversations, or messages, that do."""
    found = {name: [row[0] for row in await connection.fetch(sql)] for name, sql in INVARIANTS.items()}
    return {name: ids for name, ids in found.items() if ids}
