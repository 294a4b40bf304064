"""What each one keeps for themselves of a conversation: muted, archived, pinned."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T00:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "muted, archived and pinned conversations"

STATEMENTS = """
ALTER TABLE membership
    ADD COLUMN muted_until timestamptz,
    ADD COLUMN archived_position bigint,
    ADD COLUMN pinned boolean NOT NULL DEFAULT false;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
