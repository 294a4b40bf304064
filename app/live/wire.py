"""The wire's vocabulary: every event that a stream can carry, in one place.

With an id, for they can be replayed: `message`. Without, for they are the present state: `sidebar` (all of it),
`conversation` (one line of it), `conversation-gone`, `conversation-archived` (its line goes, it stays),
`conversation-head` (title and members of the open one), `typing` (who, for so many seconds), `presence` (of some
people), `presences` (of all beside the open conversation), `receipt` (who received and read how far),
`renamed` (messages as they are now, for names on them are others), `notification` (how many are unread, and one that
came), `export` (how far one of their exports is), `ping`, `reset` (load the page anew), `close` (and
why).
"""

import msgspec
from markupsafe import Markup

from app.conversations.views import ReceiptView
from app.messages.views import Author

PING = b"event: ping\ndata: 1\n\n"
LAST_CHUNK = b"0\r\n\r\n"
# How long it is true that someone types; who goes on typing says so twice meanwhile.
TYPING_LASTS = 6
_json = msgspec.json.Encoder()

# Why a stream is closed with a word; after any other end the client comes back by itself.
TOO_MANY = "too-many"
SIGNED_OUT = "signed-out"


def event(name: str, data: str, id_: str | None = None) -> bytes:
    """One event; each line of the data is a line on the wire. A line ends as the wire has it: not at every character
    that Unicode knows to break lines, or a message that holds one would come otherwise than it was written."""
    if type(data) is not str:
        data = str(data)  # Markup would escape-check each of its lines
    lines = "\n".join(f"data: {line}" for line in data.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    head = f"event: {name}\n" if id_ is None else f"event: {name}\nid: {id_}\n"
    return f"{head}{lines}\n\n".encode()


def json_event(name: str, value: object, id_: str | None = None) -> bytes:
    """One event whose data is JSON."""
    head = f"event: {name}\n" if id_ is None else f"event: {name}\nid: {id_}\n"
    return head.encode() + b"data: " + _json.encode(value) + b"\n\n"


def with_id(sent: bytes, id_: str) -> bytes:
    """The same event with another id, for a stream whose cursor is its own."""
    name, _old, rest = sent.split(b"\n", 2)
    return b"%b\nid: %b\n%b" % (name, id_.encode(), rest)


def place(id_: str) -> bytes:
    """A cursor without an event: clients keep it all the same (HTML, server-sent events, 9.2.6)."""
    return f"id: {id_}\n\n".encode()


def retry(milliseconds: int) -> bytes:
    """How long to wait before coming back."""
    return f"retry: {milliseconds}\n\n".encode()


def chunk(data: bytes) -> bytes:
    """The bytes framed as HTTP/1.1 has them in a body whose length nobody knows (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def presence_json(person: Author, state: str) -> bytes:
    """That person is online, away, busy or offline now."""
    return json_event("presence", {"person": person, "state": state})


def receipt_json(conversation: int, mark: ReceiptView) -> bytes:
    """How far that person has received and read it."""
    person = {"id": mark.person.id, "username": mark.person.username, "name": mark.person.name}
    told = {"conversation_id": conversation, "person": person, "delivered": mark.delivered, "read": mark.read}
    return json_event("receipt", told)


def receipt_html(mark: ReceiptView) -> Markup:
    """The same for the page that has the conversation open, which puts it into words."""
    return Markup('<bdi data-person="{}" data-delivered="{}" data-read="{}">{}</bdi>').format(
        mark.person.id, mark.delivered, mark.read, mark.person.name
    )


def typing_json(conversation: int, person: Author) -> bytes:
    """That person types there, for the next TYPING_LASTS seconds unless they say it again."""
    return json_event("typing", {"conversation_id": conversation, "person": person, "seconds": TYPING_LASTS})


def typing_html(person: Author) -> bytes:
    """The same for the page that has the conversation open: a name, which the page puts into words."""
    return event("typing", Markup('<bdi data-person="{}">{}</bdi>').format(person.id, person.name))
