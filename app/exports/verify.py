"""Whether an archive is genuine (signed by a key that one trusts) and whole (not one bit of it is another).

Nothing of a file is believed, and nothing large unpacked, before the signature is found good: then the signed manifest
says how long each file may be. So whatever the file is, it costs no more memory than a piece, and no disk.
"""

import hashlib
from collections.abc import Sequence
from typing import IO

import msgspec

from app.core.i18n import _
from app.exports import manifest, zipped
from app.exports.keys import PublicKey
from app.exports.manifest import File, Manifest
from app.exports.zipped import Entry, Member, NotOurs

SIGNATURE_BYTES = 64


class CannotCheck(Exception):
    """It can be said neither that it is genuine nor that it is not; the message says why, for people."""


class Verdict(msgspec.Struct, frozen=True):
    """`genuine`: signed by this Causerie, or with the key that was given, and whole. `signed` without that: what
    `about` says is true, but the archive is not what it was; `faults` says what is wrong, in words."""

    genuine: bool
    signed: bool
    faults: list[str]
    about: Manifest | None


def verify(file: IO[bytes], keys: Sequence[PublicKey]) -> Verdict:
    """Reads a whole file, which can be sought in. `keys` are those that are trusted, whatever key is in the archive.

    Raises CannotCheck: without any key, or for what a later version made."""
    if not keys:
        raise CannotCheck(_("There is no key to verify with yet: this Causerie has not signed anything so far."))
    try:
        entries = zipped.directory(file)
        said, signature = _closing(file, entries)
    except NotOurs:
        return _refused(
            _("This is not an archive as Causerie writes them: it may have been changed, truncated or repacked.")
        )
    if not any(key.signed(said.data, signature.data) for key in keys):
        return _refused(
            _("Its signature is not from a key that is trusted here: it was changed, or somebody else made it.")
        )
    read = _read(said.data)
    faults = _faults(file, entries, read, said, signature)
    return Verdict(not faults, True, faults, read)


def _closing(file: IO[bytes], entries: list[Entry]) -> tuple[Member, Member]:
    """The manifest and its signature, which are the last two."""
    if [each.name for each in entries[-2:]] != [manifest.NAME, manifest.SIGNATURE]:
        raise NotOurs
    said = zipped.member(file, entries[-2].offset, manifest.MOST_BYTES, keep=True)
    signature = zipped.member(file, said.end, SIGNATURE_BYTES, keep=True)
    if (said.name, signature.name) != (manifest.NAME, manifest.SIGNATURE) or signature.size != SIGNATURE_BYTES:
        raise NotOurs
    return said, signature


def _refused(fault: str) -> Verdict:
    return Verdict(False, False, [fault], None)


def _read(data: bytes) -> Manifest:
    """The manifest, which is one of ours: it is signed."""
    try:
        if manifest.version_of(data) > manifest.VERSION:
            raise CannotCheck(_("A later version of Causerie created it; this version cannot verify it."))
        return manifest.decode(data)
    except msgspec.DecodeError as error:
        raise CannotCheck(
            _("Its signature is valid, but this version of Causerie cannot read its contents.")
        ) from error


def _faults(file: IO[bytes], entries: list[Entry], read: Manifest, said: Member, signature: Member) -> list[str]:
    """What is wrong with a file whose manifest is genuine."""
    if (said.offset, _digest(file, said.offset)) != (read.before.bytes, read.before.sha256):
        return _differences(file, entries, read)
    members: list[Member] = []
    try:
        for listed in read.files:
            members.append(zipped.member(file, members[-1].end if members else 0, listed.size))
    except NotOurs:
        return _differences(file, entries, read)
    same = [File(each.name, each.size, each.sha256) for each in members] == read.files
    if not same or members[-1].end != said.offset:
        return _differences(file, entries, read)
    file.seek(signature.end)
    end = zipped.end_of([*members, said, signature])
    if {said.stamp, signature.stamp} != {members[0].stamp} or file.read(len(end) + 1) != end:
        return [_frame()]
    return []


def _differences(file: IO[bytes], entries: list[Entry], read: Manifest) -> list[str]:
    """Which files are not what they were; for a file that is known not to be whole."""
    listed = {each.name: each for each in read.files}
    there = [each for each in entries if each.name not in (manifest.NAME, manifest.SIGNATURE)]
    names = [each.name for each in there]
    faults = [_("“%(name)s” is missing.") % {"name": name} for name in listed if name not in names]
    faults += [_("“%(name)s” was added.") % {"name": name} for name in dict.fromkeys(names) if name not in listed]
    faults += [
        _("“%(name)s” appears more than once.") % {"name": name}
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    for each in {each.name: each for each in there}.values():
        if each.name in listed and not _is_same(file, each, listed[each.name]):
            faults.append(_("“%(name)s” was changed.") % {"name": each.name})
    return faults or [_frame()]


def _is_same(file: IO[bytes], entry: Entry, listed: File) -> bool:
    try:
        found = zipped.member(file, entry.offset, listed.size)
    except NotOurs:
        return False
    return File(found.name, found.size, found.sha256) == listed


def _frame() -> str:
    return _(
        "The files in it are unchanged, but the ZIP around them is not: another program might find other files in it."
    )


def _digest(file: IO[bytes], most: int) -> str:
    """The SHA-256 of so much of its beginning."""
    digest = hashlib.sha256()
    file.seek(0)
    while most > 0 and (piece := file.read(min(most, zipped.PIECE))):
        digest.update(piece)
        most -= len(piece)
    return digest.hexdigest()
