"""One drawn part of a book goes into the file: its pages, renumbered, and all that they lead to."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from app.exports.formats.pdf.file import PdfFile, text
from app.exports.formats.pdf.tags import Structure, without_artifacts

# A reference; what is in a string is none, whatever it looks like.
_REFERENCE = re.compile(rb"\((?:[^\\()]|\\.)*\)|(?<![0-9.])([0-9]+) 0 R\b", re.DOTALL)
_PRINTED = 4  # the flag of an annotation that is printed too (ISO 19005-3, 6.3.2)


class Where(NamedTuple):
    """A place in the book: the destination as it is written, and in words."""

    destination: bytes
    told: str


class Part:
    """The pages of a drawn part. `place` gives the destination of a link inside the book by its name, `fonts` is the
    number under which the fonts of all parts will be."""

    def __init__(self, file: PdfFile, drawn: Any, pages: list[int], fonts: int) -> None:
        self._file, self._drawn = file, drawn
        self._olds: list[int] = drawn.pages["Kids"][::3]
        self._new: dict[int, int] = dict(zip(self._olds, pages, strict=True))
        self._fonts_old = [_number(each["Font"]) for each in drawn.objects if _is_resources(each)]
        self._new |= dict.fromkeys(self._fonts_old, fonts)
        self._structure = Structure(file, drawn, self._reference)

    def write_fonts(self) -> None:
        """The fonts, which the last part brings with it."""
        self._write(self._fonts_old[0], self._new[self._fonts_old[0]])

    def write(
        self, tree: int, first_key: int, place: Callable[[str], Where | None], parent: Callable[[str], int]
    ) -> tuple[list[tuple[int, int]], list[bytes]]:
        """Adds the pages under the node `tree` and their elements under those that `parent` gives, see
        Structure.write. Gives what that gives, and the entries of the parent tree, with keys from `first_key` on."""
        pages = [self._drawn.objects[old] for old in self._olds]
        # Links first, for the elements lead to them.
        links = [self._drawn.objects[_number(each)] for page in pages for each in page.get("Annots", ())]
        olds = [link["StructParent"] for link in links]
        for key, link in enumerate(links, first_key + len(pages)):
            self._write_link(link, key, place)
        elements = self._structure.write(parent)
        entries = []
        for index, page in enumerate(pages):
            owners = self._structure.owners(index)
            without_artifacts(self._drawn.objects[_number(page["Contents"])], owners)
            entries.append(b"[%b]" % b" ".join(b"%d 0 R" % owner if owner else b"null" for owner in owners))
            page["StructParents"] = first_key + index
            page.pop("Parent")  # which has its number in the file already
            data = self._translated(page.data)
            self._file.add(b"<</Parent %d 0 R%b" % (tree, data[2:]), self._new[self._olds[index]])
        entries += [b"%d 0 R" % self._structure.owner_of_link(old) for old in olds]
        return elements, entries

    def _write_link(self, link: Any, key: int, place: Callable[[str], Where | None]) -> None:
        """A link. One inside the book, which stands as `book:name`, leads to its place, whose page has its number in
        the file already."""
        link["StructParent"], link["F"] = key, _PRINTED
        target = link["A"]["URI"].string if "A" in link else ""
        ends = b""
        if target.startswith("book:"):
            del link["A"], link["Contents"]
            where = place(target.removeprefix("book:"))
            # What a screen reader says of it (ISO 14289-1, 7.18.5).
            ends = b"/Dest %b/Contents %b" % (where.destination, text(where.told)) if where else b"/Contents ()"
        self._new[link.number] = self._file.add(self._translated(link.data)[:-2] + ends + b">>")

    def _reference(self, old: bytes) -> bytes:
        return b"%d 0 R" % self._numbered(_number(old))

    def _numbered(self, old: int) -> int:
        """The number in the file; what is not there yet is written."""
        if old not in self._new:
            object_ = self._drawn.objects[old]
            if hasattr(object_, "stream") and _is_shared(object_):
                self._new[old] = self._file.add_once(self._stream(object_))
            else:
                self._new[old] = self._file.reserve()
                self._write(old, self._new[old])
        return self._new[old]

    def _write(self, old: int, number: int) -> None:
        object_ = self._drawn.objects[old]
        if hasattr(object_, "stream"):
            self._file.add_stream(self._stream(object_), number)
        else:
            self._file.add(self._translated(object_.data), number)

    def _stream(self, stream: Any) -> bytes:
        """A stream as it lies in the file."""
        if "Interpolate" in stream.extra:
            stream.extra["Interpolate"] = "false"  # ISO 19005-3, 6.2.8
        data: bytes = stream.data
        head, mark, rest = data.partition(b"\nstream\n")
        return self._translated(head) + mark + rest

    def _translated(self, data: bytes) -> bytes:
        return _REFERENCE.sub(lambda found: self._reference(found[1]) if found[1] else found[0], data)


def _is_shared(stream: Any) -> bool:
    """Whether other parts have the same one: a picture of an emoji, a colour profile."""
    return stream.extra.get("Subtype") == "/Image" or "N" in stream.extra


def _is_resources(object_: Any) -> bool:
    return isinstance(object_, dict) and "ExtGState" in object_ and "Font" in object_


def _number(reference: bytes) -> int:
    return int(reference.partition(b" ")[0])
