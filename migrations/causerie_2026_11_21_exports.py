"""Exports: what was asked for and how far it is, the file in parts, and the notification that it is ready."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.core.migration import of_statements

ID = "2026-11-21T23:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "exports"

# What a part holds is compressed already, or is once and for all: Postgres need not try. The exports of an account go
# in the transaction that closes it: so no program can leave them behind.
STATEMENTS = """
CREATE TABLE export (
    id bigserial PRIMARY KEY,
    person bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('conversation', 'audit', 'person')),
    conversation bigint REFERENCES conversation ON DELETE CASCADE,
    title text NOT NULL,
    format text NOT NULL CHECK (format IN ('pdf', 'csv', 'json')),
    archive boolean NOT NULL,
    paper text NOT NULL CHECK (paper IN ('a4', 'letter')),
    language text NOT NULL,
    time_zone text NOT NULL,
    from_at timestamptz,
    to_at timestamptz,
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'working', 'ready', 'failed', 'cancelled', 'expired')),
    attempt uuid,
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    size bigint,
    sha256 bytea,
    failure text CHECK (failure IN ('time', 'memory', 'access', 'fault')),
    asked_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    expires_at timestamptz,
    CHECK ((kind = 'person') = (conversation IS NULL)),
    CHECK (status NOT IN ('ready', 'expired') OR (size IS NOT NULL AND sha256 IS NOT NULL AND expires_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX export_of_person ON export (person, id DESC);
CREATE INDEX export_of_conversation ON export (conversation) WHERE conversation IS NOT NULL;
CREATE INDEX export_expires ON export (expires_at) WHERE status = 'ready';

CREATE TABLE export_part (
    export bigint NOT NULL REFERENCES export ON DELETE CASCADE,
    number integer NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (export, number)
);
ALTER TABLE export_part ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE FUNCTION export_goes_with_its_person() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM export WHERE person = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER export_goes_with_its_person AFTER UPDATE OF deactivated_at ON person FOR EACH ROW
    WHEN (OLD.deactivated_at IS NULL AND NEW.deactivated_at IS NOT NULL)
    EXECUTE FUNCTION export_goes_with_its_person();

ALTER TABLE notification ADD COLUMN export bigint REFERENCES export ON DELETE CASCADE;
CREATE UNIQUE INDEX notification_of_export ON notification (export) WHERE export IS NOT NULL;
ALTER TABLE notification DROP CONSTRAINT notification_kind_check;
ALTER TABLE notification ADD CONSTRAINT notification_kind_check CHECK (kind IN ('mention', 'reply', 'direct',
    'announcement', 'message', 'invitation', 'contact_request', 'contact_accepted', 'export', 'export_failed'));
DROP INDEX notification_open_of_people;
CREATE UNIQUE INDEX notification_open_of_people ON notification (person, kind, actor)
    WHERE read_at IS NULL AND conversation IS NULL AND export IS NULL;
"""


async def forwards() -> MigrationManager:
    return of_statements(ID, DESCRIPTION, STATEMENTS)
