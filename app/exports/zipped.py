"""Reads a ZIP as `archive` writes them, and no other: strictly, in bounded memory, whatever the file is.

A ZIP says most things twice, in the header of each member and in the directory at its end, and programs differ in whom
they believe: so one file can show two readers two contents. Here each byte of the frame must be the one that we write.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from typing import IO, NamedTuple

LOCAL, DESCRIPTOR, CENTRAL = struct.Struct("<4s5H3L2H"), struct.Struct("<4s3L"), struct.Struct("<4s6H3L5H2L")
DESCRIPTOR_64 = struct.Struct("<4sL2Q")
END, END_64, LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
SIGN_LOCAL, SIGN_DESCRIPTOR, SIGN_CENTRAL = b"PK\3\4", b"PK\7\x08", b"PK\1\2"
SIGN_END, SIGN_END_64, SIGN_LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
DEFLATED, DESCRIBED, UTF8 = 8, 0x08, 0x800
MODE = 0o100644 << 16
# Where zipfile begins to write 64 bits, and the sign that they are elsewhere.
LARGE, ELSEWHERE = 2**31 - 1, 2**32 - 1
# The header of a member whose size nobody knows yet.
UNKNOWN = struct.pack("<2H2Q", 1, 16, 0, 0)
MOST_MEMBERS, MOST_NAME = 50, 255
# No file is so long; to look there would be an error of its own.
FARTHEST = 2**62
MOST_DIRECTORY = 32 * 1024
PIECE = 256 * 1024


class NotOurs(Exception):
    """It is not a ZIP as we write them, or not one any more."""


class Entry(NamedTuple):
    """What the directory says of a member: nothing of it is believed yet."""

    name: str
    offset: int


class Member(NamedTuple):
    """A member as it stands there: from `offset` to `end`. `data` is there when it was asked for."""

    name: str
    offset: int
    end: int
    stamp: tuple[int, int]
    large: bool
    crc: int
    packed: int
    size: int
    sha256: str
    data: bytes


def directory(file: IO[bytes]) -> list[Entry]:
    """The members that the directory at the end names; raises NotOurs."""
    size = file.seek(0, 2)
    file.seek(max(0, size - MOST_DIRECTORY))
    tail = file.read(MOST_DIRECTORY)
    if len(tail) < END.size:
        raise NotOurs
    *_, count, long, start, comment = END.unpack(tail[-END.size :])
    here = len(tail) - END.size
    if tail[here : here + 4] != SIGN_END or comment or not 0 < count <= MOST_MEMBERS:
        raise NotOurs
    if here >= LOCATOR.size and tail[here - LOCATOR.size :].startswith(SIGN_LOCATOR):
        here -= LOCATOR.size + END_64.size
        if here < 0 or tail[here : here + 4] != SIGN_END_64:
            raise NotOurs
        *_, long, start = END_64.unpack_from(tail, here)
    if long > here or start + long != size - len(tail) + here:
        raise NotOurs
    return _entries(tail[here - long : here], count)


def _entries(data: bytes, count: int) -> list[Entry]:
    found, at = [], 0
    for _ in range(count):
        if at + CENTRAL.size > len(data):
            raise NotOurs
        sign, *_rest, name_length, extra_length, comment, _disk, _internal, _mode, offset = CENTRAL.unpack_from(
            data, at
        )
        at += CENTRAL.size
        name, extra = data[at : at + name_length], data[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length
        if sign != SIGN_CENTRAL or comment or at > len(data):
            raise NotOurs
        if offset == ELSEWHERE:
            if len(extra) < 12:
                raise NotOurs
            (offset,) = struct.unpack("<Q", extra[-8:])
        found.append(Entry(_text(name), offset))
    if at != len(data):
        raise NotOurs
    return found


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise NotOurs from error


def member(file: IO[bytes], offset: int, most: int, *, keep: bool = False) -> Member:
    """Reads the member that begins there, of at most so many bytes unpacked; with `keep` one that is packed without
    being made smaller, and its data. Raises NotOurs."""
    if offset > FARTHEST:
        raise NotOurs
    file.seek(offset)
    head = file.read(LOCAL.size)
    if len(head) < LOCAL.size:
        raise NotOurs
    _sign, _version, _flags, _method, time, date, *_sizes, name_length, extra_length = LOCAL.unpack(head)
    if name_length > MOST_NAME or extra_length not in (0, len(UNKNOWN)):
        raise NotOurs
    raw = file.read(name_length + extra_length)
    name, large = _text(raw[:name_length]), extra_length > 0
    if head + raw != _local(name, (time, date), large):
        raise NotOurs
    start = offset + len(head) + len(raw)
    packed, crc, size, digest, data = _unpacked(file, start, most, keep)
    described = DESCRIPTOR_64 if large else DESCRIPTOR
    file.seek(start + packed)
    if file.read(described.size) != described.pack(SIGN_DESCRIPTOR, crc, packed, size):
        raise NotOurs
    end = start + packed + described.size
    return Member(name, offset, end, (time, date), large, crc, packed, size, digest, data)


def _unpacked(file: IO[bytes], start: int, most: int, keep: bool) -> tuple[int, int, int, str, bytes]:
    """How long it is packed, its CRC, how long it is unpacked, its SHA-256, and the data."""
    inflate, digest = zlib.decompressobj(-zlib.MAX_WBITS), hashlib.sha256()
    read = crc = size = 0
    kept, raw, waiting = bytearray(), bytearray(), b""
    while not inflate.eof:
        if not waiting:
            waiting = file.read(PIECE)
            read += len(waiting)
            if keep:
                raw += waiting
        try:
            piece = inflate.decompress(waiting, PIECE)
        except zlib.error as error:
            raise NotOurs from error
        if not waiting and not piece and not inflate.eof:  # cut short
            raise NotOurs
        waiting = inflate.unconsumed_tail
        size += len(piece)
        if size > most or len(raw) > 2 * most + PIECE:
            raise NotOurs
        crc = zlib.crc32(piece, crc)
        digest.update(piece)
        if keep:
            kept += piece
    packed = read - len(inflate.unused_data)
    if keep:
        _require_stored(bytes(raw[:packed]))
    return packed, crc, size, digest.hexdigest(), bytes(kept)


def _require_stored(raw: bytes) -> None:
    """Bits that pad a packed block are read by nobody: in blocks that are stored as they are, they must be nothing."""
    at = 0
    while at < len(raw):
        if raw[at] not in (0, 1) or len(raw) < at + 5:
            raise NotOurs
        at += 5 + int.from_bytes(raw[at + 1 : at + 3], "little")


def _local(name: str, stamp: tuple[int, int], large: bool) -> bytes:
    """The header of a member, whose sizes come behind it."""
    raw, extra = name.encode(), UNKNOWN if large else b""
    sizes = (ELSEWHERE, ELSEWHERE) if large else (0, 0)
    fields = (_version(large), _flags(name), DEFLATED, *stamp, 0, *sizes, len(raw), len(extra))
    return LOCAL.pack(SIGN_LOCAL, *fields) + raw + extra


def end_of(members: Sequence[Member]) -> bytes:
    """What must stand behind the last of these: the directory, and the end."""
    start, made = members[-1].end, b"".join(_central(each) for each in members)
    count, long = len(members), len(made)
    if start <= LARGE:
        return made + END.pack(SIGN_END, 0, 0, count, count, long, start, 0)
    end = END_64.pack(SIGN_END_64, END_64.size - 12, 45, 45, 0, 0, count, count, long, start)
    locator = LOCATOR.pack(SIGN_LOCATOR, 0, start + long, 1)
    return made + end + locator + END.pack(SIGN_END, 0, 0, count, count, long, min(start, ELSEWHERE), 0)


def _central(each: Member) -> bytes:
    large, sizes, offset = b"", (each.packed, each.size), each.offset
    if max(sizes) > LARGE:
        large, sizes = struct.pack("<2Q", each.size, each.packed), (ELSEWHERE, ELSEWHERE)
    if offset > LARGE:
        large, offset = large + struct.pack("<Q", offset), ELSEWHERE
    extra = struct.pack("<2H", 1, len(large)) + large if large else b""
    raw, version = each.name.encode(), _version(each.large or bool(extra))
    fields = (version | 3 << 8, version, _flags(each.name), DEFLATED, *each.stamp, each.crc, *sizes)
    return CENTRAL.pack(SIGN_CENTRAL, *fields, len(raw), len(extra), 0, 0, 0, MODE, offset) + raw + extra


def _version(large: bool) -> int:
    return 45 if large else 20


def _flags(name: str) -> int:
    return DESCRIBED if name.isascii() else DESCRIBED | UTF8
