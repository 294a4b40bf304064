"""Exports that are not made because all exports together take up the room that they may."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-22T05:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "room for exports"

STATEMENTS = """
ALTER TABLE export DROP CONSTRAINT export_failure_check;
ALTER TABLE export ADD CONSTRAINT export_failure_check
    CHECK (failure IN ('time', 'memory', 'access', 'room', 'fault'));
CREATE INDEX export_taking_room ON export (status, id, size) WHERE status IN ('ready', 'working');
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
