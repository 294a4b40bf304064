"""A line as the operations of a page, see shortcuts.py: a glyph that was drawn once is looked up, not worked out.

WeasyPrint reads four numbers of each glyph through as many calls, a third of what it takes to draw. Whatever is not
plain here (a new glyph, an emoji, marks above letters, a missing font) is drawn by it as ever.
"""

import struct
from typing import Any

from weasyprint.draw import text
from weasyprint.text.ffi import FROM_UNITS, ffi, pango

_draw_first_line = text.draw_first_line
# Of a glyph of Pango: its number, its width, how far it is moved to the right and up, and a flag.
_INFO = struct.Struct("=IiiiI")
_KEEPS_FONT_SIZE = pango.pango_version() >= 14802  # as WeasyPrint asks


def draw_first_line(stream: Any, textbox: Any, text_overflow: str, block_ellipsis: str, matrix: Any) -> Any:
    """Draws a line; gives its emoji, which are drawn after it."""
    plain = text_overflow == "clip" and block_ellipsis == "none" and textbox.text.strip()
    runs = _runs(stream, textbox) if plain and _KEEPS_FONT_SIZE else None
    if runs is None:
        return _draw_first_line(stream, textbox, text_overflow, block_ellipsis, matrix)
    stream.set_text_matrix(*matrix.values)
    before, string = None, ""
    for address, drawn in runs:
        if address != before:
            if string:
                stream.show_text(string)
            before, string = address, ""
            font, size = stream._by_address[address]
            stream.set_font_size(font.hash, size)
        string += drawn
    stream.show_text(string)
    return []


def _runs(stream: Any, textbox: Any) -> list[tuple[Any, str]] | None:
    """What is drawn with one font after the other; None when something in it is not plain."""
    pango.pango_layout_set_single_paragraph_mode(textbox.pango_layout.layout, True)
    run = textbox.pango_layout.get_first_line()[0].runs[0]
    # A page draws lines that live as long as it does, and these keep their fonts: each has its address alone.
    fonts = stream.__dict__.setdefault("_by_address", {})
    found = []
    while run != ffi.NULL:
        item, run = run.data, run.next
        address = item.item.analysis.font
        if address not in fonts:
            fonts[address] = stream.add_font(address)
        font, size = fonts[address]
        if font.bitmap or font.png or font.svg or font.colr:
            return None
        drawn = _drawn(font, size, item.glyphs)
        if drawn is None:
            return None
        found.append((address, drawn))
    return found


def _drawn(font: Any, size: float, glyphs: Any) -> str | None:
    """The glyphs in hexadecimal, and between them by how much they are closer to each other than they are wide."""
    kept = font.__dict__.setdefault("_drawn", {})
    parts = []
    for glyph, width, x, y, _flag in _INFO.iter_unpack(ffi.buffer(glyphs.glyphs, glyphs.num_glyphs * _INFO.size)):
        part = kept.get((glyph, width, size))
        if part is None or x or y:
            if x or y or glyph not in font.to_unicode or glyph not in font.widths or glyph > 0xFFFF:
                return None
            # In this order, which rounds as WeasyPrint does.
            kerning = font.widths[glyph] + 0.0 - width * 1000 * FROM_UNITS / size
            part = f"{glyph:04x}>{int(kerning)}<" if kerning else f"{glyph:04x}"
            kept[glyph, width, size] = part
        parts.append(part)
    return f"<{''.join(parts)}>".removesuffix("<>")
