"""Mails about notifications that were given up, kept to be sent after all; and why those that wait do."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-22T03:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "mails that were given up"

STATEMENTS = """
ALTER TABLE mail_waiting
    ADD COLUMN since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN error text,
    ADD COLUMN failed_at timestamptz,
    ADD COLUMN given_up_at timestamptz;
UPDATE mail_waiting SET since = created_at;
DROP INDEX mail_waiting_at;
CREATE INDEX mail_waiting_at ON mail_waiting (at) WHERE given_up_at IS NULL;
CREATE INDEX mail_waiting_given_up ON mail_waiting (given_up_at) WHERE given_up_at IS NOT NULL;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
