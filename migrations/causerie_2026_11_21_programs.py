"""Programs as members: bots, and the tokens with which programs come in."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T20:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "programs"

STATEMENTS = """
ALTER TABLE person
    ADD COLUMN bot boolean NOT NULL DEFAULT false,
    ADD COLUMN bot_owner bigint REFERENCES person ON DELETE SET NULL,
    ADD CONSTRAINT person_bot CHECK (bot OR bot_owner IS NULL),
    ADD CONSTRAINT person_bot_role CHECK (NOT (bot AND role = 'admin'));
CREATE INDEX person_of_bot_owner ON person (bot_owner) WHERE bot_owner IS NOT NULL;

CREATE TABLE access_token (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL CHECK (scopes <@ ARRAY['read', 'write', 'admin'] AND scopes <> '{}'),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX access_token_of_person ON access_token (person) WHERE revoked_at IS NULL;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
