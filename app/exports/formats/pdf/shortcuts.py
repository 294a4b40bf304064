"""What WeasyPrint works out anew for each box, line and page, worked out once for each style.

All messages have the same few styles, and of each style the same lengths, the same height of a line and the same font:
without this a third of the time goes into finding out again what was known. Nothing stands in another place for it,
which tests compare. It belongs to the one version that pyproject.toml names, and to paper.css, which has no tables, no
flex, no outlines, no page of its own for an element, and no rule for left and right pages.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from weasyprint import draw, stacking
from weasyprint.draw import text
from weasyprint.formatting_structure import boxes, build
from weasyprint.layout import background, block, inline, page, percent
from weasyprint.text import line_break

from app.exports.formats.pdf.glyphs import draw_first_line
from app.exports.formats.pdf.typesetting import Layout, can_break_text, picture, strut

_SIDES = ("top", "right", "bottom", "left")
_USED = [f"{kind}_{side}" for kind in ("margin", "padding") for side in _SIDES]
_USED += [f"border_{side}_width" for side in _SIDES]
_USED += [f"{bound}{axis}" for bound in ("", "min_", "max_") for axis in ("width", "height")]
_CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
_SQUARE: dict[str, Any] = {f"border_{corner}_radius": (0, 0) for corner in _CORNERS} | {"background": None}

_resolve_percentages, _avoid_collisions = percent.resolve_percentages, inline.avoid_collisions
_is_in_normal_flow, _is_floated = boxes.Box.is_in_normal_flow, boxes.Box.is_floated
_draw_border = draw.draw_border
_layout_box_backgrounds, _PageType = background.layout_box_backgrounds, page.PageType
_set_page_type_computed_styles = page.set_page_type_computed_styles


def _resolved(box: Any, containing_block: Any) -> None:
    """The lengths of a box in what contains it."""
    if isinstance(box, boxes.PageBox):
        _resolve_percentages(box, containing_block)
        return
    is_box = isinstance(containing_block, boxes.Box)
    size = (containing_block.width, containing_block.height) if is_box else tuple(containing_block)
    kept = box.style.__dict__.setdefault("_used", {})
    used = kept.get(size)
    if used is None:
        _resolve_percentages(box, containing_block)
        kept[size] = {name: getattr(box, name) for name in _USED}
    else:
        box.__dict__.update(used)


def _in_normal_flow(box: Any) -> bool:
    kept = box.style.__dict__
    if "_in_normal_flow" not in kept:
        kept["_in_normal_flow"] = _is_in_normal_flow(box)
    return bool(kept["_in_normal_flow"])


def _floated(box: Any) -> bool:
    kept = box.style.__dict__
    if "_floated" not in kept:
        kept["_floated"] = _is_floated(box)
    return bool(kept["_floated"])


def _avoided(context: Any, box: Any, containing_block: Any, outer: bool = True) -> Any:
    """Where a line begins and how wide it is: without a float, all of what contains it."""
    if outer or context.excluded_shapes or containing_block.style["direction"] != "ltr":
        return _avoid_collisions(context, box, containing_block, outer)
    x = containing_block.content_box_x()
    return x, box.border_box_y() - box.margin_top, containing_block.width - box.margin_left - box.margin_right


def _with_background(page: Any, box: Any, get_image: Any, layout_children: bool = True, style: Any = None) -> None:
    """What is behind a box; mostly nothing."""
    kept = box.style.__dict__
    if style is None and "_bare" in kept and box is not page:
        box.__dict__.update(_SQUARE)
        for child in box.all_children():
            _with_background(page, child, get_image)
        return
    _layout_box_backgrounds(page, box, get_image, layout_children, style)
    square = all(getattr(box, name) == value for name, value in _SQUARE.items())
    if square and box.style["border_image_source"][0] == "none" == box.style["mask_border_source"][0]:
        kept["_bare"] = True


def _page_type(side: str, blank: bool, name: str, index: int, _groups: Any) -> Any:
    """A page as styles know it: of all that the sheet has no rule for, they are the same."""
    return _PageType("right", blank, name, min(index, 1), ())


def _styled_page(page_type: Any, html: Any, style_for: Any) -> None:
    if style_for(page_type) is None:
        _set_page_type_computed_styles(page_type, html, style_for)


def _dispatch_children(box: Any, *context: Any) -> Any:
    """What is drawn in its turn within a box; a box that has all of its own is not copied for it."""
    if not isinstance(box, boxes.ParentBox):
        return box
    children = [stacking._dispatch(child, *context) for child in box.children]
    if all(mine is theirs for mine, theirs in zip(children, box.children, strict=True)):
        return box
    return box.copy_with_children([child for child in children if child is not None])


def _border(stream: Any, box: Any) -> None:
    """The lines around a box; mostly none."""
    style = box.style
    kept = style.__dict__
    if "_borderless" not in kept:
        widths = [style[f"border_{side}_width"] for side in _SIDES]
        special = style["border_image_source"][0] != "none" or style["column_rule_width"]
        kept["_borderless"] = not any(widths) and not special
    if not kept["_borderless"]:
        _draw_border(stream, box)


def _as_it_is(box: Any) -> Any:
    return box


def _nothing(_stream: Any, _box: Any) -> None:
    """The outline of a box: the sheet has none."""


def _no_other_page(_before: Any, _after: Any) -> None:
    """The name of the page that begins between two boxes."""


TABLE: list[tuple[Any, str, Any]] = [
    (block, "resolve_percentages", _resolved),
    (inline, "resolve_percentages", _resolved),
    (inline, "avoid_collisions", _avoided),
    (inline, "strut", strut),
    (line_break, "strut", strut),
    (inline, "can_break_text", can_break_text),
    (line_break, "Layout", Layout),
    (text, "RasterImage", picture),
    (text, "draw_first_line", draw_first_line),
    (draw, "draw_border", _border),
    (draw, "draw_outline", _nothing),
    (boxes.Box, "is_in_normal_flow", _in_normal_flow),
    (boxes.Box, "is_floated", _floated),
    (boxes.ParentBox, "page_values", boxes.Box.page_values),
    (block, "block_level_page_name", _no_other_page),
    (build, "anonymous_table_boxes", _as_it_is),
    (build, "flex_boxes", _as_it_is),
    (build, "grid_boxes", _as_it_is),
    (page, "PageType", _page_type),
    (page, "set_page_type_computed_styles", _styled_page),
    (background, "layout_box_backgrounds", _with_background),
    (stacking, "_dispatch_children", _dispatch_children),
]


@contextmanager
def taken() -> Iterator[None]:
    """WeasyPrint takes them inside."""
    before = [(there, name, getattr(there, name)) for there, name, _mine in TABLE]
    for there, name, mine in TABLE:
        setattr(there, name, mine)
    try:
        yield
    finally:
        for there, name, original in before:
            setattr(there, name, original)
