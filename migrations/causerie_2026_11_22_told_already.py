"""Of a notification, which messages were mailed and pushed: so it goes out again only for what is new."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-22T10:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what was mailed and pushed of notifications"

# Of what has grown at this moment it is not known what was mailed before: it may go out once more.
STATEMENTS = """
ALTER TABLE notification
    ADD COLUMN mailed bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN pushed bigint[] NOT NULL DEFAULT '{}';
UPDATE notification SET mailed = CASE WHEN mailed_at IS NULL OR mail_at IS NOT NULL THEN '{}' ELSE told END,
    pushed = CASE WHEN pushed_at IS NULL OR push_at IS NOT NULL THEN '{}' ELSE told END
WHERE cardinality(told) > 0 AND (mailed_at IS NOT NULL OR pushed_at IS NOT NULL);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
