"""Exports as whoever asked for them sees them; the JSON of the contract."""

import re
import unicodedata
from datetime import datetime
from typing import Literal
from urllib.parse import quote

import msgspec

from app.core.i18n import _
from app.core.text import headline
from app.exports.model import Format, Kind, Paper

Status = Literal["queued", "working", "ready", "failed", "cancelled", "expired"]
# Where one of these is, nothing comes any more.
ENDED = ("ready", "failed", "cancelled", "expired")
LONGEST_NAME = 120
_TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "zip": "application/zip",
}
# What separates folders, or has a meaning to some system that files are saved on.
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|%~]+')


class ExportView(msgspec.Struct, kw_only=True):
    """An export. `progress` goes from 0 to 1, and is null where nobody can say; `done` of `total` messages (or other
    entries) are in it. `from` is the first instant of it, `to` the first after it, null where it is open. `url` is
    where the file is, of `size` bytes, from when it is ready until `expires_at`; `error` says why there is none."""

    id: int
    status: Status
    progress: float | None
    done: int
    total: int | None
    kind: Kind
    conversation_id: int | None
    title: str
    format: Format
    archive: bool
    paper: Paper
    language: str
    from_: datetime | None = msgspec.field(name="from")
    to: datetime | None
    name: str
    size: int | None
    sha256: str | None
    url: str | None
    error: str | None
    asked_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None

    @property
    def under_way(self) -> bool:
        return self.status not in ENDED


class ExportsView(msgspec.Struct):
    """A page of one's exports, the latest first; `next` is the value of `before` to go on with, null at the end."""

    exports: list[ExportView]
    next: int | None


class ExportGone(msgspec.Struct):
    """What the feed tells of one that is not there any more."""

    id: int
    removed: bool = True


def suffix(kind: str, form: str, archive: bool) -> str:
    """pdf, csv, json or zip: several files, or signed ones, come in one. All of one's data as CSV is several tables."""
    return "zip" if archive or (kind == "person" and form == "csv") else form


def media_type(name: str) -> str:
    """The content type of a file of that name."""
    return _TYPES[name.rpartition(".")[2]]


def file_name(title: str, asked_at: datetime, ending: str) -> str:
    """How the file is called, in any script: nothing in it leads to another folder, hides, or turns its direction."""
    spaced = _NOT_IN_NAMES.sub(" ", headline(title, LONGEST_NAME))
    seen = "".join(c for c in spaced if unicodedata.category(c) not in ("Cf", "Co", "Cs", "Cn") or c == "\u200d")
    plain = " ".join(seen.split()).strip(". ") or "Causerie"
    while len(plain.encode()) > 180:  # of the 255 bytes that most file systems take
        plain = plain[:-1]
    return f"{plain.strip('. ')} {asked_at:%Y-%m-%d}.{ending}"


def disposition(name: str) -> str:
    """The header that says how the file is to be called (RFC 6266), in any script and for those who know only ours."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "", folded).strip()
    plain = plain if re.match(r"[A-Za-z0-9]", plain) and not plain[:4].isdecimal() else f"Causerie {plain}".strip()
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def said(failure: str | None) -> str | None:
    """Why there is no file, in the reader's language."""
    if failure is None:
        return None
    return {
        "time": _("This took too long. Choose a shorter period, or another format."),
        "memory": _("The file became too large. Choose a shorter period, or another format."),
        "room": _("There is no space for exports right now. Please try again later."),
        "access": _("You no longer have access to what it would contain."),
        "fault": _("Something went wrong on our side. The error has been logged; please try again later."),
    }[failure]
