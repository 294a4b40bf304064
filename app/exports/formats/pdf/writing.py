"""How a book comes about, whatever it is about: its pieces, what stands before them, what is attached, the end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from app.core import i18n
from app.core.i18n import _
from app.core.templates import environment
from app.exports.formats.pdf.book import Book, Piece
from app.exports.formats.pdf.file import Growing, PdfFile
from app.exports.formats.pdf.paper import STAND_IN, printable
from app.exports.formats.pdf.press import Press
from app.exports.formats.pdf.whole import About, Attached, finish
from app.exports.model import Order, Out

Json = Callable[[Out], Awaitable[None]]
# A running title that is longer is cut: it has one line.
_LONGEST_RUNNING = 60
_MOST_CODES = 20


class Front(NamedTuple):
    """The title page: what it is in large letters, in a sentence, in pairs of a name and a value, and notes."""

    title: str
    lead: str
    facts: list[tuple[str, str]]
    notes: list[str]


class Subject(Protocol):
    """What a book is about. `name` is that of the attached file, without its ending; `count` how many entries there
    are, by which the work is counted as done."""

    order: Order
    made_at: datetime
    name: str
    count: int

    def front(self) -> Front: ...

    def pieces(self) -> AsyncIterator[list[Piece]]:
        """Its text, in its order."""
        ...


class _Entry(NamedTuple):
    """A line of the table of contents."""

    label: str
    page: int
    name: str


async def write(subject: Subject, out: Out, json: Json) -> None:
    """The whole file."""
    order, front = subject.order, subject.front()
    language = order.locale.language
    foot = _("Times: %(zone)s") % {"zone": order.locale.time_zone}
    press = Press(language, order.paper, _short(front.title), foot)
    book = Book(PdfFile(out), press)
    attached = await _attach(subject, book.file, out, json)
    done = 0
    async for pieces in subject.pieces():
        for piece in pieces:
            if book.add(piece):
                done += book.lay()
                await book.file.flush()
                await out.done(done)
    done += book.lay(end=True)
    await book.file.flush()
    await out.done(done)
    pages = book.front(_front(front, book))
    await finish(book, pages, About(language, front.title, order.by.name, front.lead, subject.made_at), [attached])


def _front(front: Front, book: Book) -> str:
    notes = list(front.notes)
    if book.press.unavailable:
        notes.append(
            _("No font on this server has these characters: %(codes)s. “%(sign)s” is shown in place of each.")
            % {"codes": _codes(book.press.unavailable), "sign": STAND_IN}
        )
        notes.append(_("The attached file contains the text as it was written."))
    contents = [
        _Entry(mark.label, mark.page, f"mark-{index}") for index, mark in enumerate(book.marks) if mark.level == 1
    ]
    template = environment(i18n.current().language).get_template("exports/pdf/front.html")
    html = template.render(title=front.title, lead=front.lead, facts=front.facts, notes=notes, contents=contents)
    return printable(html)


def _codes(characters: str) -> str:
    """U+0915, U+0916 and so on; of many the first."""
    shown = [f"U+{ord(each):04X}" for each in characters[:_MOST_CODES]]
    return ", ".join(shown) + (" …" if len(characters) > _MOST_CODES else "")


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST_RUNNING else f"{title[: _LONGEST_RUNNING - 1].rstrip()}…"


async def _attach(subject: Subject, file: PdfFile, out: Out, json: Json) -> Attached:
    """The same as JSON, in the file: compressed as it comes, and never whole in memory."""
    moment = subject.made_at.astimezone(UTC).strftime("(D:%Y%m%d%H%M%SZ)").encode()
    # How long it is and its sum are known when it has gone by.
    size, checksum = file.reserve(), file.reserve()
    entries = b"/Type /EmbeddedFile/Subtype /application#2fjson/Params <</ModDate %b/Size %d 0 R/CheckSum %d 0 R>>"
    stream = file.begin_stream(entries % (moment, size, checksum))
    await json(_Attaching(stream, out))
    stream.close()
    file.add(b"%d" % stream.size, size)
    file.add(b"<%b>" % stream.checksum, checksum)
    return Attached(f"{subject.name}.json", _("The same data, for programs"), stream.number)


class _Attaching:
    """The Out of what is attached. Its progress is not that of the whole; but it ends when nobody wants the whole."""

    def __init__(self, stream: Growing, out: Out) -> None:
        self._stream, self._out = stream, out

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    async def done(self, messages: int) -> None:
        await self._out.done(0)
