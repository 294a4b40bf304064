"""The signature of an archive: the program that makes it asks, and the worker, which alone has the key, signs.

The program reads what strangers wrote, with large libraries. Whatever happens to it, it has no key that it could lose:
it may have one thing signed, a manifest of its own export.
"""

import asyncio
import contextlib
import os

import msgspec

from app.core.database import Row
from app.exports import manifest
from app.exports.keys import Signer
from app.exports.manifest import MOST_BYTES

# In the environment of the program: what the key is called, and its public half.
ID, PEM = "SIGNER_ID", "SIGNER_PEM"
SIGNATURE = 64
HEAD = 4


class Borrowed:
    """A Signer, in the program: it asks on one file and reads on another."""

    def __init__(self, asking: int, answering: int) -> None:
        self.id, self.pem = os.environ[ID], os.environ[PEM]
        self._asking, self._answering = asking, answering

    async def sign(self, data: bytes) -> bytes:
        """As a Signer does; raises OSError where the worker does not sign."""
        return await asyncio.to_thread(self._ask, data)

    def _ask(self, data: bytes) -> bytes:
        with os.fdopen(self._asking, "wb") as asking:
            asking.write(len(data).to_bytes(HEAD, "big") + data)
        with os.fdopen(self._answering, "rb") as answering:
            signature = answering.read(SIGNATURE)
        if len(signature) != SIGNATURE:
            raise OSError("no signature came")
        return signature


class Guarded:
    """A Signer, in the worker: it signs nothing but a manifest of that row of `export`; else it gives nothing."""

    def __init__(self, key: Signer, row: Row) -> None:
        self.id, self.pem = key.id, key.pem
        self._key, self._row = key, row

    async def sign(self, data: bytes) -> bytes:
        return await self._key.sign(data) if self._is_of_it(data) else b""

    def _is_of_it(self, data: bytes) -> bool:
        try:
            read = manifest.decode(data)
        except msgspec.DecodeError:
            return False
        row, conversation = self._row, read.conversation.id if read.conversation else None
        known = (row["kind"], row["format"], row["person"], row["conversation"], row["asked_at"], self.id)
        if known != (read.kind, read.format, read.asked_by.id, conversation, read.asked_at, read.key):
            return False
        # A part of a conversation must not pass for all of it.
        return (row["from_at"], row["to_at"]) == (read.from_, read.to)


def described(key: Signer) -> dict[str, str]:
    """What the program is told of the key."""
    return {ID: key.id, PEM: key.pem}


async def answer(key: Signer, child: asyncio.subprocess.Process) -> None:
    """In the worker: signs what the program asks for, once."""
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):  # it has ended without asking
        length = int.from_bytes(await child.stdout.readexactly(HEAD), "big")
        if length <= MOST_BYTES:
            child.stdin.write(await key.sign(await child.stdout.readexactly(length)))
            await child.stdin.drain()
        child.stdin.close()
