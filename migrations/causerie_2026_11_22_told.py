"""Of a notification, which messages it tells of: so what was deleted, or is by somebody blocked, counts no more."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-22T09:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what notifications tell of"

# Of what was written before, the first and the latest are known.
STATEMENTS = """
ALTER TABLE notification ADD COLUMN told bigint[] NOT NULL DEFAULT '{}';
UPDATE notification SET told = CASE WHEN message = latest THEN ARRAY[latest] ELSE ARRAY[message, latest] END
WHERE conversation IS NOT NULL AND message IS NOT NULL AND latest IS NOT NULL;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
