"""The keys that sign archives of exports."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T23:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "signing key"

# A key is never deleted: what it signed is still to be verified. At most one of them signs, whoever makes one at the
# same time.
STATEMENTS = """
CREATE TABLE signing_key (
    id text PRIMARY KEY,
    public bytea NOT NULL CHECK (length(public) = 32),
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
CREATE UNIQUE INDEX signing_key_current ON signing_key ((true)) WHERE retired_at IS NULL;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
