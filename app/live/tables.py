"""Which process holds which open stream; unlogged, for after a crash there are none."""

from piccolo.columns import UUID, BigSerial, ForeignKey, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from app.accounts.tables import Person


class LiveProcess(Table, tablename="live_process"):
    """A web process that said lately that it lives; what a killed one left behind no longer counts."""

    id = UUID(primary_key=True)
    seen_at = Timestamptz()


class LiveStream(Table, tablename="live_stream"):
    """One open stream of a person."""

    id = BigSerial(primary_key=True)
    process = ForeignKey(LiveProcess, on_delete=OnDelete.cascade, null=False)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    opened_at = Timestamptz()
