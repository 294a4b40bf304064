"""Who is there, and what each one has read: what people tell of themselves, and the marks that are told."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T00:00:07:000000"
VERSION = "1.38.0"
DESCRIPTION = "presence and receipts"

STATEMENTS = """
CREATE TABLE presence (
    person bigint PRIMARY KEY REFERENCES person ON DELETE CASCADE,
    choice text NOT NULL DEFAULT 'auto' CHECK (choice IN ('auto', 'away', 'busy')),
    shown_to text NOT NULL DEFAULT 'everyone' CHECK (shown_to IN ('everyone', 'contacts', 'nobody')),
    tells_receipts boolean NOT NULL DEFAULT true,
    active_at timestamptz,
    plain_until timestamptz
);
CREATE INDEX live_stream_opened ON live_stream (opened_at);
ALTER TABLE membership
    ADD COLUMN delivered_position bigint NOT NULL DEFAULT 0,
    ADD COLUMN seen_position bigint NOT NULL DEFAULT 0;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
