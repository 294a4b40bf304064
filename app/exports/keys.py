"""The Ed25519 keys that sign archives: one at a time signs, and whatever earlier ones signed stays genuine.

The private half is kept encrypted with a key made of SECRET_KEY, which is not in the database: a dump of it, or a copy
that someone reads, cannot sign. Where SECRET_KEY is another one, the private half is lost and a new key is made.
"""

import base64
import binascii
import hashlib
import secrets
from datetime import datetime
from typing import Protocol

import msgspec
import structlog
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core import database
from app.core.settings import Settings

log = structlog.get_logger()
NONCE = 12


class Signer(Protocol):
    """What signs an archive: a key, or somebody who has it."""

    id: str
    pem: str

    async def sign(self, data: bytes) -> bytes:
        """The 64 bytes of the signature of exactly these."""
        ...


class Key:
    """A key itself; nothing shows its private half, so no log does by mistake."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self.id = name
        # The public half, as openssl takes it.
        self.pem = _pem(private.public_key())
        self._private = private

    async def sign(self, data: bytes) -> bytes:
        """As a Signer does."""
        return self._private.sign(data)


class PublicKey(msgspec.Struct, frozen=True):
    """A key as the world sees it. `public_key` is its PEM, `raw` its 32 bytes in base64; `retired_at` says since when
    it signs nothing any more."""

    id: str
    public_key: str
    raw: str
    made_at: datetime | None = None
    retired_at: datetime | None = None

    def signed(self, data: bytes, signature: bytes) -> bool:
        """Whether this key made that signature of exactly these bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(self.raw)).verify(signature, data)
        except InvalidSignature:
            return False
        return True


class KeysView(msgspec.Struct):
    """The keys of this instance, the newest first."""

    keys: list[PublicKey]


async def current(settings: Settings) -> Key:
    """The key that signs now. Of processes that make one at the same time, one wins and all have that one."""
    found = await _current()
    if found is not None:
        key = _opened(found, settings)
        if key is not None:
            return key
        log.warning("SECRET_KEY is not the one that sealed the signing key; a new key is made", key=found["id"])
        return await rotate(settings, found["id"])
    return await _make(settings)


async def rotate(settings: Settings, retired: str) -> Key:
    """Retires that key, unless somebody has done so meanwhile, and gives the one that signs in its place."""
    async with database.transaction():
        await database.fetch("UPDATE signing_key SET retired_at = now() WHERE id = $1 AND retired_at IS NULL", retired)
        return await _make(settings)


async def published() -> KeysView:
    """All keys there ever were, for whoever verifies."""
    rows = await database.fetch("SELECT id, public, made_at, retired_at FROM signing_key ORDER BY made_at DESC, id")
    return KeysView([_shown(row["public"], row["made_at"], row["retired_at"]) for row in rows])


def read(text: str) -> PublicKey | None:
    """A key that somebody gives: its PEM, or its 32 bytes in base64; None when it is neither."""
    try:
        if "-----" in text:
            key = serialization.load_pem_public_key(text.encode())
            if not isinstance(key, Ed25519PublicKey):
                return None
            return _shown(_raw(key))
        raw = base64.b64decode(text.strip().encode(), altchars=b"-_" if "-" in text or "_" in text else None)
        return _shown(raw) if len(raw) == 32 else None
    except (ValueError, binascii.Error, UnsupportedAlgorithm, UnicodeError):
        return None


async def _current() -> database.Row | None:
    return await database.fetch_row("SELECT id, sealed FROM signing_key WHERE retired_at IS NULL")


async def _make(settings: Settings) -> Key:
    private = Ed25519PrivateKey.generate()
    public = _raw(private.public_key())
    id_ = _name(public)
    nonce = secrets.token_bytes(NONCE)
    secret = private.private_bytes_raw()
    await database.fetch(
        "INSERT INTO signing_key (id, public, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        id_,
        public,
        nonce + _cipher(settings).encrypt(nonce, secret, id_.encode()),
    )
    found = await _current()
    key = _opened(found, settings) if found is not None else None
    if (
        key is None
    ):  # two processes with different SECRET_KEYs on one database: no archive is better than a flood of keys
        raise RuntimeError("another process made the signing key with another SECRET_KEY")
    return key


def _opened(row: database.Row, settings: Settings) -> Key | None:
    sealed: bytes = row["sealed"]
    try:
        secret = _cipher(settings).decrypt(sealed[:NONCE], sealed[NONCE:], row["id"].encode())
    except InvalidTag:
        return None
    return Key(row["id"], Ed25519PrivateKey.from_private_bytes(secret))


def _cipher(settings: Settings) -> AESGCM:
    """Made for this purpose alone, so nothing else that SECRET_KEY signs tells anything about it."""
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"causerie: signing key at rest")
    return AESGCM(derive.derive(settings.secret_key.encode()))


def _shown(public: bytes, made_at: datetime | None = None, retired_at: datetime | None = None) -> PublicKey:
    key = Ed25519PublicKey.from_public_bytes(public)
    return PublicKey(_name(public), _pem(key), base64.b64encode(public).decode(), made_at, retired_at)


def _name(public: bytes) -> str:
    """What a key is called is made of the key itself: nobody can give its name to another."""
    return hashlib.sha256(public).hexdigest()[:32]


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
