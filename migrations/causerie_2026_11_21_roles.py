"""Who may write where, and who wants nothing to do with whom."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "roles and blocks"

STATEMENTS = """
ALTER TABLE conversation
    ADD COLUMN everyone_writes boolean NOT NULL DEFAULT false,
    ADD COLUMN blocked boolean NOT NULL DEFAULT false;
ALTER TABLE person ADD COLUMN blocks integer NOT NULL DEFAULT 0;

CREATE TABLE block (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    blocked bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (person, blocked),
    CHECK (person <> blocked)
);
CREATE INDEX block_by_blocked ON block (blocked, person);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
