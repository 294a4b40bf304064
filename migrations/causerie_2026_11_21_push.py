"""Web push: the key by which push services know this instance, the browsers that are told, and what waits for each."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T20:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "push"

# One key for good: browsers subscribe for this one, and another would be refused for all of them. A session is one
# browser, which has one subscription; when it ends the subscription goes in the same transaction, so no program can
# forget it. The address of one is at most 2,000 letters long, which still fits into an index.
STATEMENTS = """
CREATE TABLE vapid_key (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    private bytea NOT NULL,
    public text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE push_subscription (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    session bigint NOT NULL REFERENCES session ON DELETE CASCADE,
    endpoint text NOT NULL CHECK (length(endpoint) <= 2000),
    p256dh text NOT NULL,
    auth text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX push_subscription_endpoint ON push_subscription (endpoint);
CREATE UNIQUE INDEX push_subscription_session ON push_subscription (session);
CREATE INDEX push_subscription_of_person ON push_subscription (person);
CREATE INDEX push_subscription_due ON push_subscription (retry_at) WHERE retry_at IS NOT NULL;

CREATE TABLE push_waiting (
    id bigserial PRIMARY KEY,
    subscription bigint NOT NULL REFERENCES push_subscription ON DELETE CASCADE,
    notification bigint NOT NULL REFERENCES notification ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX push_waiting_once ON push_waiting (subscription, notification);
CREATE INDEX push_waiting_of_notification ON push_waiting (notification);

CREATE FUNCTION push_no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM push_subscription WHERE session = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER push_no_more AFTER UPDATE OF ended_at ON session FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION push_no_more();
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
