"""A conversation as PDF: all of it in its order, as pages one can read, navigate, listen to and archive."""

import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from app.core.i18n import Locale
from app.exports.formats import pdf as export
from app.exports.formats.pdf import book
from app.exports.model import CancelledExport
from tests.exports.conftest import Written
from tests.exports.transcripts import NAMES, START, Told, elements, parents, row, text_of

MARKED = re.compile(rb"/MCID (\d+)>>\s*BDC|(BDC|BMC)|(EMC)|(Tj|TJ|\bDo\b)")


def conversation() -> list[Any]:
    """Three days over two months: replies, code, edits, comings and goings, Arabic, Chinese, emoji, long lines."""
    rows: list[Any] = []
    for position in range(1, 231):
        # The first of February begins in Paris while it is still January in UTC.
        at = START + timedelta(minutes=position) + (timedelta(hours=37, minutes=50) if position > 115 else timedelta())
        special: dict[int, dict[str, Any]] = {
            7: {"body": "النص العربي هنا"},
            9: {"body": "你好，世界，欢迎来到合唱团"},
            11: {"body": "Bravo 🎉🎉 à toutes"},
            13: {"body": "```\ndef f(x):\n    return x + 1\n```\nVoilà"},
            15: {"body": "see https://example.org/a?b=1 please"},
            17: {"body": "W" * 900},
            19: {"kind": "system"},
            21: {"body": "", "deleted": True},
            23: {"body": "changed afterwards", "edited": True},
            200: {"body": "I agree with that", "answers": (5, 2, "message number 5 says this")},
        }
        more = special.get(position, {})
        body = more.pop("body", f"message number {position} says this")
        author = position // 3 % 3 + 1
        rows.append(row(position, body, at, author, before=rows[-1] if rows else None, **more))
    return rows


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    """The whole thing, laid out in several stretches."""
    out, before = Written(), book.PIECES
    book.PIECES = 90
    try:
        await export.write(Told(conversation()), out)
    finally:
        book.PIECES = before
    path = tmp_path_factory.mktemp("pdf") / "a.pdf"
    path.write_bytes(out.data)
    return path, out


@pytest.fixture(scope="module")
def opened(made: tuple[Path, Written]) -> pikepdf.Pdf:
    return pikepdf.open(made[0])


def test_every_message_is_found_once_and_in_its_order(made: tuple[Path, Written]) -> None:
    text = text_of(made[0])
    numbers = [int(each) for each in re.findall(r"^(?:\d\d:\d\d\s+)?message number (\d+) says this$", text, re.M)]
    others = {7, 9, 11, 13, 15, 17, 19, 21, 23, 200}
    assert numbers == [number for number in range(1, 231) if number not in others]
    for each in ("你好，世界，欢迎来到合唱团", "Bravo 🎉🎉 à toutes", "return x + 1", "This message was deleted."):
        assert each in text, each
    assert text.count("W") == 900
    assert "Ada Admin joined." in text or "王芳 joined." in text or "مريم" in text


def test_arabic_reads_in_its_order(made: tuple[Path, Written]) -> None:
    """Without lam-alef: pdftotext turns the letters of that ligature around."""
    assert "النص العربي هنا" in re.sub(r"[\u202a-\u202e\u200e\u200f]", "", text_of(made[0]))


def test_progress_is_told_and_ends_with_all_of_them(made: tuple[Path, Written]) -> None:
    assert made[1].messages == 230


def test_the_title_page_says_what_of_whom_and_when(made: tuple[Path, Written]) -> None:
    first = text_of(made[0], "-l", "1", "-layout")
    for each in (
        "La chorale",
        "230",
        "Ada Admin (@user1)",
        "Europe/Paris (UTC+02:00",
        "talk.example.org/conversations/7",
    ):
        assert each in first, each
    assert "Members (3)" in first and NAMES[3] in first


def test_days_stand_once_above_their_messages_and_months_in_the_contents(opened: pikepdf.Pdf) -> None:
    with opened.open_outline() as outline:
        found = {item.title: [under.title for under in item.children] for item in outline.root}
    assert found == {
        "January 2026": ["Friday, 30 January 2026"],
        "February 2026": ["Sunday, 1 February 2026"],
    }
    assert [str(each.S) for each in elements(opened)].count("/H2") == 2


