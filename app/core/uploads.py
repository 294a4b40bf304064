"""A file that someone sends, by a form or by itself.

The front door reads no body that is longer than a page of text. A handler that takes a file says so (`opt={"upload":
True}`) and reads it here, once it is known who sends it: so whoever is not signed in makes us keep nothing, and of the
others only so many at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.core import errors
from app.core.i18n import _
from app.core.page import header

SECONDS = 60
# Together they hold as many files in memory, each of at most what its handler takes.
MOST_AT_ONCE = 8
MOST_PARTS = 20
# What a form writes around its file.
FRAME = 4 * 1024
_sending: set[int] = set()


def is_upload(kind: str) -> bool:
    """Whether a content type (without its parameters) is that of a file, or of a form with one."""
    return kind == "multipart/form-data" or kind.startswith("image/")


@asynccontextmanager
async def received(request: Request[Any, Any, Any], field: str, most: int, person: int) -> AsyncIterator[bytes]:
    """The file in that field of the form, or the whole body of a program that sends it by itself; empty when there is
    none. It counts as one of the few at a time until the end of the block. Raises TooLarge, BadRequest, TooMany,
    Unavailable."""
    if person in _sending:
        raise errors.TooMany(_("Your other file is still being uploaded. Please wait a moment."), retry_after=5)
    if len(_sending) >= MOST_AT_ONCE:
        raise errors.Unavailable(_("Too many files are being uploaded right now. Please try again in a moment."))
    _sending.add(person)
    try:
        kind, options = parse_options_header(header(request.scope, b"content-type"))
        if not is_upload(kind.decode("latin-1").lower()):
            yield b""
            return
        try:
            async with asyncio.timeout(SECONDS):
                body = await _read(request, most)
        except TimeoutError as error:
            raise errors.BadRequest(_("This took too long to arrive.")) from error
        if kind.lower() == b"multipart/form-data":
            # In a thread: a body made for it keeps the parser busy.
            body = await asyncio.to_thread(_part, body, options.get(b"boundary", b""), field)
        if len(body) > most:
            raise too_large(most)
        yield body
    finally:
        _sending.discard(person)


async def _read(request: Request[Any, Any, Any], most: int) -> bytes:
    require_short(request, most)
    body = bytearray()
    while True:
        message: Any = await request.receive()
        if message["type"] != "http.request":
            raise errors.BadRequest
        body += message["body"]
        if len(body) > most + FRAME:
            raise too_large(most)
        if not message["more_body"]:
            return bytes(body)


def too_large(most: int) -> errors.TooLarge:
    """The refusal of a file that is longer."""
    return errors.TooLarge(_("A file can be up to %(most)d MB.") % {"most": most // 1_000_000})


def require_short(request: Request[Any, Any, Any], most: int) -> None:
    """Raises TooLarge for a body that says itself that it is longer than a form with such a file."""
    announced = header(request.scope, b"content-length")
    if announced and (not announced.isdecimal() or len(announced) > 12 or int(announced) > most + FRAME):
        raise too_large(most)


class Part:
    """Hands on the content of one field of a form, the first of that name, as it is parsed. Raises FormParserError."""

    def __init__(self, field: str, keep: Callable[[bytes], object]) -> None:
        self.field = field.encode()
        self.keep = keep
        self.header = self.value = b""
        self.wanted = self.found = False
        self.parts = 0

    def parser(self, boundary: bytes) -> MultipartParser:
        """What reads the form."""
        names = ("part_begin", "header_field", "header_value", "header_end", "headers_finished", "part_data")
        callbacks: Any = {f"on_{name}": getattr(self, f"on_{name}") for name in names}
        return MultipartParser(boundary, callbacks)

    def on_part_begin(self) -> None:
        self.parts += 1
        self.wanted = False
        if self.parts > MOST_PARTS:
            raise FormParserError("too many parts")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.header = _longer(self.header, data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.value = _longer(self.value, data[start:end])

    def on_header_end(self) -> None:
        if self.header.lower() == b"content-disposition":
            options = parse_options_header(self.value)[1]
            self.wanted = not self.found and options.get(b"name") == self.field
        self.header = self.value = b""

    def on_headers_finished(self) -> None:
        self.found = self.found or self.wanted

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self.wanted:
            self.keep(data[start:end])


def _longer(text: bytes, more: bytes) -> bytes:
    """A header may come in pieces, but not without end: it is kept in memory."""
    if len(text) + len(more) > FRAME:
        raise FormParserError("a header that is too long")
    return text + more


def _part(body: bytes, boundary: bytes, field: str) -> bytes:
    mark = b"\r\n--" + boundary
    # Behind a boundary that is none, or blanks, the parser goes a byte at a time: a second for each megabyte.
    if not boundary or body.count(mark) > MOST_PARTS + 1 or mark + b" " in body or mark + b"\t" in body:
        raise errors.BadRequest
    found = bytearray()
    try:
        parser = Part(field, found.extend).parser(boundary)
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise errors.BadRequest from error
    return bytes(found)
