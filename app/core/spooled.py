"""A large file that someone sends by a form: it goes to the disk as it comes in, never into memory.

Whoever sends it need not be known, so it is bounded all around: its length, how long it may take, how many at a time,
and how many of one address: two, for a whole school may sit behind one. What is on the disk has no name there: however
the process ends, it is gone.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from litestar import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.core import errors
from app.core.i18n import _
from app.core.page import header
from app.core.uploads import FRAME, Part, require_short, too_large

# In all, and between two pieces of it.
SECONDS, SILENCE = 10 * 60, 20
MOST_AT_ONCE, MOST_OF_ONE = 4, 2
# What is left free for the rest of the house, whatever is sent.
SPARE = 1_000_000_000
BATCH = 256 * 1024
# Seconds of CPU that a parser may take for one form. A file takes a tenth of one; a body made for it, of boundaries
# that are none or of blanks behind one, takes one for each megabyte, and keeps all others of this process slow.
PARSING = 3.0
_sending: list[str] = []


@asynccontextmanager
async def spooled(
    request: Request[Any, Any, Any], field: str, most: int, who: str, folder: Path
) -> AsyncIterator[IO[bytes]]:
    """The file in that field of the form, to be read from its beginning; empty when there is none. It is on the disk of
    `folder`, and gone after the block. Raises TooLarge, BadRequest, TooMany, Unavailable."""
    too_many = _("Too many files are being uploaded right now. Please try again in a moment.")
    if _sending.count(who) >= MOST_OF_ONE:
        raise errors.TooMany(too_many, retry_after=5)
    if len(_sending) >= MOST_AT_ONCE or shutil.disk_usage(folder).free < SPARE:
        raise errors.Unavailable(too_many)
    _sending.append(who)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            kind, options = parse_options_header(header(request.scope, b"content-type"))
            if kind.lower() == b"multipart/form-data":
                await _receive(request, Part(field, _into(file, most)), options.get(b"boundary", b""), most)
            file.seek(0)
            yield file
    finally:
        _sending.remove(who)


async def _receive(request: Request[Any, Any, Any], part: Part, boundary: bytes, most: int) -> None:
    require_short(request, most)
    if not boundary:
        raise errors.BadRequest
    received, parsing, ends = 0, 0.0, time.monotonic() + SECONDS
    waiting, more = bytearray(), True
    try:
        parser = part.parser(boundary)
        while more:
            async with asyncio.timeout(min(SILENCE, max(0.0, ends - time.monotonic()))):
                message: Any = await request.receive()
            if message["type"] != "http.request":
                raise errors.BadRequest
            more = message["more_body"]
            waiting += message["body"]
            received += len(message["body"])
            if received > most + FRAME:
                raise too_large(most)
            if len(waiting) >= BATCH or not more:
                parsing += await asyncio.to_thread(_parse, parser, bytes(waiting))  # it writes to the disk, too
                waiting.clear()
                if parsing > PARSING:
                    raise errors.BadRequest
        parser.finalize()
    except TimeoutError as error:
        raise errors.BadRequest(_("This took too long to arrive.")) from error
    except (FormParserError, ValueError) as error:
        raise errors.BadRequest from error


def _parse(parser: MultipartParser, data: bytes) -> float:
    """Gives the seconds of CPU that it took."""
    began = time.thread_time()
    parser.write(data)
    return time.thread_time() - began


def _into(file: IO[bytes], most: int) -> Callable[[bytes], object]:
    def keep(data: bytes) -> None:
        if file.tell() + len(data) > most:
            raise too_large(most)
        file.write(data)

    return keep
