"""What the formats share: what was asked for, what it is made of, and where it goes."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from app.core.database import Row
from app.core.i18n import Locale
from app.messages.views import Author

Kind = Literal["conversation", "audit", "person"]
Format = Literal["pdf", "csv", "json"]
Paper = Literal["a4", "letter"]
# So many messages are read, and counted as done, at a time.
STRETCH = 500


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked for. `from_` is the first instant of the range and `to` the first after it, null where it is
    open; `conversation` is null for all of one's own data."""

    id: int
    kind: Kind
    by: Author
    conversation: int | None
    format: Format
    archive: bool
    from_: datetime | None
    to: datetime | None
    locale: Locale
    paper: Paper
    asked_at: datetime


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What stands above the messages. `count` is how many there are in the range, `instance` the address of this
    Causerie, `read_at` the moment that the export shows."""

    instance: str
    order: Order
    conversation_id: int
    kind: str
    title: str
    members: list[Author]
    count: int
    first_at: datetime | None
    last_at: datetime | None
    read_at: datetime


class Source(Protocol):
    """A conversation as its reader may see it, all of one moment."""

    head: Head

    def stretches(self) -> AsyncIterator[list[Row]]:
        """The messages of the range as rows of `messages.lines.LINES`, the oldest first, STRETCH at a time."""
        ...


class Out(Protocol):
    """Where an export is written."""

    async def write(self, data: bytes) -> None:
        """The next bytes of the file."""
        ...

    async def done(self, messages: int) -> None:
        """So many messages (or other entries) are in it now. Raises CancelledExport when nobody wants it any more."""
        ...


class CancelledExport(Exception):
    """Whoever asked for it does not want it any more."""
