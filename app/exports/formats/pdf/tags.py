"""The structure of a drawn part: what WeasyPrint makes for each box, without what says nothing.

It writes an element for every box and every line. Of a message a reader needs the message, its paragraphs and its
links: the marked content of all that is smaller is given to these. That is a quarter of the objects, and what a screen
reader says is no longer broken up by boxes. What belongs to no element is repeated on each page (title, page number)
and becomes an artifact (ISO 14289-1, 7.1).
"""

from collections.abc import Callable
from typing import Any

from app.exports.formats.pdf.file import PdfFile

# Boxes without a meaning of their own.
_FOLDED = {"/NonStruct", "/Span", "/Div"}
# Lists are made for the table of contents alone.
_ROLES = {"/L": "/TOC", "/LI": "/TOCI", "/LBody": "/Reference"}
_PAGINATION = b"<</Type /Pagination>>"


class Structure:
    """The elements of one part on their way into the file. `translate` gives the new reference of an old object."""

    def __init__(self, file: PdfFile, drawn: Any, translate: Callable[[bytes], bytes]) -> None:
        self._file, self._drawn, self._translate = file, drawn, translate
        # Which element of the file has what an element of the part had.
        self._owner: dict[int, int] = {}
        root = drawn.objects[_number(drawn.catalog["StructTreeRoot"])]
        self._document = drawn.objects[_number(root["K"][0])]
        self._nums = drawn.objects[_number(root["ParentTree"])]["Nums"]

    def write(self, parent: Callable[[str], int]) -> list[tuple[int, int]]:
        """Adds the elements. `parent` gives, for what each of the uppermost ones is, the element of the file that it
        belongs to. Gives pairs of that one and the one that was added, in their order."""
        found = []
        for element in map(self._object, self._document["K"]):
            above = parent(_ROLES.get(element["S"], element["S"]))
            found.append((above, self._add(element, above)))
        return found

    def owners(self, page: int) -> list[int]:
        """The elements that have the marked content of a page, by its number; 0 of what is an artifact."""
        return [self._owner.get(_number(reference), 0) for reference in self._nums[2 * page + 1]]

    def owner_of_link(self, key: int) -> int:
        """The element that has an annotation, by the key that it had in the part."""
        return self._owner.get(_number(self._nums[2 * key + 1]), 0)

    def _add(self, element: Any, parent: int) -> int:
        number = self._file.reserve()
        kids = b" ".join(self._kids(element, number))
        page = self._translate(element["Pg"])
        role = _ROLES.get(element["S"], element["S"]).encode()
        self._file.add(b"<</Type /StructElem/S %b/P %d 0 R/Pg %b/K [%b]>>" % (role, parent, page, kids), number)
        return number

    def _kids(self, element: Any, number: int) -> list[bytes]:
        """What is in it: marked content, annotations and elements; what it takes over from folded ones too."""
        self._owner[element.number] = number
        found: list[bytes] = []
        for kid in element["K"]:
            if isinstance(kid, int):
                found.append(b"%d" % kid)
                continue
            inner = self._object(kid)
            if inner["Type"] == "/OBJR":
                there, page = self._translate(inner["Obj"]), self._translate(inner["Pg"])
                found.append(b"<</Type /OBJR/Obj %b/Pg %b>>" % (there, page))
            elif inner["S"] in _FOLDED:
                found += self._kids(inner, number)
            elif inner["K"]:
                found.append(b"%d 0 R" % self._add(inner, number))
        return found

    def _object(self, reference: bytes) -> Any:
        return self._drawn.objects[_number(reference)]


def without_artifacts(stream: Any, owners: list[int]) -> None:
    """Marks as an artifact what no element of the page has."""
    artifacts = {mcid for mcid, owner in enumerate(owners) if not owner}
    operations = stream.stream
    for at, properties in enumerate(operations):
        if isinstance(properties, dict) and properties.get("MCID") in artifacts:
            operations[at - 1], operations[at] = "/Artifact", _PAGINATION


def _number(reference: bytes) -> int:
    return int(reference.partition(b" ")[0])
