"""Replies: what a message answers is a message that is there."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T07:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "replies"

# The index is for the row that goes: which messages answered it.
STATEMENTS = """
UPDATE message x SET reply_to = NULL
    WHERE reply_to IS NOT NULL AND NOT EXISTS (
        SELECT FROM message q WHERE q.id = x.reply_to AND q.conversation = x.conversation
    );
CREATE INDEX message_answers ON message (reply_to) WHERE reply_to IS NOT NULL;
ALTER TABLE message
    ADD CONSTRAINT message_reply_to_fkey FOREIGN KEY (reply_to) REFERENCES message ON DELETE SET NULL;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
