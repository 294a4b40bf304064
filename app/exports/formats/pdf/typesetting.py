"""Lines of text and pictures of emoji, as WeasyPrint has them made: once, where it would do it two or three times.

See shortcuts.py, which puts this in the place of what it has.
"""

from functools import lru_cache
from io import BytesIO
from typing import Any

import pydyf
from PIL import Image
from weasyprint.images import RasterImage
from weasyprint.text import line_break
from weasyprint.text.constants import PANGO_DIRECTION
from weasyprint.text.ffi import ffi, gobject, pango, unicode_to_char_p
from weasyprint.text.fonts import font_features, get_font_description

_FEATURES = ["kerning", "variant_ligatures", "variant_position", "variant_caps", "variant_numeric"]
_FEATURES += ["variant_alternates", "variant_east_asian", "feature_settings"]
# What ends a paragraph, for Pango.
_ENDS = frozenset("\n\r\u2028\u2029")
# So many pictures are kept; the largest have some ten kilobytes.
_PICTURES = 300

_strut, _can_break_text = line_break.strut, line_break.can_break_text


def strut(style: Any) -> tuple[float, float]:
    """The height of a line and its baseline."""
    found: tuple[float, float] | None = style.__dict__.get("_strut")
    if found is None:
        found = style._strut = _strut(style)
    return found


def can_break_text(text: str, language: str | None) -> bool:
    """Whether a line can end within a text; mostly asked of the two letters where two elements meet."""
    return _can_break_between(text, language) if len(text) == 2 else bool(_can_break_text(text, language))


@lru_cache(maxsize=10_000)
def _can_break_between(pair: str, language: str | None) -> bool:
    return bool(_can_break_text(pair, language))


class Layout(line_break.Layout):  # type: ignore[misc]
    """A line as Pango sets it, from when it is laid out until it is drawn, which would otherwise set it once more."""

    def setup(self, style: Any) -> None:
        made = style.__dict__.get("_pango")
        if made is None:
            made = style._pango = _prepared(style)
        if not made:
            super().setup(style)
            return
        self.style, self.first_line_direction = style, 0
        context, description, self.language, attributes = made
        self.layout = ffi.gc(pango.pango_layout_new(context), gobject.g_object_unref)
        pango.pango_layout_set_auto_dir(self.layout, False)
        pango.pango_layout_set_font_description(self.layout, description)
        if attributes is not None:
            pango.pango_layout_set_attributes(self.layout, attributes)
        self.ascent = self.underline_position = self.strikethrough_position = None
        self.underline_thickness = self.strikethrough_thickness = None

    def set_text(self, text: str, justify: bool = False) -> None:
        # Drawing asks for this; asked for now, nothing has to be set again then.
        pango.pango_layout_set_single_paragraph_mode(self.layout, _ENDS.isdisjoint(text))
        if not self.style._pango or "\n" in text or "\t" in text:
            super().set_text(text, justify)
            return
        self.text = text
        data = text.encode().replace(b"\0", b"")
        pango.pango_layout_set_text(self.layout, data, len(data))

    def deactivate(self) -> None:
        """It is still needed."""

    def reactivate(self, style: Any) -> None:
        if style is not self.style:
            super().reactivate(style)


def _prepared(style: Any) -> tuple[Any, ...] | bool:
    """What all lines of a style have in common; False of a style that has something special."""
    features = font_features(*(style[f"font_{name}"] for name in _FEATURES))
    special = style["text_decoration_line"] != "none" or style["font_language_override"] != "normal"
    if special or features or style["word_spacing"] or style["letter_spacing"] != "normal" or not style["lang"]:
        return False
    context = ffi.gc(pango.pango_font_map_create_context(style.font_config.font_map), gobject.g_object_unref)
    pango.pango_context_set_round_glyph_positions(context, False)
    pango.pango_context_set_base_dir(context, PANGO_DIRECTION[style["direction"]])
    pointer, _bytes = unicode_to_char_p(style["lang"])
    language = pango.pango_language_from_string(pointer)
    pango.pango_context_set_language(context, language)
    attributes = None
    if style["overflow_wrap"] in ("anywhere", "break-word"):
        attributes = ffi.gc(pango.pango_attr_list_new(), pango.pango_attr_list_unref)
        attribute = pango.pango_attr_insert_hyphens_new(False)
        attribute.start_index, attribute.end_index = 0, 0xFFFFFFFF
        pango.pango_attr_list_change(attributes, attribute)
    return context, get_font_description(style), language, attributes


class _Picture(RasterImage):  # type: ignore[misc]
    """The picture of an emoji, packed once for all parts."""

    _made: Any = None

    def get_x_object(self, interpolate: bool, dpi_ratio: float) -> Any:
        if self._made is None:
            self._made = super().get_x_object(interpolate, dpi_ratio)
        return _copied(self._made)


def _copied(stream: Any) -> Any:
    """The same once more, for another part gives it another number."""
    extra = pydyf.Dictionary(stream.extra)
    if "SMask" in extra:
        extra["SMask"] = _copied(extra["SMask"])
    return pydyf.Stream(stream.stream, extra)


def picture(_opened: Any, name: str, data: bytes) -> _Picture:
    """The picture of an emoji that a font has as PNG."""
    return _picture(name, data)


@lru_cache(maxsize=_PICTURES)
def _picture(name: str, data: bytes) -> _Picture:
    return _Picture(Image.open(BytesIO(data)), name, data)
