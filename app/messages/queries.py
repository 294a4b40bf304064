"""Reads of messages: history, catch-up and the live feed are one query with three conditions.

Each goes along an index of (conversation, position) or (conversation, change), so a page costs the same however long
the conversation is. The caller has proved its access.
"""

from typing import Any

from app.accounts.views import Me
from app.conversations.access import OF_PERSON
from app.core import database
from app.messages import markup, render
from app.messages.views import Author, Line, MessageView, MineView

PAGE = 50
LINES = """
    SELECT x.id, x.conversation, x.position, x.change, x.author, a.username, a.name, x.kind, x.body, x.reply_to,
           x.created_at, x.edited_at, x.deleted_at, x.event, s.id AS subject, s.username AS subject_username,
           s.name AS subject_name, b.author AS before_author, b.created_at AS before_at, b.kind AS before_kind
    FROM message x
    JOIN person a ON a.id = x.author
    LEFT JOIN person s ON s.id = x.subject
    LEFT JOIN message b ON b.conversation = x.conversation AND b.position = x.position - 1
"""


FEED = "x.conversation = $1 AND x.change > $2 ORDER BY x.change LIMIT $3"


async def changed_since(conversation: int, change: int, limit: int) -> list[Line]:
    """What changed after that change number, in the order of the changes: the feed."""
    return [line(row) for row in await changed_rows(conversation, change, limit)]


async def changed_rows(conversation: int, change: int, limit: int) -> list[database.Row]:
    """The same as rows, for whoever makes several variants of them with `line`."""
    return await database.fetch(f"{LINES} WHERE {FEED}", conversation, change, limit)


async def before(conversation: int, position: int, limit: int) -> list[Line]:
    """The last messages before a position, oldest first."""
    rows = await _lines(
        "x.conversation = $1 AND x.position < $2 ORDER BY x.position DESC LIMIT $3", conversation, position, limit
    )
    return rows[::-1]


async def from_position(conversation: int, position: int, limit: int) -> list[Line]:
    """The messages from a position on, oldest first."""
    return await _lines(
        "x.conversation = $1 AND x.position >= $2 ORDER BY x.position LIMIT $3", conversation, position, limit
    )


async def one(message_id: int) -> Line | None:
    """A message with what stands before it."""
    lines = await _lines("x.id = $1", message_id)
    return lines[0] if lines else None


async def first_unread(conversation: int, read: int, me: Me) -> int | None:
    """The position of the first message after `read` that counts as unread for this person."""
    found = await database.fetch_value(
        """
        SELECT x.position FROM message x WHERE x.conversation = $1 AND x.position > $2 AND x.author <> $3
          AND x.kind <> 'system' AND x.deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM block b WHERE b.person = $3 AND b.blocked = x.author)
        ORDER BY x.position LIMIT 1
        """,
        conversation,
        read,
        me.id,
    )
    return int(found) if found is not None else None


async def mine(me: Me, before_id: int | None, limit: int) -> MineView:
    """What a person wrote, in the conversations they are still in, the newest first."""
    lines = await _lines(
        f"""
        x.author = $1 AND x.id < $2 AND x.kind <> 'system' AND x.deleted_at IS NULL
        AND EXISTS (SELECT FROM {OF_PERSON} WHERE m.conversation = x.conversation AND m.person = $1)
        ORDER BY x.id DESC LIMIT $3
        """,
        me.id,
        before_id or 2**62,
        limit + 1,
    )
    messages = [line.message for line in lines[:limit]]
    return MineView(messages, messages[-1].id if len(lines) > limit else None)


async def _lines(condition: str, *args: Any) -> list[Line]:
    return [line(row) for row in await database.fetch(f"{LINES} WHERE {condition}", *args)]


def line(row: database.Row) -> Line:
    """A row of LINES as a message with what stands before it."""
    (
        id_, conversation, position, change, author, username, name, kind, body, reply_to,
        created_at, edited_at, deleted_at, event, subject, subject_username, subject_name, *before_it,
    ) = row  # fmt: skip
    html = ""
    if kind == "system":
        body = render.told(event, name, subject_name or "", body)
    elif deleted_at is None:
        html = markup.render(body)
    message = MessageView(
        id=id_,
        conversation_id=conversation,
        position=position,
        change=change,
        author=Author(author, username, name),
        kind=kind,
        body=body,
        html=html,
        reply_to=reply_to,
        created_at=created_at,
        edited_at=edited_at,
        deleted_at=deleted_at,
        event=event,
        subject=Author(subject, subject_username, subject_name) if subject is not None else None,
    )
    return Line(message, *before_it)
