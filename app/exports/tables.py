"""Exports: what was asked for, how far it is, and the file."""

from piccolo.columns import UUID, BigInt, BigSerial, Boolean, Bytea, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from app.accounts.tables import Person
from app.conversations.tables import Conversation


class Export(Table, tablename="export"):
    """What a person asked for. A trigger deletes it when their account is closed."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    kind = Text()
    # Null for all of one's own data.
    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, null=True, default=None)
    # How it was called then: the file is called so.
    title = Text()
    format = Text()
    archive = Boolean()
    paper = Text()
    language = Text()
    time_zone = Text()
    from_at = Timestamptz(null=True, default=None)
    to_at = Timestamptz(null=True, default=None)
    # queued, working, ready, failed, cancelled or expired
    status = Text(default="queued")
    # The try that is under way, or was the last. What another one writes is refused.
    attempt = UUID(null=True, default=None)
    done = BigInt(default=0)
    total = BigInt(null=True, default=None)
    size = BigInt(null=True, default=None)
    sha256 = Bytea(null=True, default=None)
    # Why it failed: time, memory, access, room or fault.
    failure = Text(null=True, default=None)
    asked_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
    expires_at = Timestamptz(null=True, default=None)


class ExportPart(Table, tablename="export_part"):
    """A stretch of the file; all but the last are of one length. In the database, for the worker that writes it and the
    web that serves it may be on different machines. The key is both columns."""

    export = ForeignKey(Export, on_delete=OnDelete.cascade, null=False)
    number = Integer(primary_key=True)
    bytes = Bytea()
    # By zlib, where that makes it shorter.
    packed = Boolean(default=False)


class Audit(Table, tablename="audit"):
    """That an administrator exported a conversation of others, and why. It is never deleted, whatever becomes of the
    export."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.restrict, null=False)
    conversation = ForeignKey(Conversation, on_delete=OnDelete.restrict, null=False)
    export = ForeignKey(Export, on_delete=OnDelete.set_null, null=True, default=None)
    title = Text()
    reason = Text()
    format = Text()
    from_at = Timestamptz(null=True, default=None)
    to_at = Timestamptz(null=True, default=None)
    asked_at = Timestamptz()
