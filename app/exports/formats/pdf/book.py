"""A long document, laid out a stretch at a time: pages follow each other as if it had been laid out at once.

The last page of a stretch is full only by chance. So it is thrown away, and what stands on it goes to the next stretch
and begins that one's first page. Pages are numbered on, and the contents, which need the numbers, come last; in the
file that is no matter, for only the tree of pages tells their order.
"""

from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

from app.core.i18n import _
from app.exports.formats.pdf.file import PdfFile
from app.exports.formats.pdf.part import Part, Where
from app.exports.formats.pdf.press import Press, css_string, places, without_pauses

# So many pieces, or characters of HTML, are laid out at a time.
PIECES, CHARACTERS = 300, 150_000


class Piece(NamedTuple):
    """What is not begun on one page and given to the next stretch on another: a message, with the headings above it.
    `name` is the place of its first element, `running` what the head of a page says that begins with it; what `counts`
    is an entry by which progress is told."""

    name: str
    html: str
    running: str = ""
    counts: bool = True


class Mark(NamedTuple):
    """A heading: its depth from 1 on, its words, the number of its page from 1 on, and its place there."""

    level: int
    label: str
    page: int
    where: bytes


class Book:
    """The pages of one file. What they are about is not known here."""

    def __init__(self, file: PdfFile, press: Press) -> None:
        self.file, self.press = file, press
        self.tree, self.fonts = file.reserve(), file.reserve()
        self.nodes: list[tuple[int, int]] = []  # of the tree of pages, and how many pages each has
        self.parents: list[tuple[int, int, int]] = []  # of the parent tree, and its first and last key
        self.sections: list[tuple[int, list[int]]] = []
        self.marks: list[Mark] = []
        self.count = 0
        self.waiting: list[Piece] = []
        self._characters = 0
        self._keys = 0
        self._places: dict[str, tuple[int, float, float]] = {}
        self._pages = array("L")
        self._running = ""

    def add(self, piece: Piece) -> bool:
        """Takes it; true when a stretch is full and `lay` should be called."""
        self.waiting.append(piece)
        self._characters += len(piece.html)
        return len(self.waiting) >= PIECES or self._characters >= CHARACTERS

    def lay(self, end: bool = False) -> int:
        """Lays out and writes what waits, but for what its last page will begin; at the `end` everything. Gives how
        many entries that were."""
        if not self.waiting:
            return 0
        with without_pauses():
            kept = self._lay(end)
        laid, self.waiting = self.waiting[:kept], self.waiting[kept:]
        self._running = laid[-1].running
        self._characters = sum(len(piece.html) for piece in self.waiting)
        return sum(piece.counts for piece in laid)

    def _lay(self, end: bool) -> int:
        """Gives how many of the waiting pieces are in the file now."""
        document, drawn, kept = self._drawn(end)
        if self.press.lacking():
            document, drawn, kept = self._drawn(end)
        self._write(document, drawn)
        self.count += len(document.pages)
        return kept

    def _drawn(self, end: bool) -> tuple[Any, Any, int]:
        document = self._laid()
        pages, kept = document.pages, len(self.waiting)
        if not end:
            last, kept = _cut(pages, [piece.name for piece in self.waiting])
            document = document.copy(pages[:last])
        return document, self.press.draw(document), kept

    def _laid(self) -> Any:
        css = f"@page :first {{ counter-increment: page {self.count + 1} }}"
        # Of a page that begins in the middle of a day the head says which day that is.
        if self._running:
            css += f" body {{ string-set: running {css_string(self._running)} }}"
        html = "".join(piece.html for piece in self.waiting)
        return self.press.lay(html, css)

    def _write(self, document: Any, drawn: Any) -> None:
        pages = [self.file.reserve() for _page in document.pages]
        self._pages.extend(pages)
        for number, page in enumerate(document.pages, self.count):
            height = page.height
            for name, (x, y) in places(page).items():
                self._places.setdefault(name, (number, x * 0.75, (height - y) * 0.75))
            for level, label, (x, y), _state in page.bookmarks:
                where = _where(pages[number - self.count], x * 0.75, (height - y) * 0.75)
                self.marks.append(Mark(level, label, number + 1, where))
        self._take(Part(self.file, drawn, pages, self.fonts), pages, self._section)

    def front(self, html: str) -> int:
        """Lays out and writes what stands before all that was laid, with the fonts of everything. Gives the number of
        its pages, which are numbered in Roman."""
        with without_pauses():
            document = self.press.lay(html, kind="front")
            self.press.draw(document)
            if self.press.lacking():
                document = self.press.lay(html, kind="front")
            drawn = self.press.draw(document, last=True)
            pages = [self.file.reserve() for _page in document.pages]
            part = Part(self.file, drawn, pages, self.fonts)
            section = self.file.reserve()
            self.sections.insert(0, (section, []))
            self._take(part, pages, lambda _role: section)
            self.nodes.insert(0, self.nodes.pop())
            part.write_fonts()
        return len(pages)

    def place(self, name: str) -> Where | None:
        """Where something is that was laid: an element by its name, a heading as mark-0 and so on."""
        if name.startswith("mark-"):
            mark = self.marks[int(name[5:])]
            return Where(mark.where, _told(mark.page))
        found = self._places.get(name)
        if found is None:
            return None
        return Where(_where(self._pages[found[0]], *found[1:]), _told(found[0] + 1))

    def _section(self, role: str) -> int:
        """A heading of the first level begins a section, to which what follows belongs."""
        if role == "/H1" or not self.sections:
            self.sections.append((self.file.reserve(), []))
        return self.sections[-1][0]

    def _take(self, part: Part, pages: list[int], parent: Callable[[str], int]) -> None:
        node = self.file.reserve()
        elements, entries = part.write(node, self._keys, self.place, parent)
        sections = dict(self.sections)
        for section, element in elements:
            sections[section].append(element)
        kids = b" ".join(b"%d 0 R" % page for page in pages)
        self.file.add(b"<</Type /Pages/Parent %d 0 R/Count %d/Kids [%b]>>" % (self.tree, len(pages), kids), node)
        self.nodes.append((node, len(pages)))
        last = self._keys + len(entries) - 1
        nums = b" ".join(b"%d %b" % pair for pair in enumerate(entries, self._keys))
        leaf = self.file.add(b"<</Limits [%d %d]/Nums [%b]>>" % (self._keys, last, nums))
        self.parents.append((leaf, self._keys, last))
        self._keys = last + 1


def _cut(pages: list[Any], names: list[str]) -> tuple[int, int]:
    """How many pages to keep, and how many of the pieces stand on these: the last page that begins with a piece, and
    not in the midst of one, is given back with all that follows. None are kept when there is no such page."""
    order = {name: index for index, name in enumerate(names)}
    on = [[order[name] for name in places(page) if name in order] for page in pages]
    for page in range(len(pages) - 1, 0, -1):
        if on[page] and min(on[page]) > max((index for each in on[:page] for index in each), default=-1):
            return page, min(on[page])
    return len(pages), len(names)


def _told(page: int) -> str:
    return _("Page %(page)d") % {"page": page}


def _where(page: int, x: float, y: float) -> bytes:
    return b"[%d 0 R /XYZ %.2f %.2f 0]" % (page, x, y)
