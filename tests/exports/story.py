"""An order, what it covers, and where it is written: in memory."""

import base64
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.i18n import Locale
from app.exports import archive, keys
from app.exports.keys import Key, PublicKey
from app.exports.model import Head, Order, Out
from app.messages.views import Author

ASKED = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MINA = Author(4, "mina", "Mina Member")
WORDS = b'{"body": "Tomorrow at nine."}\n' * 200


class Memory:
    """An Out that keeps everything."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.messages = 0
        self.longest = 0

    async def write(self, data: bytes) -> None:
        self.data += data
        self.longest = max(self.longest, len(data))

    async def done(self, messages: int) -> None:
        self.messages = messages


def order(language: str = "en") -> Order:
    return Order(
        id=1,
        kind="conversation",
        by=MINA,
        conversation=7,
        format="json",
        archive=True,
        from_=None,
        to=ASKED,
        locale=Locale(language, "Europe/Paris"),
        paper="a4",
        asked_at=ASKED,
    )


def head(asked: Order, title: str = "Chess club") -> Head:
    return Head(
        instance="https://chat.example.org",
        order=asked,
        conversation_id=7,
        kind="group",
        title=title,
        members=[MINA],
        count=200,
        first_at=ASKED,
        last_at=ASKED,
        read_at=ASKED.replace(second=7),
    )


async def words(out: Out) -> None:
    """A small export."""
    await out.write(WORDS)
    await out.done(200)


async def archived(key: Key, *names: str, language: str = "en") -> bytes:
    """A whole archive, signed with that key."""
    asked, out = order(language), Memory()
    await archive.write(asked, head(asked), [(name, words) for name in names or ("Chess club.json",)], out, key)
    return bytes(out.data)


def pair() -> tuple[Key, PublicKey]:
    """A key that signs, and what verifies it; of no instance."""
    private = Ed25519PrivateKey.generate()
    public = keys.read(base64.b64encode(private.public_key().public_bytes_raw()).decode())
    assert public is not None
    return Key(public.id, private), public
