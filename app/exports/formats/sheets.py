"""Rows for spreadsheets: UTF-8 with a BOM, CRLF, quoted as RFC 4180 says.

A spreadsheet runs what looks like a formula: a message "=HYPERLINK(…)" would be a link of its author's on the desk of
whoever opens the file. So a cell that begins like one has an apostrophe before it. And so has what begins like one
after a comma, a semicolon, a tab or a line break within a cell: where the comma is for decimals, Excel splits a line at
its semicolons, and quotes that do not begin a piece mean nothing to it. What begins with an apostrophe gets another
one: whoever wants the text as it was takes one away wherever a cell, or what follows one of those, begins with one
(`unsafe`).
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, tzinfo
from typing import Any, get_args, get_type_hints

from app.exports.person import Picture
from app.messages.views import Author

BOM = b"\xef\xbb\xbf"
# Where a program may split a line.
_SPLITS = "[,;\t\r\n]"
# What begins a formula: = + - @, the same in full width, also behind blanks, signs that nobody sees and quotes, which
# a program may take away; and the apostrophe, so that it can be undone.
_BLANK = '[\x00-\x08\x0b\x0c\x0e- "\x7f-\xa0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]'
_FORMULA = f"(?:'|{_BLANK}*+[=+\\-@\uff1d\uff0b\uff0d\uff20])"
_BEGINS = re.compile(f"{_FORMULA}|[\t\r\n]")
_FOLLOWS = re.compile(f"{_SPLITS}(?={_FORMULA})")
_GUARDED = re.compile(f"(^|{_SPLITS})'")


def safe(text: str) -> str:
    """The text as no spreadsheet takes any of it for a formula."""
    guarded = _FOLLOWS.sub(r"\g<0>'", text) if _FOLLOWS.search(text) else text  # to look is quicker than to replace
    return f"'{guarded}" if _BEGINS.match(text) else guarded


def unsafe(cell: str) -> str:
    """What `safe` was given."""
    return _GUARDED.sub(r"\1", cell)


def cell(text: str) -> str:
    """The text as it stands in a row: harmless, and quoted."""
    return '"' + safe(text).replace('"', '""') + '"' if text else ""


def lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as they stand in the file; an empty cell is None or an empty text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def times(moment: datetime, zone: tzinfo) -> tuple[str, str]:
    """A moment in that zone, with its offset, and in UTC."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    try:
        local = utc.astimezone(zone)
    except OverflowError:  # for ever has no hours after it
        local = utc
    return local.isoformat(), utc.isoformat()[:-6] + "Z"


class Table:
    """Structs of one kind as rows: a moment is two columns, and so is somebody; a picture is none."""

    def __init__(self, kind: type[Any], zone: tzinfo) -> None:
        self._zone = zone
        self._fields = {
            name: _types(hint) for name, hint in get_type_hints(kind).items() if Picture not in _types(hint)
        }

    def head(self) -> bytes:
        names: list[str] = []
        for name, types in self._fields.items():
            if datetime in types:
                names += (name, f"{name}_utc")
            elif Author in types:
                names += (f"{name}_id", f"{name}_username", f"{name}_name")
            else:
                names.append(name)
        return lines([names])

    def rows(self, items: Iterable[Any]) -> bytes:
        return lines([self._row(item) for item in items])

    def _row(self, item: Any) -> list[Any]:
        cells: list[Any] = []
        for name, types in self._fields.items():
            value = getattr(item, name)
            if datetime in types:
                cells += times(value, self._zone) if value is not None else (None, None)
            elif Author in types:
                cells += (value.id, safe(value.username), safe(value.name)) if value is not None else (None, None, None)
            else:
                cells.append(_cell(value))
        return cells


def _types(hint: Any) -> tuple[Any, ...]:
    """Of "datetime | None" both."""
    return get_args(hint) if type(None) in get_args(hint) else (hint,)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return safe(" ".join(value))
    return value.isoformat(timespec="minutes") if isinstance(value, time) else value


class Pieces(io.RawIOBase):
    """Where a ZIP is written by somebody who cannot go back in it: what has come is taken away and written on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What has come since it was last taken."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data
