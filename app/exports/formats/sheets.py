"""Rows for spreadsheets: UTF-8 with a BOM, CRLF, quoted as RFC 4180 says.

A spreadsheet runs what looks like a formula: a message "=HYPERLINK(…)" would be a link of its author's on the desk of
whoever opens the file. So a cell that begins like one has an apostrophe before it, and so has one that begins with an
apostrophe: whoever wants the text as it was takes one away from each cell that begins with one (`unsafe`).
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
# What begins a formula: = + - @, the same in full width, tab and line breaks, also behind blanks, which a program may
# trim away; and the apostrophe, so that it can be undone.
_FORMULA = re.compile("'|[\\s\u200b-\u200f\u2060\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def safe(text: str) -> str:
    """The text as no spreadsheet takes it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unsafe(cell: str) -> str:
    """What `safe` was given."""
    return cell.removeprefix("'")


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
                cells += (value.id, value.username, safe(value.name)) if value is not None else (None, None, None)
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
        return " ".join(value)
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
