"""What people want to have to do with each other."""

from piccolo.columns import BigSerial, ForeignKey, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from app.accounts.tables import Person


class Block(Table, tablename="block"):
    """`person` wants nothing to do with `blocked`: from then on neither sees the other."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    blocked = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    created_at = Timestamptz()
