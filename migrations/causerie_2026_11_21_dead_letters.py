"""Jobs that were given up, work that comes round, which mails have gone, and which workers live."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T20:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "dead letters, periodic work, mails that have gone, retention"

# `kept_after` is the place of the last message that went with its time: those after it are there, without a gap.
STATEMENTS = """
CREATE TABLE dead_letter (
    id bigserial PRIMARY KEY,
    job text NOT NULL,
    payload bytea NOT NULL,
    error text NOT NULL,
    tries integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letter_last ON dead_letter (last_at);
CREATE TABLE periodic_task (
    name text PRIMARY KEY,
    due_at timestamptz NOT NULL,
    done_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    error text
);
CREATE TABLE worker_process (
    id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE mail_sent (
    key text PRIMARY KEY,
    sent_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mail_sent_at ON mail_sent (sent_at);
ALTER TABLE conversation ADD COLUMN kept_after bigint NOT NULL DEFAULT 0;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
