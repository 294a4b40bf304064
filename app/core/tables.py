"""Tables that know nothing of chat."""

from piccolo.columns import Integer, Text, Timestamptz
from piccolo.table import Table


class RateLimit(Table, tablename="rate_limit"):
    """How often something was tried in the present window; unlogged, for a crash may forget it."""

    key = Text(primary_key=True)
    tries = Integer()
    window_ends = Timestamptz()
