"""Webhooks: other programs are told what happens, and tell something themselves."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T20:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "webhooks"

# A subscription follows the feed of each of its conversations with a cursor of its own. What it found is a delivery,
# once for each change, whoever looks twice; those that were asked for again stand beside.
STATEMENTS = """
CREATE TABLE subscription (
    id bigserial PRIMARY KEY,
    conversation bigint REFERENCES conversation ON DELETE CASCADE,
    owner bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    url text NOT NULL,
    events text NOT NULL,
    secret text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text
);
CREATE INDEX subscription_of_conversation ON subscription (conversation);
CREATE INDEX subscription_of_owner ON subscription (owner);

CREATE TABLE subscription_cursor (
    id bigserial PRIMARY KEY,
    subscription bigint NOT NULL REFERENCES subscription ON DELETE CASCADE,
    conversation bigint NOT NULL REFERENCES conversation ON DELETE CASCADE,
    position bigint NOT NULL,
    change bigint NOT NULL,
    UNIQUE (subscription, conversation)
) WITH (fillfactor = 70);
CREATE INDEX subscription_cursor_of_conversation ON subscription_cursor (conversation);

CREATE TABLE delivery (
    id bigserial PRIMARY KEY,
    subscription bigint NOT NULL REFERENCES subscription ON DELETE CASCADE,
    message bigint NOT NULL REFERENCES message ON DELETE CASCADE,
    event text NOT NULL,
    change bigint NOT NULL,
    key uuid NOT NULL DEFAULT gen_random_uuid(),
    again_of bigint REFERENCES delivery ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    claimed_until timestamptz,
    tried_at timestamptz,
    took_ms integer,
    status integer,
    problem text,
    answer text
);
CREATE UNIQUE INDEX delivery_once ON delivery (subscription, message, event, change) WHERE again_of IS NULL;
CREATE INDEX delivery_due ON delivery (subscription, due_at) WHERE state = 'waiting';
CREATE INDEX delivery_log ON delivery (subscription, id);
CREATE INDEX delivery_of_message ON delivery (message);
CREATE INDEX delivery_again ON delivery (again_of) WHERE again_of IS NOT NULL;
CREATE INDEX delivery_by_age ON delivery (created_at);

CREATE TABLE webhook (
    id bigserial PRIMARY KEY,
    conversation bigint REFERENCES conversation ON DELETE CASCADE,
    maker bigint REFERENCES person ON DELETE SET NULL,
    bot bigint NOT NULL REFERENCES person ON DELETE RESTRICT,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    signing_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz
);
CREATE INDEX webhook_of_conversation ON webhook (conversation);
CREATE INDEX webhook_of_maker ON webhook (maker);
CREATE INDEX webhook_of_bot ON webhook (bot);

-- What was posted to many: the job that hands it on names this row.
CREATE TABLE webhook_post (
    id bigserial PRIMARY KEY,
    webhook bigint NOT NULL REFERENCES webhook ON DELETE CASCADE,
    key uuid NOT NULL,
    role text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (webhook, key)
);
CREATE INDEX webhook_post_by_age ON webhook_post (created_at);

-- Signatures that were seen, until they would be too late anyway.
CREATE TABLE webhook_signature (
    digest bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX webhook_signature_by_end ON webhook_signature (expires_at);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
