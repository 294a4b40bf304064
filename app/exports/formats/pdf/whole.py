"""What concerns a file as a whole: what it says of itself, its bookmarks, the numbers of its pages, what is attached.

PDF/UA-1 (ISO 14289-1) and PDF/A-3a (ISO 19005-3) ask for most of it.
"""

from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import NamedTuple

from app.core.templates import iso
from app.exports.formats.pdf.book import Book, Mark
from app.exports.formats.pdf.file import PdfFile, text

PRODUCER = "Causerie, WeasyPrint"


class About(NamedTuple):
    """What a file says of itself: its language, title, author and subject, and when it was made."""

    language: str
    title: str
    author: str
    subject: str
    made_at: datetime


class Attached(NamedTuple):
    """A file in the file: its name, what it is, and the number of its stream."""

    name: str
    description: str
    number: int


async def finish(book: Book, front: int, about: About, attached: list[Attached]) -> None:
    """Ends the file: everything that is left to write, and the catalogue that leads to it all."""
    file = book.file
    count = sum(pages for _node, pages in book.nodes)
    kids = b" ".join(b"%d 0 R" % node for node, _pages in book.nodes)
    file.add(b"<</Type /Pages/Count %d/Kids [%b]>>" % (count, kids), book.tree)
    specs = [_specification(file, each) for each in attached]
    names = b" ".join(text(each.name) + b" %d 0 R" % spec for each, spec in zip(attached, specs, strict=True))
    # Roman numbers in front, then from 1 on.
    labels = b"0 <</S /r>> %d <</S /D>>" % front
    root = file.add(
        b"<</Type /Catalog/Pages %d 0 R/Lang %b/MarkInfo <</Marked true>>/ViewerPreferences <</DisplayDocTitle true>>"
        b"/PageMode /UseOutlines/PageLabels <</Nums [%b]>>/StructTreeRoot %d 0 R/Outlines %d 0 R/Metadata %d 0 R"
        b"/OutputIntents [%b]/AF [%b]/Names <</EmbeddedFiles <</Names [%b]>>>>>>"
        % (
            book.tree,
            text(about.language),
            labels,
            _structure(book),
            _outlines(file, book.marks),
            _metadata(file, about),
            _intent(file),
            b" ".join(b"%d 0 R" % spec for spec in specs),
            names,
        )
    )
    made = about.made_at.astimezone(UTC).strftime("(D:%Y%m%d%H%M%SZ)").encode()
    info = file.add(
        b"<</Title %b/Author %b/Subject %b/Producer %b/CreationDate %b/ModDate %b>>"
        % (text(about.title), text(about.author), text(about.subject), text(PRODUCER), made, made)
    )
    await file.finish(root, info)


def _structure(book: Book) -> int:
    """The root of all elements, and the tree that leads from marked content to them."""
    file = book.file
    root, document = file.reserve(), file.reserve()
    sections = [(number, kids) for number, kids in book.sections if kids]
    for number, kids in sections:
        listed = b" ".join(b"%d 0 R" % kid for kid in kids)
        file.add(b"<</Type /StructElem/S /Sect/P %d 0 R/K [%b]>>" % (document, listed), number)
    listed = b" ".join(b"%d 0 R" % number for number, _kids in sections)
    file.add(b"<</Type /StructElem/S /Document/P %d 0 R/K [%b]>>" % (root, listed), document)
    leaves = b" ".join(b"%d 0 R" % leaf for leaf, _first, _last in book.parents)
    tree = file.add(b"<</Kids [%b]>>" % leaves)
    following = book.parents[-1][2] + 1
    return file.add(
        b"<</Type /StructTreeRoot/K [%d 0 R]/ParentTree %d 0 R/ParentTreeNextKey %d>>" % (document, tree, following),
        root,
    )


def _outlines(file: PdfFile, marks: list[Mark]) -> int:
    """The bookmarks: those of the second level under the one before them of the first, folded away."""
    root = file.reserve()
    tops: list[tuple[Mark, list[Mark]]] = []
    for mark in marks:
        if mark.level == 1 or not tops:
            tops.append((mark, []))
        else:
            tops[-1][1].append(mark)
    numbers = [file.reserve() for _top in tops]
    for at, (top, unders) in enumerate(tops):
        children = [file.reserve() for _under in unders]
        for index, under in enumerate(unders):
            file.add(_bookmark(under, numbers[at], children, index), children[index])
        inner = b"/First %d 0 R/Last %d 0 R/Count -%d" % (children[0], children[-1], len(children)) if children else b""
        file.add(_bookmark(top, root, numbers, at, inner), numbers[at])
    ends = b"/First %d 0 R/Last %d 0 R" % (numbers[0], numbers[-1]) if numbers else b""
    return file.add(b"<</Type /Outlines/Count %d%b>>" % (len(tops), ends), root)


def _bookmark(mark: Mark, parent: int, row: list[int], at: int, inner: bytes = b"") -> bytes:
    before = b"/Prev %d 0 R" % row[at - 1] if at else b""
    after = b"/Next %d 0 R" % row[at + 1] if at + 1 < len(row) else b""
    return b"<</Title %b/Parent %d 0 R/Dest %b%b%b%b>>" % (text(mark.label), parent, mark.where, before, after, inner)


def _intent(file: PdfFile) -> bytes:
    """What the colours mean: sRGB."""
    profile = files("weasyprint.pdf").joinpath("sRGB2014.icc").read_bytes()
    number = file.add_stream(b"<</N 3/Length %d>>\nstream\n%b\nendstream" % (len(profile), profile))
    return (
        b"<</Type /OutputIntent/S /GTS_PDFA1/OutputConditionIdentifier (sRGB)/Info (sRGB)/DestOutputProfile %d 0 R>>"
        % (number)
    )


def _specification(file: PdfFile, attached: Attached) -> int:
    """What an attached file is: the data that the pages show (ISO 19005-3, 6.8)."""
    name, description = text(attached.name), text(attached.description)
    return file.add(
        b"<</Type /Filespec/F %b/UF %b/Desc %b/AFRelationship /Data/EF <</F %d 0 R/UF %d 0 R>>>>"
        % (name, name, description, attached.number, attached.number)
    )


def _metadata(file: PdfFile, about: About) -> int:
    """The same once more for programs (XMP), and to what the file conforms. That it is PDF/UA too is said in a form
    that PDF/A has to be told of (ISO 19005-3, 6.6.2.3)."""
    made = iso(about.made_at.astimezone(UTC))
    title, author, subject = map(escape, (about.title, about.author, about.subject))
    xmp = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<dc:language><rdf:Bag><rdf:li>{about.language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>{made}</xmp:CreateDate><xmp:ModifyDate>{made}</xmp:ModifyDate>
<pdf:Producer>{PRODUCER}</pdf:Producer>
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance><pdfuaid:part>1</pdfuaid:part>
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA Universal Accessibility Schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Indicates, which part of ISO 14289 standard is followed</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
    return file.add_stream(b"<</Type /Metadata/Subtype /XML/Length %d>>\nstream\n%b\nendstream" % (len(xmp), xmp))
