"""Codes by which people come into a group."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T00:00:04:000000"
VERSION = "1.38.0"
DESCRIPTION = "join codes"

STATEMENTS = """
CREATE TABLE join_code (
    id bigserial PRIMARY KEY,
    conversation bigint NOT NULL UNIQUE REFERENCES conversation ON DELETE CASCADE,
    code text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    uses_left integer CHECK (uses_left >= 0)
);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
