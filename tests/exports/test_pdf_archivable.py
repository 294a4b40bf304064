"""PDF/A-3: a validator that is not ours looks at every object of a file.

It is pikepdf's, with the rules that veraPDF has for level B, and it denies whatever it does not know. So what it denies
of ours is listed here, each with the reason why it is allowed; anything else is a fault.
"""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
import pytest
from pikepdf import pdfa

from app.exports import person
from app.exports.formats import pdf as export
from tests.conftest import Cast
from tests.exports import test_pdf, test_pdf_hostile
from tests.exports.conftest import INSTANCE, Written, order

talk = test_pdf.made
asked = test_pdf_hostile.asked
hostile = test_pdf_hostile.made
ALLOWED = {
    # The metadata describe the properties of PDF/UA, as they must: ISO 19005-3, 6.6.2.3.3.
    "XMP namespace pdfaExtension=http://www.aiim.org/pdfa/ns/extension/ is not permitted",
    "XMP namespace pdfaSchema=http://www.aiim.org/pdfa/ns/schema# is not permitted",
    "XMP namespace pdfaProperty=http://www.aiim.org/pdfa/ns/property# is not permitted",
    "XMP property pdfaExtension:schemas is not permitted",
    "XMP property pdfuaid:part is not permitted",
    # Level A has all of B, and tags.
    "pdfaid:conformance is 'A', expected 'B'",
    # Each page names none of either.
    "patterns are not supported",
    "shadings are not supported",
}


def objections(file: io.BytesIO) -> list[str]:
    """What it finds beside what is allowed."""
    with pikepdf.open(file) as opened:
        for page in opened.pages:
            assert not page.Resources.get("/Pattern") and not page.Resources.get("/Shading")
    file.seek(0)
    # The sum of the attached file is known when that has gone by, so it stands in an object of its own.
    return [
        str(each)
        for each in pdfa.validate_written(file, "3b").findings
        if each.message not in ALLOWED and "/CheckSum: '" not in f"{each.where}: {each.message}"
    ]


def test_a_transcript_is_archivable(talk: tuple[Path, Written]) -> None:
    assert objections(io.BytesIO(talk[1].data)) == []


def test_one_of_what_was_written_to_do_harm_is_too(hostile: Path) -> None:
    assert objections(io.BytesIO(hostile.read_bytes())) == []


async def test_so_is_all_that_one_has(cast: Cast) -> None:
    await cast.say(cast.olive, "see https://example.org 🎉")
    out = Written()
    async with person.opened(order(cast.olive, None, format="pdf"), INSTANCE) as data:
        await export.write_person(data, out)
    assert objections(io.BytesIO(out.data)) == []


@pytest.mark.parametrize("missing", ["OutputIntents", "Metadata", "FontFile2"])
def test_a_file_that_is_not_is_found(talk: tuple[Path, Written], missing: str) -> None:
    changed = io.BytesIO()
    with pikepdf.open(talk[0]) as opened:
        if missing == "FontFile2":
            for each in opened.objects:
                if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/FontDescriptor":
                    del each["/FontFile2"]
        else:
            del opened.Root[f"/{missing}"]
        opened.save(changed)
    assert objections(changed)
