"""The keys that sign archives, as Piccolo tables."""

from piccolo.columns import Bytea, Text, Timestamptz
from piccolo.table import Table


class SigningKey(Table, tablename="signing_key"):
    """An Ed25519 key of this instance. `sealed` is the private half, encrypted. At most one is not retired and signs;
    all of them verify."""

    id = Text(primary_key=True)
    public = Bytea()
    sealed = Bytea()
    made_at = Timestamptz()
    retired_at = Timestamptz(null=True, default=None)
