"""An address that was refused is forgotten as soon as it is nobody's any more."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T22:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "refused addresses are forgotten"

# In the transaction that changes the address, or deletes the account: so no program can leave it behind.
STATEMENTS = """
DELETE FROM mail_refused r USING person p WHERE p.id = r.person AND p.email <> r.email;

CREATE FUNCTION mail_refused_no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM mail_refused WHERE person = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER mail_refused_no_more AFTER UPDATE OF email ON person FOR EACH ROW
    WHEN (OLD.email IS DISTINCT FROM NEW.email)
    EXECUTE FUNCTION mail_refused_no_more();
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
