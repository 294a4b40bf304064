"""A conversation as its JSON tells it, read again: checked as it is read, a message at a time.

The file may be of anyone and anything. Whatever is wrong with it raises DamagedError, which says where: the line, and
of a message which one. What is held in memory is a piece of the file, and the people in it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, Annotated, Any, Literal

import msgspec

from app.core.text import storable
from app.exports.formats.json import VERSION
from app.exports.importing.reader import Reader
from app.exports.importing.wish import DamagedError
from app.messages.lines import EVENTS

LONGEST_BODY = 200_000
# The first year has no days before it, so in the west no page could show a message of its first day.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Short = Annotated[str, msgspec.Meta(max_length=1000)]
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_BODY)]


class Someone(msgspec.Struct, frozen=True):
    """Somebody as that instance knew them."""

    id: Number
    username: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    bot: bool = False


class Causerie(msgspec.Struct, frozen=True):
    """Of which instance it is, and what."""

    version: int
    kind: Literal["conversation", "audit", "person"]
    instance: Short


class Conversation(msgspec.Struct, frozen=True):
    """What is to become a group here."""

    id: Number
    kind: Short
    title: Short
    members: list[Someone]
    count: Annotated[int, msgspec.Meta(ge=0)]


class Quoted(msgspec.Struct, frozen=True):
    id: Number
    position: Number


class Named(msgspec.Struct, frozen=True):
    # As usernames are: it is read again from among others, with commas between.
    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9._-]{1,60}$")]
    username: Short


class Incoming(msgspec.Struct, frozen=True):
    """A message, of which nothing is known yet but its form; see `entries.Entry`."""

    id: Number
    position: Number
    author: Someone
    kind: Literal["text", "image", "file", "system"]
    event: str | None
    subject: Someone | None
    title: Text | None
    body: Text
    reply_to: Number | None
    quote: Quoted | None
    created_at: Moment
    edited_at: Moment | None
    deleted_at: Moment | None
    of_team: bool
    mentions: list[Named]
    mentions_all: bool
    reactions: list[Any] = []
    attachments: list[Any] = []


class Document:
    """A file that is being read: the head at once, the messages by and by."""

    def __init__(self, file: IO[bytes]) -> None:
        self._reader = Reader(file)
        self._reader.expect("{", "This is no JSON of Causerie")
        self.causerie = self._head("causerie", Causerie)
        if self.causerie.version != VERSION:
            said = f"It is of version {self.causerie.version} of the format; this Causerie reads version {VERSION}."
            raise DamagedError(f"{said} Is there a newer Causerie?")
        if self.causerie.kind == "person":
            raise DamagedError("It holds all the data of a person. Only a conversation can be imported.")
        self._reader.expect(",")
        self.conversation = self._head("conversation", Conversation)
        self._reader.expect(",")
        self._key("messages")
        self._now = datetime.now(UTC)
        self._last = 0

    def messages(self) -> Iterator[Incoming]:
        """The messages in their order, each checked. Raises DamagedError, at the end too: when the file goes on, ends
        too early or has another number of messages than it says."""
        read, many = self._reader, 0
        read.expect("[")
        while not read.takes("]"):
            if many:
                read.expect(",")
            many += 1
            if many > self.conversation.count:
                raise self._damaged(many, f"there are more than the {self.conversation.count} that it is to have")
            yield self._checked(many)
        if many != self.conversation.count:
            said = f"it has {many} messages and is to have {self.conversation.count}"
            raise DamagedError(f"Line {read.line}: {said}. Something was cut out.")
        read.expect("}")
        read.end()

    def _checked(self, nth: int) -> Incoming:
        line, given = self._reader.value()
        try:
            message = msgspec.convert(given, Incoming)
        except msgspec.ValidationError as error:
            raise self._damaged(nth, str(error), line) from None
        if wrong := self._wrong(message, given):
            raise self._damaged(nth, wrong, line)
        self._last = message.position
        return message

    def _wrong(self, message: Incoming, given: Any) -> str | None:
        """What no type tells."""
        if not all(storable(each) for each in _texts(given)):
            return "it holds a character that cannot be stored"
        if message.position <= self._last:
            return f"its position {message.position} does not come after {self._last}"
        if message.kind == "system" and (message.event not in EVENTS or message.title is None):
            return f"of the event {message.event!r} nothing is known here"
        if message.kind != "system" and message.event is not None:
            return "only system messages have an event"
        if message.event in NEEDS_SUBJECT and message.subject is None:
            return "it does not say to whom that happened"
        if message.deleted_at is not None and message.body and message.kind != "system":
            return "it was deleted and has a text all the same"
        if (message.reply_to is None) != (message.quote is None):
            return "reply_to and quote do not belong together"
        if message.quote is not None and message.quote.id != message.reply_to:
            return "reply_to and quote do not belong together"
        if message.quote is not None and message.quote.position >= message.position:
            return "it answers a message that comes after it"
        moments = [each for each in (message.created_at, message.edited_at, message.deleted_at) if each is not None]
        if max(moments) > self._now + timedelta(days=1):
            return "it is of a time that is to come"
        if min(moments) < EARLIEST:
            return "it is of a time before there were any such messages"
        return None

    def _damaged(self, nth: int, what: str, line: int | None = None) -> DamagedError:
        return DamagedError(f"Line {line or self._reader.line}, message {nth}: {what}.")

    def _key(self, name: str) -> None:
        line, found = self._reader.value()
        if found != name:
            raise DamagedError(f'Line {line}: "{name}" is to stand here.')
        self._reader.expect(":")

    def _head(self, name: str, kind: type[Any]) -> Any:
        self._key(name)
        line, given = self._reader.value()
        try:
            made = msgspec.convert(given, kind)
        except msgspec.ValidationError as error:
            raise DamagedError(f'Line {line}, "{name}": {error}.') from None
        if not all(storable(each) for each in _texts(given)):
            raise DamagedError(f'Line {line}, "{name}": it holds a character that cannot be stored.')
        return made


# What is told of somebody to whom it happened.
NEEDS_SUBJECT = {"added", "removed", "handed_over", "assigned"}


def _texts(value: Any) -> Iterator[str]:
    """All that is written in it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
