"""The signature of what is sent, and of what is posted here by those who chose so: `v1=` and the hexadecimal
HMAC-SHA256, with the secret as the key, of the time stamp, a full stop and the body as it travels."""

import hashlib
import hmac
import secrets

EVENT, DELIVERY = "x-causerie-event", "x-causerie-delivery"
TIMESTAMP, SIGNATURE = "x-causerie-timestamp", "x-causerie-signature"
# How old a signed post may be, and how far its clock may be ahead of ours.
SECONDS = 300


def make_secret() -> str:
    """256 random bits, and a prefix by which programs that look for leaked secrets find it."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def sign(secret: str, timestamp: int | str, body: bytes) -> str:
    """The signature that goes with the body."""
    signed = f"{timestamp}.".encode() + body
    return f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def matches(secret: str, timestamp: str, body: bytes, given: str) -> bool:
    """Whether that is the signature, told in a time that does not depend on where it is wrong."""
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), given.encode("utf-8", "replace"))
