"""Contacts: who asked whom, who agreed, and the link with which people who meet become contacts at once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T00:00:02:000000"
VERSION = "1.38.0"
DESCRIPTION = "contacts and invitation links"

STATEMENTS = """
ALTER TABLE person ADD COLUMN contact_code text UNIQUE;

CREATE TABLE contact (
    id bigserial PRIMARY KEY,
    asker bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    asked bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    accepted_at timestamptz,
    declined_at timestamptz,
    hidden boolean NOT NULL DEFAULT false,
    verified boolean NOT NULL DEFAULT false,
    CHECK (asker <> asked),
    CHECK (accepted_at IS NULL OR declined_at IS NULL AND NOT hidden)
);
CREATE UNIQUE INDEX contact_pair ON contact (least(asker, asked), greatest(asker, asked));
CREATE INDEX contact_of_asker ON contact (asker);
CREATE INDEX contact_of_asked ON contact (asked);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
