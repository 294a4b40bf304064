"""What an archive says of itself, in its `manifest.json`; what is signed are the exact bytes of that file."""

from datetime import UTC, datetime
from typing import Literal, Protocol

import msgspec

from app.exports.model import Format, Head, Kind, Order

NAME, SIGNATURE, KEY, README = "manifest.json", "manifest.sig", "key.pub", "README.txt"
# Names that no exported file may have.
OWN = (NAME, SIGNATURE, KEY, README)
VERSION = 1
# More than any is long, and so much of one is read before anybody knows who made it.
MOST_BYTES = 128 * 1024


class Covered(Protocol):
    """What is in an export: the `Head` of a conversation, or all of a person's data."""

    @property
    def instance(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def read_at(self) -> datetime: ...


class Asker(msgspec.Struct, frozen=True):
    """Who asked for it."""

    id: int
    username: str
    name: str


class Conversation(msgspec.Struct, frozen=True):
    """What it is of, as it was called then."""

    id: int
    kind: str
    title: str


class File(msgspec.Struct, frozen=True):
    """A file in the archive, as it is unpacked."""

    name: str
    size: int
    sha256: str


class Before(msgspec.Struct, frozen=True):
    """All that stands in the ZIP before the manifest, as it is packed: so not one bit of it is free, nor is there a
    place for anything that another program would read otherwise."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """`from` is the first instant of the range and `to` the first after it, null where it is open; `count` the messages
    in it; `read_at` the moment that is shown; `key` the name of the key that signs. `conversation` is null for all of a
    person's data."""

    type: Literal["causerie-export"] = "causerie-export"
    version: int = VERSION
    instance: str
    key: str
    kind: Kind
    format: Format
    asked_by: Asker
    asked_at: datetime
    read_at: datetime
    from_: datetime | None
    to: datetime | None
    conversation: Conversation | None
    count: int
    files: list[File]
    before: Before


def of(order: Order, covered: Covered, key: str, files: list[File], before: Before) -> Manifest:
    """The manifest of an archive whose other files are written."""
    conversation = None
    if isinstance(covered, Head):
        conversation = Conversation(covered.conversation_id, covered.kind, covered.title)
    return Manifest(
        instance=covered.instance,
        key=key,
        kind=order.kind,
        format=order.format,
        asked_by=Asker(order.by.id, order.by.username, order.by.name),
        asked_at=order.asked_at,
        read_at=covered.read_at,
        from_=order.from_,
        to=order.to,
        conversation=conversation,
        count=covered.count,
        files=files,
        before=before,
    )


def encode(manifest: Manifest) -> bytes:
    """As it is written and signed: for people to read, too."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(data: bytes) -> Manifest:
    """Reads what `encode` wrote. Raises msgspec.DecodeError, of which ValidationError is one."""
    return msgspec.json.decode(data, type=Manifest)


def version_of(data: bytes) -> int:
    """Which version it says it is; raises msgspec.DecodeError."""

    class Version(msgspec.Struct):
        version: int

    return msgspec.json.decode(data, type=Version).version


def stamp(moment: datetime) -> tuple[int, int, int, int, int, int]:
    """The time that all files of an archive have: of the moment that they show, in UTC, in what a ZIP can say."""
    utc = moment.astimezone(UTC)
    if utc.year < 1980:
        return (1980, 1, 1, 0, 0, 0)
    return (min(utc.year, 2107), utc.month, utc.day, utc.hour, utc.minute, utc.second)
