"""Notifications: what a person is told of, where the feed was read for them, and how each wants to be told."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T20:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "notifications"

# `message` and `latest` are no foreign keys: a message that goes for good is found no more, and its notification shows
# nowhere; an index for each would cost every batch of mentions to all.
STATEMENTS = """
ALTER TABLE membership ADD COLUMN level text CHECK (level IN ('everything', 'mentions', 'nothing'));
CREATE INDEX membership_told_everything ON membership (conversation) WHERE level = 'everything';

CREATE TABLE notified (
    conversation bigint PRIMARY KEY REFERENCES conversation ON DELETE CASCADE,
    change bigint NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO notified (conversation, change, position) SELECT id, change, position FROM conversation;

ALTER TABLE mention ADD COLUMN notified boolean NOT NULL DEFAULT false;
UPDATE mention SET notified = true;

CREATE TABLE notification (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('mention', 'reply', 'direct', 'announcement', 'message', 'invitation',
                                       'contact_request', 'contact_accepted', 'export')),
    conversation bigint REFERENCES conversation ON DELETE CASCADE,
    actor bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    message bigint,
    latest bigint,
    position bigint,
    many integer NOT NULL DEFAULT 1,
    in_app boolean NOT NULL,
    mail_at timestamptz,
    mailed_at timestamptz,
    push_at timestamptz,
    pushed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    read_at timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX notification_open ON notification (person, conversation, kind)
    WHERE read_at IS NULL AND conversation IS NOT NULL;
CREATE UNIQUE INDEX notification_open_of_people ON notification (person, kind, actor)
    WHERE read_at IS NULL AND conversation IS NULL;
CREATE INDEX notification_of_person ON notification (person, updated_at DESC, id DESC);
CREATE INDEX notification_of_conversation ON notification (conversation) WHERE conversation IS NOT NULL;
CREATE INDEX notification_by_actor ON notification (actor);
CREATE INDEX notification_to_mail ON notification (mail_at) WHERE mail_at IS NOT NULL;
CREATE INDEX notification_to_push ON notification (push_at) WHERE push_at IS NOT NULL;

CREATE TABLE notification_settings (
    person bigint PRIMARY KEY REFERENCES person ON DELETE CASCADE,
    app text NOT NULL DEFAULT 'everything' CHECK (app IN ('everything', 'mentions', 'nothing')),
    mail text NOT NULL DEFAULT 'mentions' CHECK (mail IN ('everything', 'mentions', 'nothing')),
    push text NOT NULL DEFAULT 'everything' CHECK (push IN ('everything', 'mentions', 'nothing')),
    push_shows text NOT NULL DEFAULT 'text' CHECK (push_shows IN ('text', 'name', 'nothing')),
    weekly boolean NOT NULL DEFAULT false,
    quiet_from time,
    quiet_to time
);
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
