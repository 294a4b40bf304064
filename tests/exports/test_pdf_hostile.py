"""Texts that mean harm: nothing is fetched, nothing breaks, nothing runs out of the page."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from app.exports.formats import pdf as export
from app.exports.formats.pdf.paper import few_marks, for_paper, printable, runs_to_the_left
from app.exports.formats.pdf.press import css_string
from tests.exports.conftest import Written
from tests.exports.transcripts import Told, row, text_of

TITLE = 'x"; } @page { size: 10cm } </title><img src=file:///etc/passwd> \\ {{ 7*7 }}'


@pytest.fixture(scope="module")
def asked() -> Iterator[list[str]]:
    """The addresses that anything asked of a server beside us; its own is the first."""
    found: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.append(self.path)
            self.send_response(404)
            self.end_headers()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.append(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
async def made(asked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = asked[0]
    bodies = [
        f"<img src={here}/img.png> ![x]({here}/md.png)",
        "<link rel=attachment href=file:///etc/passwd> [a](file:///etc/passwd) file:///etc/passwd",
        f"<style>* {{ background: url({here}/css) }}</style> </style></p></article>@import '{here}/i'",
        f"<object data={here}/o></object><iframe src={here}/f></iframe><svg><image href={here}/s></svg>",
        "a" + "\N{COMBINING DIAERESIS}" * 10_000,
        "\u202eevil\u2066\u2067\u200f unbalanced",
        "**bold**" + "W" * 1500,
        "`" + "x" * 600 + "`",
        "```\n" + "y" * 700 + "\n```",
        "https://example.org/" + "z" * 900,
        "bell\x07 escape\x1b[31m and \x01",
        "नमस्ते दुनिया",
        "\ue000 \U000f0000 \ufffe",
        "(1 0 R) 5 0 obj endstream endobj %%EOF \\( \\) <feff>",
        f"{here}/(1 0 R) [x]({here}/a(5 0 R)b)",
    ]
    rows: list[Any] = []
    for position, body in enumerate(bodies, 1):
        rows.append(row(position, body, before=rows[-1] if rows else None))
    rows.append(row(99, "the end", author=2))
    out = Written()
    await export.write(Told(rows, title=TITLE), out)
    path = tmp_path_factory.mktemp("hostile") / "a.pdf"
    path.write_bytes(out.data)
    return path


def test_nothing_is_fetched(made: Path, asked: list[str]) -> None:
    assert len(asked) == 1, asked
    assert "root:" not in text_of(made)
    with pikepdf.open(made) as opened:
        assert list(opened.attachments) == ["conversation-7.json"]
        leads = [str(each.A.URI) for page in opened.pages for each in page.get("/Annots", []) if "/A" in each]
    assert leads and all(each.startswith("http") for each in leads)


def test_the_file_is_whole_whatever_was_written(made: Path) -> None:
    with pikepdf.open(made) as opened:
        assert opened.check_pdf_syntax() == []
        assert [round(float(each)) for each in opened.pages[0].MediaBox] == [0, 0, 595, 842]
        assert str(opened.docinfo["/Title"]) == TITLE
    text = text_of(made).replace("\n", "")
    for each in ("</style></p></article>", "(1 0 R) 5 0 obj endstream endobj %%EOF", "the end"):
        assert each in text, each


def test_long_words_stay_within_the_page(made: Path) -> None:
    """Also after another element, where WeasyPrint would not break them."""
    text = text_of(made)
    assert text.count("W") >= 1500 and text.count("x" * 10) and text.count("y") > 700 and text.count("z") >= 900


def test_what_no_font_has_is_a_sign_and_the_title_page_says_so(made: Path) -> None:
    text = text_of(made)
    assert "\N{REPLACEMENT CHARACTER}" * 5 in text
    assert "No font on this server has these characters" in text and "U+0928" in text
    assert "bell\N{REPLACEMENT CHARACTER}" in text


def test_ten_thousand_marks_on_one_letter_are_a_few() -> None:
    assert len(few_marks("a" + "\u0308" * 10_000 + "b\u0308")) == 11
    assert few_marks("שָׁלוֹם") == "שָׁלוֹם"


def test_the_first_letter_says_in_which_direction_a_text_runs() -> None:
    assert [runs_to_the_left(each) for each in ("abc", "12 سلام abc", "é سلام", "", "!?")] == [
        False, True, False, False, False,
    ]  # fmt: skip


def test_long_words_are_broken_and_tags_are_not() -> None:
    made = printable(f'<a href="{"u" * 90}">{"v" * 60}</a> short')
    assert "u" * 90 in made and made.count("\u200b") == 2


def test_the_time_stands_in_the_first_line_and_code_is_a_paragraph() -> None:
    assert for_paper("<p>a</p>", "10:01 ") == '<p class="timed">10:01 a</p>'
    assert for_paper('<pre tabindex="0"><code>a</code></pre>') == '<p class="code">a</p>'


def test_a_title_is_a_string_of_css_and_nothing_else() -> None:
    assert css_string('a"} b\n') == '"a\\22 \\7d  b\\a "'
