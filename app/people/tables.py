"""What people want to have to do with each other."""

from piccolo.columns import BigSerial, Boolean, ForeignKey, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from app.accounts.tables import Person


class Block(Table, tablename="block"):
    """`person` wants nothing to do with `blocked`: from then on neither sees the other."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    blocked = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    created_at = Timestamptz()


class Contact(Table, tablename="contact"):
    """What there is between two people, one row for both: a request, or a contact once it is accepted."""

    id = BigSerial(primary_key=True)
    asker = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    asked = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    created_at = Timestamptz()
    accepted_at = Timestamptz(null=True, default=None)
    # The asker goes on seeing it as asked, the asked one sees nothing. Kept so that nobody is asked day after day.
    declined_at = Timestamptz(null=True, default=None)
    # The asker does not see it: asked by e-mail address, which must not tell whose it is, or taken back when it was
    # declined already.
    hidden = Boolean(default=False)
    # They became contacts by an invitation that one showed to the other.
    verified = Boolean(default=False)


class Presence(Table, tablename="presence"):
    """What a person tells of where they are; who is not in here tells as the defaults say, and was never active."""

    person = ForeignKey(Person, on_delete=OnDelete.cascade, primary_key=True, null=False)
    choice = Text(default="auto")
    shown_to = Text(default="everyone")
    tells_receipts = Boolean(default=True)
    active_at = Timestamptz(null=True, default=None)
    # They read without scripts, so without a stream: until then they count as here.
    plain_until = Timestamptz(null=True, default=None)
