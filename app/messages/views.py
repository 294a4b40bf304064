"""A message as its readers see it; the JSON of the contract."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from app.conversations.views import ConversationView, MemberView, ReceiptView
from app.people.views import PersonCard


class Author(msgspec.Struct, frozen=True, omit_defaults=True):
    """`avatar` is the address of their picture; of who has none it is left out, and so is `bot` of who is none."""

    id: int
    username: str
    name: str
    avatar: str | None = None
    bot: bool = False


class Quote(msgspec.Struct, frozen=True):
    """What a reply shows of the message that it answers: the beginning of its text on one line, or that it was
    deleted. Whoever follows the feed learns by the original's own changes that its quotes are others now."""

    id: int
    position: int
    author: Author
    excerpt: str
    deleted: bool


class MessageView(msgspec.Struct, kw_only=True):
    """A message. `position` is its place, `change` the number of its latest change; a deleted one has no text.

    `of_team`: an answer of the staff in a support conversation. Of a system message `event` says what happened and
    `subject` to whom; its `body` tells it in the reader's language. `reply_to` is the id of the message that it
    answers and `quote` what it shows of it; `mentions` are the usernames of those whom it names, `mentions_all` says
    that it is to everyone there.
    """

    id: int
    conversation_id: int
    position: int
    change: int
    author: Author
    kind: str
    body: str
    html: str
    reply_to: int | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    status: str = "sent"
    event: str | None = None
    subject: Author | None = None
    of_team: bool = False
    quote: Quote | None = None
    mentions: list[str] = []
    mentions_all: bool = False


class Line(NamedTuple):
    """A message and what stands right before it, which decides whether it continues a group and begins a day; and which
    change of the original its quote shows."""

    message: MessageView
    before_author: int | None
    before_at: datetime | None
    before_kind: str | None
    quoted_change: int | None = None


class HistoryView(msgspec.Struct):
    """A page of a conversation. `next` is the value to ask with next, null at the end; `change` the newest change."""

    messages: list[MessageView]
    next: int | None
    change: int


class TimelineView(ConversationView, kw_only=True):
    """A conversation with a stretch of its messages. `older` and `newer` are positions to page from, null at the ends;
    `unread_from` is the position of the first message that was not read; `at_end` whether the newest is among them;
    `receipts` how far the others are, as far as they tell it; `kept_after` the place of the last message that was
    deleted because its time was over, 0 when none was."""

    messages: list[MessageView]
    older: int | None
    newer: int | None
    unread_from: int | None
    at_end: bool
    people: list[MemberView]
    receipts: list[ReceiptView]
    kept_after: int = 0


class SeenView(msgspec.Struct):
    """Who has received and who has read one's own message; of those who tell it. `counted`: this conversation is small
    enough for it."""

    message_id: int
    conversation_id: int
    position: int
    read: list[PersonCard]
    delivered: list[PersonCard]
    counted: bool


class MentionView(msgspec.Struct):
    """A message that mentions the reader, and how the conversation is called in which it stands."""

    message: MessageView
    title: str


class MentionsView(msgspec.Struct):
    """Where the reader is mentioned, the newest first; `next` is the `before` of the following page."""

    mentions: list[MentionView]
    next: int | None


class NamedView(msgspec.Struct):
    """Who can be mentioned in a conversation by what was typed so far; `everyone` is how all of them are addressed,
    null when the reader may not."""

    people: list[PersonCard]
    everyone: str | None


class MineView(msgspec.Struct):
    """Everything that one wrote, the newest first; `next` is the `before` of the following page."""

    messages: list[MessageView]
    next: int | None
