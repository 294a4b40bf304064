"""Whether an archive is genuine and whole: whatever is altered is found, and hostile files do no harm."""

import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest

from app.exports import archive, manifest, zipped
from app.exports.keys import PublicKey
from app.exports.verify import CannotCheck, Verdict, verify
from tests.exports.story import WORDS, Memory, archived, head, order, pair

KEY, PUBLIC = pair()


def verdict(data: bytes, key: PublicKey = PUBLIC) -> Verdict:
    return verify(io.BytesIO(data), [key])


def repacked(data: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """The same ZIP with other files in it, packed by a usual program."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in files.items():
            new.writestr(name, content)
    return out.getvalue()


async def test_what_was_made_here_is_genuine_and_says_what_it_is() -> None:
    found = verdict(await archived(KEY, "Chess club.json", "象棋.csv"))
    assert found.genuine
    assert found.signed
    assert found.faults == []
    assert found.about is not None
    assert found.about.conversation is not None
    assert found.about.conversation.title == "Chess club"


async def test_what_an_earlier_key_signed_stays_genuine() -> None:
    _later, newer = pair()
    assert verify(io.BytesIO(await archived(KEY)), [newer, PUBLIC]).genuine


async def test_any_bit_that_is_turned_is_found() -> None:
    """One in each byte, wherever it is: in a text, a name, a time, a size, a hash, the signature, the frame."""
    data = await archived(KEY)
    assert verdict(data).genuine, "or this means nothing"
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1 << place % 8
        assert not verdict(bytes(altered)).genuine, place


async def test_one_letter_of_a_message_is_found_and_the_file_named() -> None:
    def change(files: dict[str, bytes]) -> None:
        files["Chess club.json"] = WORDS.replace(b"nine", b"nin3", 1)

    def in_its_place(data: bytes) -> bytes:
        """With the very same frame, as well as one can."""
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            info = old.getinfo("Chess club.json")
        start = info.header_offset + 30 + len(info.filename) + 20
        packed = zlib.decompress(data[start : start + info.compress_size], -15).replace(b"nine", b"nin3", 1)
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
        new = squeeze.compress(packed) + squeeze.flush()
        return (
            data[:start]
            + new.ljust(info.compress_size, b"\0")[: info.compress_size]
            + data[start + info.compress_size :]
        )

    data = await archived(KEY)
    for altered in (repacked(data, change), in_its_place(data)):
        assert not verdict(altered).genuine
    assert "“Chess club.json” was changed." in verdict(in_its_place(data)).faults


async def test_it_cannot_be_signed_anew_by_somebody_else() -> None:
    """Altered, hashed, signed and with the public key of the forger in the place of ours: all of it fits together."""
    theirs, their_public = pair()
    forged = await archived(theirs)
    assert verdict(forged, their_public).genuine
    found = verdict(forged)
    assert not found.genuine
    assert not found.signed
    assert found.about is None, "nothing that a forger wrote is repeated as if it were true"


async def test_another_public_key_beside_a_genuine_manifest_is_found() -> None:
    _theirs, their_public = pair()

    def change(files: dict[str, bytes]) -> None:
        files["key.pub"] = their_public.public_key.encode()

    data = await archived(KEY)
    assert not verdict(repacked(data, change)).genuine
    raw, other = KEY.pem.encode(), their_public.public_key.encode()
    assert data.count(raw) == 1
    assert not verdict(data.replace(raw, other)).genuine


CHANGES: dict[str, Callable[[dict[str, bytes]], object]] = {
    "nothing but the packing": lambda files: None,
    "added": lambda files: files.update({"more.json": b"{}"}),
    "added in a folder above": lambda files: files.update({"../../etc/cron.d/x": b"* * * * * root true"}),
    "missing": lambda files: files.pop("Chess club.json"),
    "renamed": lambda files: files.update({"Chess.json": files.pop("Chess club.json")}),
    "without signature": lambda files: files.pop("manifest.sig"),
    "without manifest": lambda files: files.pop("manifest.json"),
    "of another order": lambda files: files.update({"README.txt": files.pop("README.txt")}),
    "with an empty signature": lambda files: files.update({"manifest.sig": b""}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_it_is_not_whole(change: Callable[[dict[str, bytes]], object]) -> None:
    assert not verdict(repacked(await archived(KEY), change)).genuine


async def test_what_is_put_before_behind_or_in_between_is_found() -> None:
    data = await archived(KEY)
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        directory = old.start_dir
        member = old.getinfo("manifest.json").header_offset
    altered = [
        b"#!/bin/sh\n" + data,
        data + b"\0",
        data + data,
        data[:directory] + b"hidden" + data[directory:],
        data[:member] + b"hidden" + data[member:],
        data[:-2] + b"\5\0hello",  # a comment
    ]
    for each in altered:
        assert not verdict(each).genuine
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as new:  # added by a usual program, that leaves what is there as it is
        new.writestr("more.json", b"{}")
    assert not verdict(out.getvalue()).genuine


async def test_a_file_that_is_in_it_twice_is_found() -> None:
    """Of two with one name some programs unpack the first and some the last."""
    out = io.BytesIO()
    data = await archived(KEY)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name == "Chess club.json":
                with pytest.warns(UserWarning, match="Duplicate"):
                    new.writestr(name, b"false")
                    new.writestr(name, old.read(name))
            else:
                new.writestr(name, old.read(name))
    assert not verdict(out.getvalue()).genuine


def _directory(data: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        return old.start_dir


FIELDS = {
    "flags": 8,
    "method": 10,
    "time": 12,
    "crc": 16,
    "packed": 20,
    "size": 24,
    "disk": 34,
    "mode": 38,
    "offset": 42,
}


@pytest.mark.parametrize("place", FIELDS.values(), ids=FIELDS)
async def test_a_directory_that_says_something_else_than_the_members_is_found(place: int) -> None:
    """This is how one file shows two readers two contents: one goes by the directory, the other by the members."""
    data = bytearray(await archived(KEY))
    data[_directory(bytes(data)) + place] ^= 1
    found = verdict(bytes(data))
    assert not found.genuine
    assert found.faults


async def test_a_directory_that_leads_to_another_content_is_found_whole_members_and_all() -> None:
    """The members as they were, then one more of the same name, to which the directory leads."""
    data = await archived(KEY)
    start = _directory(data)
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        names = old.namelist()
        told = old.getinfo("Chess club.json")
    false = await archived(KEY)
    with zipfile.ZipFile(io.BytesIO(false)) as other:
        header = other.getinfo("Chess club.json")
        member = false[header.header_offset : other.getinfo("manifest.json").header_offset]
    directory = bytearray(data[start:])
    at = directory.index(b"Chess club.json") - 46
    struct.pack_into("<L", directory, at + 42, start)
    struct.pack_into("<L", directory, len(directory) - 6, start + len(member))
    altered = data[:start] + member + bytes(directory)
    with zipfile.ZipFile(io.BytesIO(altered)) as new:
        assert new.namelist() == names
        assert new.getinfo("Chess club.json").header_offset != told.header_offset
        assert new.testzip() is None, "to a usual program it looks whole, or this means nothing"
    assert not verdict(altered).genuine


async def test_a_member_that_calls_itself_encrypted_is_found() -> None:
    data = bytearray(await archived(KEY))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as old:
        at = old.getinfo("Chess club.json").header_offset
    data[at + 6] |= 1
    data[_directory(bytes(data)) + 46 + 10 + 46 + 7 + 8] |= 1
    assert not verdict(bytes(data)).genuine


async def test_cut_short_at_any_place_it_is_not_genuine() -> None:
    data = await archived(KEY)
    for length in [*range(0, len(data), 7), len(data) - 1]:
        assert not verdict(data[:length]).genuine


def bomb(size: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return block * (size >> 20) + squeeze.flush()


def member(name: str, packed: bytes, size: int, crc: int = 0) -> tuple[bytes, zipped.Member]:
    head = zipped._local(name, (0, 33), False)
    end = zipped.DESCRIPTOR.pack(zipped.SIGN_DESCRIPTOR, crc, len(packed), size)
    made = head + packed + end
    return made, zipped.Member(name, 0, len(made), (0, 33), False, crc, len(packed), size, "", b"")


@pytest.mark.parametrize("where", [manifest.NAME, "Chess club.json"])
async def test_a_bomb_is_not_unpacked(where: str) -> None:
    """Two GB of nothing in two MB: as the manifest, and as the file that a genuine manifest names."""
    packed = bomb(1 << 31)
    data = await archived(KEY)
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        starts = [each.header_offset for each in old.infolist()] + [old.start_dir]
        pieces = {name: data[a:b] for name, a, b in zip(old.namelist(), starts[:-1], starts[1:], strict=True)}
    pieces[where] = member(where, packed, 1 << 31)[0]
    members, at = [], 0
    for name, piece in pieces.items():
        members.append(zipped.Member(name, at, at + len(piece), (0, 33), False, 0, 1, 1, "", b""))
        at += len(piece)
    altered = b"".join(pieces.values()) + zipped.end_of(members)
    tracemalloc.start()
    started = time.monotonic()
    try:
        assert not verdict(altered).genuine
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
    assert time.monotonic() - started < 2, "to unpack it takes five"


async def test_blocks_of_nothing_without_end_take_no_memory() -> None:
    """Packed blocks may be empty: a manifest of millions of them unpacks to nothing and never ends."""
    empty, _member = member(manifest.NAME, b"\0\0\0\xff\xff" * 4_000_000 + b"\1\0\0\xff\xff", 0)
    sign, _member = member(manifest.SIGNATURE, b"\1\x40\0\xbf\xff" + bytes(64), 64, zlib.crc32(bytes(64)))
    members = [
        zipped.Member(manifest.NAME, 0, len(empty), (0, 33), False, 0, 1, 1, "", b""),
        zipped.Member(manifest.SIGNATURE, len(empty), len(empty) + len(sign), (0, 33), False, 0, 1, 1, "", b""),
    ]
    altered = empty + sign + zipped.end_of(members)
    tracemalloc.start()
    try:
        assert not verdict(altered).genuine
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"PK\5\6" + bytes(18), b"%PDF-1.7 no archive at all", bytes(100_000), b"PK\5\6" * 30_000],
    ids=["empty", "two letters", "an empty ZIP", "a PDF", "zeros", "ends without end"],
)
def test_what_is_no_archive_at_all_is_told_so(data: bytes) -> None:
    found = verdict(data)
    assert not found.genuine
    assert len(found.faults) == 1


async def test_numbers_that_no_file_could_have_are_refused() -> None:
    data = bytearray(await archived(KEY))
    start = _directory(bytes(data))
    data[start + 42 : start + 46] = b"\xff\xff\xff\xff"
    assert not verdict(bytes(data)).genuine
    with pytest.raises(zipped.NotOurs):
        zipped.member(io.BytesIO(bytes(data)), 2**64 - 1, 100)


async def test_what_a_later_version_made_cannot_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    out, asked = Memory(), order()
    told = manifest.encode
    with monkeypatch.context() as patched:
        patched.setattr(manifest, "encode", lambda m: told(m).replace(b'"version": 1', b'"version": 2, "more": 3'))
        await archive.write(asked, head(asked), [], out, KEY)
    with pytest.raises(CannotCheck):
        verdict(bytes(out.data))


def test_without_any_key_nothing_can_be_said() -> None:
    with pytest.raises(CannotCheck):
        verify(io.BytesIO(b""), [])
