"""Webhooks end with their group, and what is under way is counted by an index."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T22:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "programs mended"

# A group that is deleted takes its webhooks along, and the bots that wrote for them, in the transaction that deletes
# it, whoever does: no program that ends a group can forget it. The same for groups that were deleted before.
STATEMENTS = """
CREATE INDEX delivery_claimed ON delivery (subscription, claimed_until)
    WHERE state = 'waiting' AND claimed_until IS NOT NULL;

CREATE FUNCTION end_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    WITH gone AS (DELETE FROM webhook WHERE conversation = NEW.id RETURNING bot)
    UPDATE person SET deactivated_at = now() FROM gone
    WHERE person.id = gone.bot AND person.bot AND person.deactivated_at IS NULL; RETURN NULL; END $$;
CREATE TRIGGER ends_webhooks AFTER UPDATE OF deleted_at ON conversation FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION end_webhooks();

WITH gone AS (
    DELETE FROM webhook w USING conversation c WHERE c.id = w.conversation AND c.deleted_at IS NOT NULL RETURNING w.bot
)
UPDATE person SET deactivated_at = now() FROM gone
WHERE person.id = gone.bot AND person.bot AND person.deactivated_at IS NULL;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
