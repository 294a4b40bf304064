"""The key pair by which push services know this instance (VAPID, RFC 8292), made once and kept in the database."""

import base64
import time
from email.utils import parseaddr
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.core import database
from app.core.settings import Settings

# Services refuse more than a day.
LASTS = 12 * 60 * 60


class Key:
    """The private key, which signs and never leaves; nothing shows it, so no log does by mistake."""

    def __init__(self, private: bytes, public: str) -> None:
        self._private = ec.derive_private_key(int.from_bytes(private), ec.SECP256R1())
        self.public = public

    def header(self, settings: Settings, endpoint: str) -> str:
        """The Authorization for that push service: for it alone, for some hours, with whom to write to about us."""
        there = urlsplit(endpoint)
        claims = {
            "aud": f"{there.scheme}://{there.netloc}",
            "exp": int(time.time()) + LASTS,
            "sub": f"mailto:{parseaddr(settings.mail_from)[1]}",
        }
        token = jwt.encode(claims, self._private, algorithm="ES256")
        return f"vapid t={token}, k={self.public}"


async def public() -> str:
    """The public key, as browsers take it."""
    return (await key()).public


async def key() -> Key:
    """The key of this instance. Of processes that make one at the same time, one wins and all have that one."""
    query = "SELECT private, public FROM vapid_key"
    row = await database.fetch_row(query)
    if row is None:
        await database.fetch("INSERT INTO vapid_key (private, public) VALUES ($1, $2) ON CONFLICT DO NOTHING", *_new())
        row = await database.fetch_row(query)
    assert row is not None
    return Key(*row)


def _new() -> tuple[bytes, str]:
    made = ec.generate_private_key(ec.SECP256R1())
    point = made.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return made.private_numbers().private_value.to_bytes(32), encoded(point)


def encoded(raw: bytes) -> str:
    """Base64 as URLs have it, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