def test_the_contents_lead_to_the_pages_that_they_name(made: tuple[Path, Written], opened: pikepdf.Pdf) -> None:
    contents = text_of(made[0], "-f", "2", "-l", "2", "-layout")
    pages = [int(each) for each in re.findall(r"2026\s+(\d+)", contents)]
    assert pages[0] == 1 and len(pages) == 2
    links = [each for each in opened.pages[1].Annots if "/Dest" in each]
    there = [opened.pages.index(pikepdf.Page(each.Dest[0])) for each in links]
    assert there == [page + 1 for page in pages], "two pages stand before the first"
    assert "February 2026" in text_of(made[0], "-f", str(there[1] + 1), "-l", str(there[1] + 1))


def test_pages_are_numbered_on_over_all_stretches(made: tuple[Path, Written], opened: pikepdf.Pdf) -> None:
    for index in range(2, len(opened.pages)):
        text = text_of(made[0], "-f", str(index + 1), "-l", str(index + 1), "-layout")
        assert re.search(rf"Times: Europe/Paris\s+{index - 1}\s*$", text), index
    labels = opened.Root.PageLabels.Nums
    assert [str(labels[1].S), int(labels[2]), str(labels[3].S)] == ["/r", 2, "/D"]


def test_no_page_but_the_last_ends_early(made: tuple[Path, Written], opened: pikepdf.Pdf) -> None:
    """Stretches are no chapters: their last pages are laid out anew with what follows."""
    for index in range(3, len(opened.pages) - 1):
        lines = text_of(made[0], "-f", str(index), "-l", str(index)).splitlines()
        assert len([line for line in lines if line]) > 30, index


def test_a_reply_leads_to_what_it_answers_on_an_earlier_page(made: tuple[Path, Written], opened: pikepdf.Pdf) -> None:
    links = [each for page in opened.pages[2:] for each in page.get("/Annots", []) if "/Dest" in each]
    assert len(links) == 1
    page = opened.pages.index(pikepdf.Page(links[0].Dest[0]))
    assert "message number 5 says this" in text_of(made[0], "-f", str(page + 1), "-l", str(page + 1))
    said = [line for line in text_of(made[0]).splitlines() if "In reply to" in line]
    assert len(said) == 1 and NAMES[2] in said[0] and "message number 5 says this" in said[0]


def test_a_link_of_a_text_leads_outside_and_nothing_of_the_page_is_left(made: tuple[Path, Written]) -> None:
    raw = pikepdf.open(made[0])
    links = [each for page in raw.pages for each in page.get("/Annots", []) if "/A" in each]
    assert [str(each.A.URI) for each in links] == ["https://example.org/a?b=1"]
    text = text_of(made[0])
    assert not any(word in text for word in ("Seen by", "\nReply\n", "\nDelete\n"))


def test_an_edit_says_when(made: tuple[Path, Written]) -> None:
    assert "edited · 30 Jan 2026, 10:25" in text_of(made[0])


def test_the_file_is_whole_and_says_what_it_conforms_to(opened: pikepdf.Pdf) -> None:
    assert opened.check_pdf_syntax() == []
    root = opened.Root
    assert bool(root.MarkInfo.Marked) and bool(root.ViewerPreferences.DisplayDocTitle) and str(root.Lang) == "en"
    with opened.open_metadata() as about:
        assert (about["pdfaid:part"], about["pdfaid:conformance"], about["pdfuaid:part"]) == ("3", "A", "1")
        assert about["dc:title"] == "La chorale" == str(opened.docinfo["/Title"])
    assert str(root.OutputIntents[0].S) == "/GTS_PDFA1"
    assert all("/FontFile2" in font for font in _descriptors(opened))


def _descriptors(pdf: pikepdf.Pdf) -> list[Any]:
    return [
        each for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/FontDescriptor"
    ]


def test_everything_that_is_drawn_is_tagged_or_an_artifact(opened: pikepdf.Pdf) -> None:
    """ISO 14289-1, 7.1: whoever listens to it hears all of it, and the running title on no page."""
    tree, reachable = parents(opened), {each.objgen for each in elements(opened)}
    for page in opened.pages:
        owners = list(tree[int(page.StructParents)])
        depth, marked, drawn = 0, set(), 0
        for number, begin, end, draws in MARKED.findall(page.Contents.read_bytes()):
            depth += bool(number or begin) - bool(end)
            if number:
                marked.add(int(number))
            if draws:
                drawn += 1
                assert depth > 0, "something is drawn outside of all marks"
        assert drawn and depth == 0
        for number in marked:
            assert owners[number] is not None and owners[number].objgen in reachable
        for link in page.get("/Annots", []):
            assert tree[int(link.StructParent)].objgen in reachable
            assert link.get("/Contents") is not None and int(link.F) == 4


