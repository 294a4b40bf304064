"""A message as the text formats write it: what the page shows of it, without the HTML, and what it takes to bring it
back elsewhere (see `importing`)."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from app.core.database import Row
from app.exports.model import Out, Source
from app.messages import quotes
from app.messages.lines import told
from app.messages.views import Author, Quote
from app.people.views import shown_name


class Named(msgspec.Struct, frozen=True):
    """Somebody whom a text mentions: `name` stands in it after the "@", `username` is what they are called now."""

    name: str
    username: str


class Entry(msgspec.Struct, frozen=True):
    """A message, under the names of the contract (see `messages.views.MessageView`). Of a system message `body` tells
    it in the language of the export, and `title` is the title that it tells of. Reactions and attachments will follow
    as `reactions` and `attachments`; the schema has them."""

    id: int
    position: int
    author: Author
    kind: str
    event: str | None
    subject: Author | None
    title: str | None
    body: str
    reply_to: int | None
    quote: Quote | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    of_team: bool
    mentions: list[Named]
    mentions_all: bool


async def entries(source: Source, out: Out) -> AsyncIterator[list[Entry]]:
    """The messages, a stretch at a time; each is counted as done when the next one is asked for. Raises RuntimeError
    when it were not as many as the head says: a transcript is whole or it is none."""
    done = 0
    async for rows in source.stretches():
        yield [entry(row) for row in rows]
        done += len(rows)
        await out.done(done)
    if done != source.head.count:
        raise RuntimeError(f"{done} messages were read, and {source.head.count} counted")


def entry(row: Row) -> Entry:
    """A row of LINES. A hundred thousand of these are made at a time: nothing is rendered that does not stand in it."""
    (
        id_, _change, created_at, name, username, _avatar, subject_name, _before_author, _before_at, _before_kind,
        quoted, named, _conversation, position, author, kind, body, edited_at, deleted_at, event,
        subject, subject_username, of_team, mentions_all, bot,
    ) = row  # fmt: skip
    name, title = shown_name(name), None
    if kind == "system":
        title, body = body, told(event, name, shown_name(subject_name or ""), body)
    quote = quotes.of_row(quoted).view if quoted is not None else None
    return Entry(
        id_,
        position,
        Author(author, username, name, None, bot),
        kind,
        event,
        Author(subject, subject_username, shown_name(subject_name)) if subject is not None else None,
        title,
        body,
        quote.id if quote is not None else None,
        quote,
        created_at,
        edited_at,
        deleted_at,
        of_team,
        [Named(*each.split(" ", 1)) for each in named.split(",")] if named else [],
        mentions_all,
    )
