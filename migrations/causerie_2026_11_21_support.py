"""Support: anyone asks the staff, and any teacher or administrator answers as the team."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T06:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "support conversations"

# Whoever stops being a teacher or an administrator is out of the team in the transaction that says so, whoever says it:
# no program that changes a role can forget it. The two roles are those of `people/policy.STAFF`.
STATEMENTS = """
ALTER TABLE conversation
    ADD COLUMN assignee bigint REFERENCES person ON DELETE SET NULL,
    ADD COLUMN closed_at timestamptz;
ALTER TABLE membership ADD COLUMN of_team boolean NOT NULL DEFAULT false;
ALTER TABLE message ADD COLUMN of_team boolean NOT NULL DEFAULT false;

CREATE INDEX conversation_of_assignee ON conversation (assignee) WHERE assignee IS NOT NULL;
CREATE INDEX conversation_asked ON conversation ((assignee IS NOT NULL), id)
    WHERE kind = 'support' AND closed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX conversation_answered ON conversation (closed_at, id)
    WHERE kind = 'support' AND closed_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX membership_of_team ON membership (person) WHERE of_team;

CREATE FUNCTION leave_the_team() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM membership WHERE person = NEW.id AND of_team; UPDATE conversation SET assignee = NULL
    WHERE assignee = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER leaves_the_team AFTER UPDATE OF role, deactivated_at ON person FOR EACH ROW
    WHEN (OLD.role IN ('admin', 'teacher') AND (NEW.role NOT IN ('admin', 'teacher') OR NEW.deactivated_at IS NOT NULL))
    EXECUTE FUNCTION leave_the_team();
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
