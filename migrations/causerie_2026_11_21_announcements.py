"""Where administrators tell everyone something, and nobody answers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T00:00:03:000000"
VERSION = "1.38.0"
DESCRIPTION = "announcements"

STATEMENTS = """
ALTER TABLE conversation
    DROP CONSTRAINT conversation_kind_check,
    ADD CONSTRAINT conversation_kind_check CHECK (kind IN ('direct', 'group', 'general', 'support', 'announcements'));
CREATE UNIQUE INDEX conversation_announcements ON conversation (kind) WHERE kind = 'announcements';
INSERT INTO conversation (kind) VALUES ('announcements');
INSERT INTO membership (conversation, person)
    SELECT a.id, m.person FROM conversation a, conversation g JOIN membership m ON m.conversation = g.id
    WHERE a.kind = 'announcements' AND g.kind = 'general';
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