def test_each_message_is_an_article_of_paragraphs(opened: pikepdf.Pdf) -> None:
    """A message that goes over two pages is one on each, as the content of a page is the page's own."""
    found = elements(opened)
    assert len([each for each in found if each.S == "/Art"]) in (230, 231)
    assert {str(each.S) for each in found} <= {
        "/Document", "/Sect", "/H1", "/H2", "/P", "/Art", "/Link", "/TOC", "/TOCI", "/Reference",
    }  # fmt: skip
    for each in found[1:]:
        assert each.P is not None and each.get("/K") is not None


def test_the_json_of_the_same_is_attached(opened: pikepdf.Pdf) -> None:
    spec = opened.Root.AF[0]
    assert str(spec.AFRelationship) == "/Data" and str(spec.UF) == "conversation-7.json"
    data = opened.attachments["conversation-7.json"].get_file().read_bytes()
    found = json.loads(data)["messages"]
    assert [each["position"] for each in found] == list(range(1, 231))
    assert int(spec.EF.F.Params.Size) == len(data)


@pytest.mark.parametrize(("language", "paper", "word", "size"), [("fr", "letter", "Messages", (612, 792))])
async def test_it_speaks_french_on_letter_paper(
    language: str, paper: str, word: str, size: tuple[int, int], tmp_path: Path
) -> None:
    out = Written()
    rows = [row(1, "Bonjour à tous, ça va ?"), row(2, kind="system")]
    await export.write(Told(rows, Locale(language, "America/Montreal"), paper=paper), out)
    made = pikepdf.open(io.BytesIO(out.data))
    assert tuple(round(float(each)) for each in made.pages[0].MediaBox[2:]) == size
    path = tmp_path / "fr.pdf"
    path.write_bytes(out.data)
    text = text_of(path)
    assert "vendredi 30 janvier 2026" in text and "04:01" in text and "Ada Admin a rejoint" in text
    assert str(made.Root.Lang) == "fr"


async def test_who_wrote_it_is_said_again_when_what_stood_between_is_not_of_the_range(tmp_path: Path) -> None:
    """A clock was set back meanwhile."""
    one = row(1, "from Ada")
    two = row(2, "of another time", START + timedelta(days=9), author=3)
    three = row(3, "from Fang", START + timedelta(minutes=3), author=3, before=two)
    four = row(4, "of another time too", START + timedelta(days=9), author=1, before=three)
    five = row(5, "from Fang again", START + timedelta(minutes=5), author=3, before=four)
    text = await _text(Told([one, three, five]), tmp_path)
    told = text[text.index("Ada Admin\nfrom Ada") :]
    assert told.index(NAMES[3]) < told.index("from Fang")
    assert told.count(NAMES[3]) == 1, "what follows is still under their name"


async def test_a_reply_leads_nowhere_when_what_it_answers_is_not_of_the_range(tmp_path: Path) -> None:
    rows = [
        row(2, "the first of the range"),
        row(4, "an answer to another time", answers=(3, 2, "of another time")),
        row(5, "an answer to an earlier one", answers=(1, 2, "earlier")),
        row(6, "an answer to the first", answers=(2, 1, "the first of the range")),
        row(7, "an answer to the next", answers=(4, 1, "an answer to another time")),
    ]
    assert (await _text(Told(rows), tmp_path)).count("In reply to") == 4
    made = pikepdf.open(tmp_path / "a.pdf")
    assert [("/Dest" in each, str(each.Contents)) for each in made.pages[-1].Annots] == [(True, "Page 1")] * 2


async def _text(told: Told, folder: Path) -> str:
    out, path = Written(), folder / "a.pdf"
    await export.write(told, out)
    path.write_bytes(out.data)
    return text_of(path)


async def test_a_range_without_messages_is_a_title_page() -> None:
    out = Written()
    await export.write(Told([]), out)
    made = pikepdf.open(io.BytesIO(out.data))
    assert len(made.pages) == 1 and made.check_pdf_syntax() == []


async def test_it_stops_between_two_stretches_when_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "PIECES", 40)
    out = Written(cancel_after=1)
    with pytest.raises(CancelledExport):
        await export.write(Told([row(position, "x") for position in range(1, 200)]), out)
    assert out.messages < 100
