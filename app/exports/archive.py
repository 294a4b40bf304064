"""An export as a signed ZIP, written as a stream: nothing of it is ever held but the piece in hand."""

import hashlib
import re
import stat
import unicodedata
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import IO, cast

from app.core import i18n
from app.core.i18n import _
from app.exports import manifest
from app.exports.keys import Signer
from app.exports.manifest import Before, Covered, File
from app.exports.model import Order, Out

Writer = Callable[[Out], Awaitable[None]]
# So much at most is packed at a time; a step of it takes some hundredths of a second.
PIECE = 1 << 20
LONGEST_NAME = 200
# Control signs, halves of signs, and what turns the direction of writing, so that an ending looks like another; but not
# what Persian and some pictures are written with.
HIDDEN, JOINERS = ("Cc", "Cs", "Cf", "Zl", "Zp"), "\u200c\u200d"
# What Windows takes for a device, whatever the ending.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


async def write(order: Order, covered: Covered, files: Sequence[tuple[str, Writer]], out: Out, signer: Signer) -> None:
    """Writes the ZIP into `out`: the files by their names, each by its writer, and what proves them, signed by
    `signer`: a key (`await keys.current(settings)`, outside of any transaction that only reads), or who has it.

    Raises ValueError for a name that some system would not take as it is."""
    i18n.use(order.locale)  # the words in it are for who asked
    zipped = ZipOut(out, manifest.stamp(covered.read_at))
    try:
        await zipped.put(manifest.README, _readme(order, covered, signer).encode())
        await zipped.put(manifest.KEY, signer.pem.encode())
        for name, writer in files:
            async with zipped.member(name) as member:
                await writer(member)
        said = manifest.encode(manifest.of(order, covered, signer.id, zipped.files, zipped.written()))
        await zipped.put(manifest.NAME, said)
        await zipped.put(manifest.SIGNATURE, await signer.sign(said))
        await zipped.finish()
    finally:
        zipped.close()


class ZipOut:
    """A ZIP whose members are written one after the other, each of which is an Out itself."""

    def __init__(self, out: Out, stamp: tuple[int, int, int, int, int, int]) -> None:
        self.files: list[File] = []
        self._out = out
        self._stamp = stamp
        self._pipe = _Pipe()
        self._zip = zipfile.ZipFile(cast(IO[bytes], self._pipe), "w", zipfile.ZIP_DEFLATED)
        self._hash = hashlib.sha256()
        self._bytes = 0

    @asynccontextmanager
    async def member(self, name: str) -> AsyncIterator["MemberOut"]:
        """A file that may be of any size. Raises ValueError for a name that cannot be."""
        self._require_free(name)
        # Nobody knows how long it will be, so its numbers have 64 bits.
        with self._zip.open(self._info(name), "w", force_zip64=True) as handle:
            member = MemberOut(self, handle)
            yield member
        await self.flush()
        self.files.append(File(name, member.size, member.hash.hexdigest()))

    async def put(self, name: str, data: bytes) -> None:
        """A small file, packed without being made smaller: `verify` then knows each of its bits."""
        self._zip.writestr(self._info(name), data, zipfile.ZIP_DEFLATED, compresslevel=0)
        await self.flush()
        self.files.append(File(name, len(data), hashlib.sha256(data).hexdigest()))

    def written(self) -> Before:
        """All that went out so far."""
        return Before(self._bytes, self._hash.hexdigest())

    async def finish(self) -> None:
        """The directory of the ZIP, which is its end."""
        self._zip.close()
        await self.flush()

    def close(self) -> None:
        """Lets go of it, finished or not."""
        self._zip.close()

    async def flush(self) -> None:
        """Hands on what is packed."""
        data = self._pipe.taken()
        if data:
            self._hash.update(data)
            self._bytes += len(data)
            await self._out.write(data)

    async def done(self, messages: int) -> None:
        await self._out.done(messages)

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._stamp)
        info.create_system = 3  # wherever it is made: the mode below is one of Unix
        info.external_attr = (stat.S_IFREG | 0o644) << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        return info

    def _require_free(self, name: str) -> None:
        """Also free where large and small letters, or an accent written in two ways, are the same."""
        taken = (*manifest.OWN, *(each.name for each in self.files))
        if not is_safe(name) or _folded(name) in {_folded(each) for each in taken}:
            raise ValueError(f"no file of an archive can have this name: {name!r}")


class MemberOut:
    """Where one file of the ZIP is written."""

    def __init__(self, zipped: ZipOut, handle: zipfile._ZipWriteFile) -> None:  # type: ignore[name-defined]
        self.hash = hashlib.sha256()
        self.size = 0
        self._zipped = zipped
        self._handle = handle

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            self.hash.update(piece)
            self.size += len(piece)
            self._handle.write(piece)
            await self._zipped.flush()

    async def done(self, messages: int) -> None:
        await self._zipped.done(messages)


class _Pipe:
    """The file that zipfile believes to write: without a way back, so it keeps nothing."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """What is here is taken when it is wanted."""

    def taken(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


def is_safe(name: str) -> bool:
    """Whether every system makes exactly this file of it, in the folder where it is unpacked."""
    return (
        0 < len(name.encode("utf-8", "replace")) <= LONGEST_NAME
        and unicodedata.is_normalized("NFC", name)
        and not any(c in '/\\:*?"<>|' or (c not in JOINERS and unicodedata.category(c) in HIDDEN) for c in name)
        and not name.startswith((".", " ", "-"))
        and not name.endswith((".", " "))
        and not _DEVICE.fullmatch(name)
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _readme(order: Order, covered: Covered, signer: Signer) -> str:
    """For whoever unpacks it and does not know what it is."""
    words = {"instance": covered.instance, "key": signer.id, "name": order.by.name, "username": order.by.username}
    paragraphs = [
        _("This archive was created by the Causerie at %(instance)s for %(name)s (@%(username)s)."),
        _(
            "manifest.json describes it: which messages it contains, when they were read, who requested them, and the "
            "size and SHA-256 of every file. manifest.sig is the signature of manifest.json (Ed25519), made by that "
            "Causerie with the key %(key)s; key.pub is the public half of that key."
        ),
        _("To verify that it is authentic and complete, keep the ZIP file as it is, and do one of these:"),
        _("1. Open %(instance)s/verify and upload the ZIP file."),
        _("2. On the server that runs Causerie: python -m app verify FILE.zip"),
        _(
            "3. Without Causerie: get the key from %(instance)s/exports/keys (the one in this archive proves nothing "
            "by itself: anyone who changes the archive could replace it too), unpack the ZIP file, and run"
        )
        + "\n   openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in manifest.json -sigfile manifest.sig\n   "
        + _("then compare the output of sha256sum for each file with manifest.json."),
        _("No file may be missing, and there may be no file that manifest.json does not name."),
    ]
    return "\n\n".join(["Causerie", *paragraphs]) % words + "\n"
