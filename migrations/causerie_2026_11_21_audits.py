"""Audits: who exported a conversation of others, when and why."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T23:11:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "audits"

# It stays when the export is gone, which is deleted after a week, or when whoever asked for it closes their account.
STATEMENTS = """
CREATE TABLE audit (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE RESTRICT,
    conversation bigint NOT NULL REFERENCES conversation ON DELETE RESTRICT,
    export bigint REFERENCES export ON DELETE SET NULL,
    title text NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    format text NOT NULL,
    from_at timestamptz,
    to_at timestamptz,
    asked_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX audit_of_export ON audit (export) WHERE export IS NOT NULL;
CREATE INDEX audit_of_conversation ON audit (conversation);
CREATE INDEX audit_of_person ON audit (person);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
