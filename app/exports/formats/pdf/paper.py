"""Texts as they can be printed."""

import re
import unicodedata

# What stands for a character that cannot be drawn. The attached JSON has the character itself.
STAND_IN = "\N{REPLACEMENT CHARACTER}"
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# More marks than these on one letter are a joke that no font takes.
_MOST_MARKS = 8
# A tag, which stays as it is, or the beginning of a long word.
_LONG = re.compile(r"(<[^>]*>)|([^\s<>&;\u200b]{28})")


def in_margin(time: str, bold: bool) -> str:
    """A time that begins a line in the margin, and blanks as wide as what is left of the margin: of "14:05" the width
    is known, in this font. An element of its own for it would take a fifth of all time."""
    return f"{time}\u2003\u2002" if bold else f"{time}\u2003\u2002\u2004"


def for_paper(html: str, time: str = "") -> str:
    """The HTML of a text for paper: code as a paragraph, which is what its tag can be; and the `time` at the beginning
    of the first line, which is that of a paragraph then."""
    if "<pre" in html:
        html = html.replace('<pre tabindex="0"><code>', '<p class="code">').replace("</code></pre>", "</p>")
    if time:
        html = f'<p class="timed">{time}{html.removeprefix("<p>")}'
    return few_marks(html)


def printable(html: str) -> str:
    """A piece without what does something and shows nothing, and with places to break words that are too long for a
    line: WeasyPrint breaks none that follows another element without a blank, and it would run out of the page."""
    # Blanks between boxes would be boxes too, until they are found to be empty.
    html = _CONTROLS.sub(STAND_IN, html).strip("\n").replace(">\n<p", "><p").replace("</p>\n<", "</p><")
    return _LONG.sub(lambda found: found[1] or f"{found[2]}\u200b", html)


def few_marks(text: str) -> str:
    """Without the marks above a letter that are too many: ten thousand on one letter would be one glyph."""
    if text.isascii():
        return text
    found, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            found.append(character)
    return "".join(found)


def runs_to_the_left(text: str) -> bool:
    """Whether a text is written from right to left: its first letter says so, like dir=auto on the pages."""
    if text.isascii():
        return False
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL", "L"):
            return kind != "L"
    return False
