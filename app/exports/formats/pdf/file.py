"""A PDF file that is written as it is made: object by object into an Out, and what tells where they are at its end.

A program that joins finished files (pikepdf, qpdf) holds every object of all of them until it saves, and a tagged
document has some ten objects a message. Here only their places stay in memory, eleven bytes each.
"""

import hashlib
import zlib
from array import array

from app.exports.model import Out

# Small objects are packed together: so many, or so many bytes.
_MOST_PACKED, _MOST_BYTES = 200, 60_000
# Bytes are handed on in pieces of about this size.
_PIECE = 64_000


class PdfFile:
    """The file itself; it knows nothing of what its objects mean."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._position = 0
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._packed: list[tuple[int, bytes]] = []
        self._packed_bytes = 0
        # By the number of the object: how it lies there (1: at a place in the file, 2: packed in an object), and where.
        self._how, self._where, self._index = bytearray(b"\0"), array("Q", [0]), array("H", [0xFFFF])
        self._seen: dict[bytes, int] = {}
        self._digest = hashlib.md5(usedforsecurity=False)
        # The comment of four bytes past ASCII says that this is no text (ISO 19005-3, 6.1.2).
        self._put(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def reserve(self) -> int:
        """The number of an object that will be written later."""
        self._how.append(0)
        self._where.append(0)
        self._index.append(0)
        return len(self._how) - 1

    def add(self, data: bytes, number: int | None = None) -> int:
        """An object that is no stream; gives its number."""
        number = self.reserve() if number is None else number
        self._packed.append((number, data))
        self._packed_bytes += len(data)
        if len(self._packed) >= _MOST_PACKED or self._packed_bytes >= _MOST_BYTES:
            self._pack()
        return number

    def add_stream(self, data: bytes, number: int | None = None) -> int:
        """A stream with its dictionary, as it lies in the file; gives its number."""
        number = self.reserve() if number is None else number
        self._how[number], self._where[number] = 1, self._position
        self._put(b"%d 0 obj\n%b\nendobj\n" % (number, data))
        return number

    def add_once(self, data: bytes) -> int:
        """A stream like add_stream; of the same one that was there before the number."""
        key = hashlib.sha256(data).digest()
        if key not in self._seen:
            self._seen[key] = self.add_stream(data)
        return self._seen[key]

    def begin_stream(self, entries: bytes) -> "Growing":
        """A stream whose length is not known yet, compressed as it comes. Nothing else is added until it is closed."""
        number, length = self.reserve(), self.reserve()
        self._how[number], self._where[number] = 1, self._position
        self._put(b"%d 0 obj\n<<%b/Filter /FlateDecode/Length %d 0 R>>\nstream\n" % (number, entries, length))
        return Growing(self, number, length)

    async def flush(self, all_: bool = False) -> None:
        """Hands on what has gathered."""
        if self._buffer and (all_ or self._buffered >= _PIECE):
            data = b"".join(self._buffer)
            self._buffer, self._buffered = [], 0
            await self._out.write(data)

    async def finish(self, root: int, info: int) -> None:
        """The table of all places, and the end."""
        self._pack()
        number = self.reserve()
        self._how[number], self._where[number] = 1, self._position
        table = bytearray()
        for how, where, index in zip(self._how, self._where, self._index, strict=True):
            table += b"%c%b%b" % (how, where.to_bytes(6, "big"), index.to_bytes(2, "big"))
        id_ = self._digest.hexdigest().encode()
        packed = zlib.compress(bytes(table))
        place = self._position
        self._put(
            b"%d 0 obj\n<</Type /XRef/W [1 6 2]/Size %d/Root %d 0 R/Info %d 0 R/ID [<%b> <%b>]"
            b"/Filter /FlateDecode/Length %d>>\nstream\n%b\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n"
            % (number, number + 1, root, info, id_, id_, len(packed), packed, place)
        )
        await self.flush(all_=True)

    def _pack(self) -> None:
        """What has gathered as one object stream (ISO 32000-1, 7.5.7)."""
        if not self._packed:
            return
        objects, self._packed, self._packed_bytes = self._packed, [], 0
        number = self.reserve()
        at, heads = 0, []
        for index, (each, data) in enumerate(objects):
            self._how[each], self._where[each], self._index[each] = 2, number, index
            heads.append(b"%d %d" % (each, at))
            at += len(data) + 1
        head = b" ".join(heads) + b"\n"
        packed = zlib.compress(head + b"\n".join(data for _number, data in objects), 6)
        entries = b"/Type /ObjStm/N %d/First %d/Filter /FlateDecode/Length %d" % (len(objects), len(head), len(packed))
        self.add_stream(b"<<%b>>\nstream\n%b\nendstream" % (entries, packed), number)

    def _put(self, data: bytes) -> None:
        self._buffer.append(data)
        self._buffered += len(data)
        self._position += len(data)
        self._digest.update(data)


class Growing:
    """A stream of a PdfFile that is still being written; an attached file. It is counted and summed as it comes."""

    def __init__(self, file: PdfFile, number: int, length: int) -> None:
        self.number, self.size = number, 0
        self._file, self._length, self._written = file, length, 0
        self._digest = hashlib.md5(usedforsecurity=False)
        self._compressor = zlib.compressobj()

    @property
    def checksum(self) -> bytes:
        """The MD5 of it that an embedded file may have (ISO 32000-1, 7.11.4.1), in hexadecimal."""
        return self._digest.hexdigest().encode()

    async def write(self, data: bytes) -> None:
        """The next bytes, not compressed yet."""
        self.size += len(data)
        self._digest.update(data)
        self._grow(self._compressor.compress(data))
        await self._file.flush()

    def close(self) -> None:
        """That was all of it."""
        self._grow(self._compressor.flush())
        self._file._put(b"\nendstream\nendobj\n")
        self._file.add(b"%d" % self._written, self._length)

    def _grow(self, data: bytes) -> None:
        if data:
            self._written += len(data)
            self._file._put(data)


def text(value: str) -> bytes:
    """A text string: UTF-16 in hexadecimal, so that nothing in it means anything."""
    return b"<feff%b>" % value.encode("utf-16-be", "replace").hex().encode()
