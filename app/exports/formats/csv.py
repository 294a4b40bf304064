"""CSV for spreadsheets, one row a message; see `sheets` for how it is written and what a cell may not do.

Times are in the time zone that was chosen, and once more in UTC. By their ids, rows can be joined: `reply_to` is the
`id` of another one.
"""

import zipfile
from datetime import datetime, tzinfo
from typing import Any

from app.exports.entries import Entry, entries
from app.exports.formats import sheets
from app.exports.formats.json import counted
from app.exports.formats.sheets import cell
from app.exports.model import Out, Source
from app.exports.person import LISTS, STREAMS, PersonData, Profile, Settings

# The columns of a conversation. They stay: new ones come at the end, and a version that has nothing to put into one
# leaves it empty.
COLUMNS = {
    "id": "of the message; `reply_to` names it",
    "conversation_id": "of the conversation",
    "position": "its place there, from 1 on, without a gap",
    "created_at": "when it was sent, by the clock of the time zone that was chosen",
    "created_at_utc": "the same in UTC",
    "kind": "text, or system for what happened",
    "event": "of what happened: joined, renamed, …",
    "author_id": "of whoever wrote or did it",
    "author_username": "what they are called now",
    "author_name": "their name now",
    "subject_username": "to whom it happened",
    "subject_name": "their name",
    "body": "the text; of what happened, in words; of a deleted message nothing",
    "reply_to": "the id of the message that it answers",
    "reply_to_username": "whose that is",
    "reply_to_text": "how it begins",
    "edited_at": "when it was last changed",
    "edited_at_utc": "the same in UTC",
    "deleted_at": "when it was deleted",
    "deleted_at_utc": "the same in UTC",
    "of_team": "true: an answer of the staff to what somebody asked",
    "mentions": "the usernames of whom it names, with spaces between",
    "mentions_all": "true: it is to everyone there",
    "reactions": "empty until there are any",
    "attachments": "empty until there are any",
}


async def write(source: Source, out: Out) -> None:
    """A conversation."""
    rows = _Rows(source.head.conversation_id, source.head.order.locale.zone)
    await out.write(sheets.BOM + sheets.lines([tuple(COLUMNS)]))
    async for stretch in entries(source, out):
        await out.write("".join([rows.of(each) for each in stretch]).encode())


async def write_person(data: PersonData, out: Out) -> None:
    """All of a person's data: a ZIP with a file for each kind of it, and their picture. The first row of each names the
    fields of the structs in `exports/person.py`."""
    zone, done, pieces = data.head.order.locale.zone, 0, sheets.Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED) as archive:
        kinds: dict[str, type[Any]] = {"profile": Profile, "settings": Settings, **LISTS}
        for name, kind in kinds.items():
            found = getattr(data, name)
            table = sheets.Table(kind, zone)
            rows = found if isinstance(found, list) else [found]
            archive.writestr(f"{name}.csv", sheets.BOM + table.head() + table.rows(rows))
        if data.profile.picture is not None:
            archive.writestr(data.profile.picture.name, data.profile.picture.data)
        for name, kind in STREAMS.items():
            table = sheets.Table(kind, zone)
            with archive.open(f"{name}.csv", "w", force_zip64=True) as file:
                file.write(sheets.BOM + table.head())
                async for stretch in counted(getattr(data, name)(), done, out):
                    file.write(table.rows(stretch))
                    done += len(stretch)
                    await out.write(pieces.taken())
    await out.write(pieces.taken())


class _Rows:
    """Messages as rows, put together by hand: `csv.writer` looks at each letter of each cell, for half of all time."""

    def __init__(self, conversation: int, zone: tzinfo) -> None:
        self._conversation = conversation
        self._zone = zone
        # The three cells of each author: they come again and again.
        self._authors: dict[int, str] = {}

    def of(self, entry: Entry) -> str:
        """In the order of COLUMNS. What can hold a comma, a quote or a line break is a `cell`; numbers and times are
        not, nor what Causerie calls things."""
        who, quote, subject = entry.author, entry.quote, entry.subject
        author = self._authors.get(who.id)
        if author is None:
            author = self._authors[who.id] = f"{who.id},{cell(who.username)},{cell(who.name)}"
        about = f"{cell(subject.username)},{cell(subject.name)}" if subject is not None else ","
        answers = f"{quote.id},{cell(quote.author.username)},{cell(quote.excerpt)}" if quote is not None else ",,"
        mentions = cell(" ".join([each.username for each in entry.mentions])) if entry.mentions else ""
        return (
            f"{entry.id},{self._conversation},{entry.position},{self._times(entry.created_at)},{entry.kind},"
            f"{entry.event or ''},{author},{about},{cell(entry.body)},{answers},{self._times(entry.edited_at)},"
            f"{self._times(entry.deleted_at)},{'true' if entry.of_team else ''},{mentions},"
            f"{'true' if entry.mentions_all else ''},,\r\n"
        )

    def _times(self, moment: datetime | None) -> str:
        return ",".join(sheets.times(moment, self._zone)) if moment is not None else ","
