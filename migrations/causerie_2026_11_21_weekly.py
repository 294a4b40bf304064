"""Notifications by mail: what waits to be sent, which addresses are refused, and when the weekly summary went."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T21:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "notifications by mail"

STATEMENTS = """
CREATE TABLE mail_waiting (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('told', 'weekly')),
    at timestamptz NOT NULL DEFAULT now(),
    tries integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mail_waiting_for ON mail_waiting (person, kind);
CREATE INDEX mail_waiting_at ON mail_waiting (at);

CREATE TABLE mail_refused (
    person bigint PRIMARY KEY REFERENCES person ON DELETE CASCADE,
    email text NOT NULL,
    times integer NOT NULL DEFAULT 1,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE notification ADD COLUMN mail bigint REFERENCES mail_waiting ON DELETE SET NULL;
CREATE INDEX notification_in_mail ON notification (mail) WHERE mail IS NOT NULL;
ALTER TABLE notification_settings ADD COLUMN weekly_at timestamptz;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
