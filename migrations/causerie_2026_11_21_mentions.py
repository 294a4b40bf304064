"""Mentions: whom a message names, and whether it is to everyone where it stands."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T07:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "mentions"

# What is to everyone is a mark on its message: it never costs a row for each of them.
STATEMENTS = """
ALTER TABLE message ADD COLUMN mentions_all boolean NOT NULL DEFAULT false;
CREATE INDEX message_to_all ON message (conversation, id) WHERE mentions_all;
CREATE TABLE mention (
    id bigserial PRIMARY KEY,
    message bigint NOT NULL REFERENCES message ON DELETE CASCADE,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    name text NOT NULL,
    UNIQUE (message, person)
);
CREATE INDEX mention_of_person ON mention (person, message);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
