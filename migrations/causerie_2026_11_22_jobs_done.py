"""Jobs that are done once, whatever becomes of what they did."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-22T03:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "jobs that are done once"

STATEMENTS = """
CREATE TABLE job_done (
    key text PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX job_done_at ON job_done (done_at);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
