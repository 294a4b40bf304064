"""WeasyPrint as exports use it: our style sheet and nothing else, parsed once; one set of fonts for the whole book."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import XML, Element, ParseError

from cssselect2 import ElementWrapper
from weasyprint import CSS, DEFAULT_OPTIONS, HTML, Document
from weasyprint.pdf import generate_pdf
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from app.core.templates import STATIC
from app.exports.formats.pdf.paper import STAND_IN
from app.exports.formats.pdf.shortcuts import taken
from app.exports.model import Paper

_SHEET = STATIC / "css" / "paper.css"
_BLOCKS = """
    html, body, article, div, h1, h2, p, ol, li { display: block }
    head, title { display: none }
    b, strong { font-weight: bold }
    em, i { font-style: italic }
    s { text-decoration: line-through }
    h1, h2 { font-weight: bold; bookmark-label: content(text) }
    a { link: attr(href) }
"""
_SIZES: dict[Paper, str] = {"a4": "A4", "letter": "letter"}
# Tags, and colours that mean the same on every screen, as PDF/UA and PDF/A want them. The rest of what they want is of
# the whole file: see whole.py.
_OPTIONS = {**DEFAULT_OPTIONS, "pdf_tags": True, "pdf_version": "1.7", "output_intent": "srgb"}


class _Html(HTML):  # type: ignore[misc]
    """A document without what browsers say of elements that none of ours has: six hundred rules, tried for each."""

    sheet: CSS

    def __init__(self, source: str, fetcher: URLFetcher) -> None:
        tree = _tree(source)
        if tree is None:
            super().__init__(string=source, url_fetcher=fetcher)
            return
        self.base_url, self.url_fetcher, self.media_type = "", fetcher, "print"
        self.wrapper_element = ElementWrapper.from_html_root(tree, content_language=None)
        self.etree_element = tree

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:
        return [self.sheet]


def _tree(source: str) -> Element | None:
    """The elements of HTML that is XML as well, as ours is but for the two things that differ here: what a browser does
    to read it takes a tenth of all time. None when something in it is no XML."""
    try:
        return XML(source.replace("<br>", "<br/>").replace("&nbsp;", "\N{NO-BREAK SPACE}"))
    except (ParseError, UnicodeEncodeError):
        return None


class _Fonts(dict[Any, Any]):
    """The fonts of all parts. Only the last part has them written: each part for itself would cut its own piece out of
    each font, which takes a tenth of the time and half of the file."""

    written = False

    def values(self) -> Any:
        return super().values() if self.written else ()


class Press:
    """Lays out and draws the parts of one book."""

    def __init__(self, language: str, paper: Paper, head: str, foot: str) -> None:
        logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # texts of strangers break its rules all day
        self._language = language
        # Whatever a text names is not looked at: neither the web nor the files of this machine.
        self._fetcher = URLFetcher(allowed_protocols=[])
        self._fonts = _Fonts()
        self._font_config = FontConfiguration()
        margins = f"@top-left {{ content: {css_string(head)} }} @bottom-left {{ content: {css_string(foot)} }}"
        page = f"@page {{ size: {_SIZES[paper]}; {margins} }}"
        self._sheets = [self._css(_SHEET.read_text()), self._css(page)]
        _Html.sheet = self._css(_BLOCKS)
        self._unavailable: dict[int, str] = {}

    def lay(self, body: str, css: str = "", kind: str = "body") -> Document:
        """The pages of a part. `css` is added for it alone."""
        source = f'<html lang="{self._language}" class="{kind}"><head><title>-</title></head><body>{body}</body></html>'
        html = _Html(source.translate(self._unavailable) if self._unavailable else source, self._fetcher)
        with taken():
            return html.render(stylesheets=[*self._sheets, self._css(css)], font_config=self._font_config)

    def draw(self, document: Document, last: bool = False) -> Any:
        """The pages as objects of pydyf. The `last` part brings the fonts of all."""
        document.fonts = self._fonts
        self._fonts.written = last
        with taken():
            drawn = generate_pdf(document, None, 1, **_OPTIONS)
        self._fonts.written = False
        return drawn

    def lacking(self) -> bool:
        """Whether characters were drawn that no font has. From now on STAND_IN is drawn in their place: so draw anew.

        A glyph that is in no font would be an empty box without a meaning, and no PDF/A."""
        before = len(self._unavailable)
        for font in dict.values(self._fonts):
            for code, glyph in font.missing.items():
                self._unavailable[code] = STAND_IN
                font.to_unicode.pop(glyph, None)
                font.widths.pop(glyph, None)
            font.missing.clear()
        return len(self._unavailable) > before

    @property
    def unavailable(self) -> str:
        """The characters for which STAND_IN stands."""
        return "".join(map(chr, sorted(self._unavailable)))

    def _css(self, source: str) -> CSS:
        return CSS(string=source, font_config=self._font_config, url_fetcher=self._fetcher)


def places(page: Any) -> dict[str, tuple[float, float]]:
    """Where on a page each element stands that has a name in `data-place`.

    It is no `id`, for each of these would be a rule of its own: no two messages would have the same style, and to find
    out every style anew takes a third of all time."""
    found: dict[str, tuple[float, float]] = {}
    for body in page._page_box.children[0].children:
        for box in body.children:
            name = box.element.get("data-place") if box.element is not None else None
            if name:
                found.setdefault(name, (box.border_box_x(), box.border_box_y()))
    return found


def css_string(value: str) -> str:
    """A text as a string of CSS, whatever is in it."""
    return '"' + "".join(c if c.isalnum() or c in " -.,:" else f"\\{ord(c):x} " for c in value) + '"'


@contextmanager
def without_pauses() -> Iterator[None]:
    """No search for cycles inside: layout makes a million objects that all live until the part is drawn, and to look
    through them again and again takes a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    gc.freeze()  # what was there before is not looked through afterwards either
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        if enabled:
            gc.enable()
