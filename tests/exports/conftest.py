"""What the tests of exports share: an order as somebody would give it, and a place in memory to write to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.core.i18n import Locale
from app.exports.model import CancelledExport, Order
from app.messages.views import Author
from tests.conftest import Actor

INSTANCE = "https://talk.example.org"


def order(by: Actor, conversation: int | None, **more: Any) -> Order:
    """All of that conversation, or of that person's data, as JSON, unless `more` says something else."""
    given: dict[str, Any] = {
        "id": 1,
        "kind": "person" if conversation is None else "conversation",
        "by": Author(by.id, by.username, by.name),
        "conversation": conversation,
        "format": "json",
        "archive": False,
        "from_": None,
        "to": None,
        "locale": Locale("en", "Europe/Paris"),
        "paper": "a4",
        "asked_at": datetime(2026, 11, 21, 12, tzinfo=UTC),
    }
    return Order(**(given | more))


@dataclass
class Written:
    """An Out in memory. It is cancelled once so many messages are in it."""

    cancel_after: int = 10**9
    parts: list[bytes] = field(default_factory=list)
    messages: int = 0

    async def write(self, data: bytes) -> None:
        self.parts.append(data)

    async def done(self, messages: int) -> None:
        self.messages = messages
        if messages >= self.cancel_after:
            raise CancelledExport

    @property
    def data(self) -> bytes:
        return b"".join(self.parts)
