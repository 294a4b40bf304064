"""Groups whose owner closed their account go to who can look after them, and closed accounts are found without the
others."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-22T04:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "groups of closed accounts are handed over"

# As `conversations/actions` does since then. The rules of the house are not known here, so of the members those come
# first who may look after groups by any.
STATEMENTS = """
CREATE INDEX person_closed ON person (id) WHERE deactivated_at IS NOT NULL;

WITH heirs AS (
    SELECT c.id, c.owner, h.person FROM conversation c
    JOIN person o ON o.id = c.owner AND o.deactivated_at IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT m.person FROM membership m JOIN person p ON p.id = m.person AND p.deactivated_at IS NULL AND NOT p.bot
        WHERE m.conversation = c.id ORDER BY p.role IN ('teacher', 'admin') DESC, m.joined_at, m.person LIMIT 1
    ) h
    WHERE c.kind = 'group' AND c.deleted_at IS NULL
), bumped AS (
    UPDATE conversation c SET owner = h.person, change = change + 1, position = position + 1,
           last_activity_at = clock_timestamp()
    FROM heirs h WHERE c.id = h.id
    RETURNING c.id, c.change, c.position, c.last_activity_at, h.owner AS actor, h.person
)
INSERT INTO message (conversation, position, change, author, kind, event, subject, body, created_at)
SELECT id, position, change, actor, 'system', 'handed_over', person, '', last_activity_at FROM bumped;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
