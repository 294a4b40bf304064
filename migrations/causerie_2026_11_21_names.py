"""A number that moves with the names: what was made with them is known to be right while it stands still."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T20:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a number that moves with the names"

# In the transaction of the change itself, whoever makes it: so who sees the new number sees the new names. A sequence
# would not do, for it moves before the commit. Deferred: all who change a name take this one row, and as the last thing
# that they take nobody waits for them crosswise.
STATEMENTS = """
CREATE TABLE names (
    id integer PRIMARY KEY CHECK (id = 1),
    change bigint NOT NULL DEFAULT 0
);
INSERT INTO names (id) VALUES (1);

CREATE FUNCTION note_names() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO names (id, change)
    VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET change = names.change + 1; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER notes_names AFTER UPDATE OF name, username, avatar, role, deactivated_at ON person
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.name, OLD.username, OLD.avatar, OLD.role, OLD.deactivated_at)
        IS DISTINCT FROM (NEW.name, NEW.username, NEW.avatar, NEW.role, NEW.deactivated_at))
    EXECUTE FUNCTION note_names();
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
