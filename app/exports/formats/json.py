"""JSON: one document, written as it is read, valid against `exports/schema/causerie-export-1.json`.

What there is of each kind stands on a line of its own, so that a transcript can be read, searched and compared by tools
that know lines alone. Whoever wrote a message stands in it, as in the contract: a list of all of them would have to be
known before the first, or kept until after the last.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from app.exports.entries import entries
from app.exports.model import Head, Order, Out, Source
from app.exports.person import LISTS, STREAMS, PersonData, PersonHead

VERSION = 1
_encoder = msgspec.json.Encoder()


async def write(source: Source, out: Out) -> None:
    """A conversation."""
    head = source.head
    about = {
        "id": head.conversation_id,
        "kind": head.kind,
        "title": head.title,
        "members": head.members,
        "count": head.count,
        "first_at": head.first_at,
        "last_at": head.last_at,
    }
    await out.write(b'{"causerie":%b,\n' % _encoder.encode(_causerie(head)))
    await out.write(b'"conversation":%b,\n' % _encoder.encode(about))
    await _write_list("messages", entries(source, out), out)
    await out.write(b"}\n")


async def write_person(data: PersonData, out: Out) -> None:
    """All of a person's data, in one document too."""
    await out.write(b'{"causerie":%b' % _encoder.encode(_causerie(data.head)))
    for name in ("profile", "settings"):
        await out.write(b',\n"%b":%b' % (name.encode(), _encoder.encode(getattr(data, name))))
    for name in LISTS:
        await out.write(b",\n")
        await _write_list(name, _at_once(getattr(data, name)), out)
    done = 0
    for stream in STREAMS:
        await out.write(b",\n")
        done = await _write_list(stream, counted(getattr(data, stream)(), done, out), out) + done
    await out.write(b"}\n")


async def counted(stretches: AsyncIterator[list[Any]], done: int, out: Out) -> AsyncIterator[list[Any]]:
    """The same stretches; each is counted as done when the next one is asked for."""
    async for stretch in stretches:
        yield stretch
        done += len(stretch)
        await out.done(done)


def _causerie(head: Head | PersonHead) -> dict[str, Any]:
    """What this document is: by which instance, of what, for whom and of which moment."""
    order: Order = head.order
    return {
        "version": VERSION,
        "kind": order.kind,
        "instance": head.instance,
        "export": order.id,
        "requested_by": order.by,
        "requested_at": order.asked_at,
        "read_at": head.read_at,
        "from": order.from_,
        "to": order.to,
        "language": order.locale.language,
        "time_zone": order.locale.time_zone,
    }


async def _at_once(items: Sequence[Any]) -> AsyncIterator[Sequence[Any]]:
    if items:
        yield items


async def _write_list(name: str, stretches: AsyncIterator[Sequence[Any]], out: Out) -> int:
    """`"name":[` and each of them on a line; gives how many."""
    many, encode = 0, _encoder.encode
    await out.write(b'"%b":[' % name.encode())
    async for stretch in stretches:
        await out.write((b",\n" if many else b"\n") + b",\n".join([encode(each) for each in stretch]))
        many += len(stretch)
    await out.write(b"\n]" if many else b"]")
    return many
