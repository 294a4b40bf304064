"""What people show of themselves."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "profiles"

STATEMENTS = """
ALTER TABLE person
    ADD COLUMN about text NOT NULL DEFAULT '',
    ADD COLUMN avatar text;

CREATE TABLE avatar (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL UNIQUE REFERENCES person ON DELETE CASCADE,
    digest text NOT NULL,
    bytes bytea NOT NULL
);
-- It is compressed already.
ALTER TABLE avatar ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE email_change (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL UNIQUE REFERENCES person ON DELETE CASCADE,
    email text NOT NULL,
    token_hash bytea UNIQUE,
    expires_at timestamptz NOT NULL
);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
