"""The first schema. Written as SQL, for it names what Piccolo's columns cannot: partial and multi-column indexes,
unlogged tables, fill factors. A test compares it with the tables of the code, column by column."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-20T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "accounts, conversations, messages, live streams"

STATEMENTS = """
CREATE TABLE person (
    id bigserial PRIMARY KEY,
    username text NOT NULL UNIQUE,
    skeleton text NOT NULL UNIQUE,
    name text NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    role text NOT NULL DEFAULT 'student' CHECK (role IN ('student', 'parent', 'teacher', 'admin')),
    language text NOT NULL DEFAULT 'en',
    time_zone text NOT NULL DEFAULT 'UTC',
    search_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deactivated_at timestamptz
);
CREATE INDEX person_by_name ON person (search_key text_pattern_ops, id) WHERE deactivated_at IS NULL;

CREATE TABLE session (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    generation integer NOT NULL DEFAULT 0,
    rotated_at timestamptz NOT NULL DEFAULT now(),
    device text NOT NULL,
    address text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX session_of_person ON session (person) WHERE ended_at IS NULL;

CREATE TABLE password_reset (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX password_reset_of_person ON password_reset (person);

CREATE TABLE conversation (
    id bigserial PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('direct', 'group', 'general', 'support')),
    title text NOT NULL DEFAULT '',
    owner bigint REFERENCES person ON DELETE SET NULL,
    direct_key text UNIQUE,
    position bigint NOT NULL DEFAULT 0,
    change bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_activity_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX conversation_general ON conversation (kind) WHERE kind = 'general';
CREATE INDEX conversation_of_owner ON conversation (owner) WHERE owner IS NOT NULL;

CREATE TABLE membership (
    id bigserial PRIMARY KEY,
    conversation bigint NOT NULL REFERENCES conversation ON DELETE CASCADE,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    joined_at timestamptz NOT NULL DEFAULT now(),
    read_position bigint NOT NULL DEFAULT 0,
    UNIQUE (conversation, person)
) WITH (fillfactor = 80);
CREATE INDEX membership_of_person ON membership (person, conversation);

CREATE TABLE message (
    id bigserial PRIMARY KEY,
    conversation bigint NOT NULL REFERENCES conversation ON DELETE CASCADE,
    position bigint NOT NULL,
    change bigint NOT NULL,
    author bigint NOT NULL REFERENCES person ON DELETE RESTRICT,
    key uuid,
    kind text NOT NULL DEFAULT 'text' CHECK (kind IN ('text', 'image', 'file', 'system')),
    body text NOT NULL DEFAULT '',
    event text,
    subject bigint REFERENCES person ON DELETE RESTRICT,
    reply_to bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    edited_at timestamptz,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX message_place ON message (conversation, position);
CREATE UNIQUE INDEX message_feed ON message (conversation, change);
CREATE UNIQUE INDEX message_key ON message (author, key) WHERE key IS NOT NULL;
CREATE INDEX message_of_author ON message (author, id);
CREATE INDEX message_about ON message (subject) WHERE subject IS NOT NULL;

CREATE UNLOGGED TABLE live_process (
    id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNLOGGED TABLE live_stream (
    id bigserial PRIMARY KEY,
    process uuid NOT NULL REFERENCES live_process ON DELETE CASCADE,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX live_stream_of_person ON live_stream (person, opened_at);
CREATE INDEX live_stream_of_process ON live_stream (process);

CREATE UNLOGGED TABLE rate_limit (
    key text PRIMARY KEY,
    tries integer NOT NULL,
    window_ends timestamptz NOT NULL
);
CREATE INDEX rate_limit_ends ON rate_limit (window_ends);

-- The room that everyone is in. Its title is shown in the reader's own language while it is empty.
INSERT INTO conversation (kind) VALUES ('general');
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
