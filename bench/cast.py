"""The people, rooms and history of a run: the same rooms and the same words on both servers."""

import asyncio
import json
import re
import secrets

from bench.callers import Caller
from bench.clients import Exchange, LostError, ask, connect, heads, stamped
from bench.scale import Scale
from bench.wire import Ours, Raw, Wire

AUTHORS = 6  # who wrote the long history
ROOMS_OF_READER = 20  # the general room among them
LONG_ROOM = 1000  # its number on the raw server
SAID = (
    "Bonjour à tous, la réunion de jeudi est déplacée à 18 h 30, salle B12.",
    "Fine with me.",
    "Who has the keys of the *small* kitchen? I need them **before noon**, the caterer comes at one.",
    "See https://example.org/minutes/2026-11-12 for what we decided last week, and please comment there.",
    "Merci !",
    "Run `make demo` first, then open the page: the list is empty otherwise.",
    "Je peux apporter:\n- deux tables\n- la rallonge\n- du café\n\nQuelqu'un a une bouilloire ?",
    (
        "Not before six, I am teaching until half past five and then I have to cross the whole town by bus. Start "
        "without me, and keep a slice of that cake, it was excellent the last time. If the projector fails again, the "
        "spare lamp is in the lower drawer on the left."
    ),
    "👍",
    "L'élève absent hier rapportera son mot d'excuse demain; j'ai prévenu le secrétariat.",
)


async def prepare_ours(port: int, scale: Scale) -> Ours:
    """Signs people up, makes the rooms with everyone in them, and fills the long one."""
    exchange = await connect(port)
    nobody = Ours(port, (), "")

    async def post(path: str, token: str, body: object) -> dict[str, object]:
        answer: dict[str, object] = json.loads(await ask(exchange, nobody.request("POST", path, token, body), 201))
        return answer

    async def person(username: str, name: str) -> str:
        account = {"username": username, "name": name, "email": f"{username}@example.org"}
        return str((await post("/auth/signup", "", {**account, "password": secrets.token_urlsafe(16)}))["access_token"])

    async def room(title: str, members: list[str]) -> int:
        conversation = await post("/conversations", tokens[0], {"kind": "group", "title": title, "members": members})
        return int(str(conversation["id"]))

    usernames = [f"person{number:02d}" for number in range(scale.people)]
    tokens = [await person(username, f"Person {username[6:]}") for username in usernames]
    reader = await person("the_reader", "Someone Who Reads")
    rooms = [await room(f"Room {number}", usernames[1:]) for number in range(scale.rooms)]
    few = [*usernames[1:AUTHORS], "the_reader"]
    read = [await room(f"Read {number}", few) for number in range(ROOMS_OF_READER - 1)]
    exchange.transport.close()
    wire = Ours(port, tuple(tokens), reader, tuple(rooms), read[0])
    await _fill(wire, scale)
    return wire


async def prepare_raw(port: int, scale: Scale) -> Raw:
    """Fills the long room; the others come to be when they are first used."""
    wire = Raw(port, tuple(range(1, scale.rooms + 1)), LONG_ROOM)
    await _fill(wire, scale)
    return wire


class _Writer(Caller):
    """Writes its share of the history."""

    def __init__(self, exchange: Exchange, requests: list[bytes]) -> None:
        super().__init__(exchange, 201)
        self.requests = requests

    def request(self) -> bytes:
        return self.requests.pop()

    def accepted(self, body: bytes) -> None:
        if not self.requests:
            self.end = 0.0  # all is written


async def _fill(wire: Wire, scale: Scale) -> None:
    requests = [
        wire.send(wire.long_room, number // 3 % AUTHORS, SAID[number % len(SAID)]) for number in range(scale.history)
    ]
    writers = [_Writer(await connect(wire.port), requests[share::AUTHORS]) for share in range(AUTHORS)]
    await asyncio.gather(*(writer.until(float("inf")) for writer in writers))


async def event_of(wire: Ours) -> bytes:
    """One event of ours as every stream gets it, with @ID@ and @BODY@ in the places of its id and its text."""
    room = wire.rooms[0]
    change = (await heads(wire, [room]))[room]
    reading, writing = await asyncio.open_connection("127.0.0.1", wire.port)
    writing.write(wire.live(room, change, 0))
    stamp, body = stamped()
    exchange = await connect(wire.port)
    await reading.readuntil(b"\r\n\r\n")
    await ask(exchange, wire.send(room, 1, body), 201)
    async with asyncio.timeout(10):
        received = b""
        while not (event := _event_with(stamp, received)):
            size = int(await reading.readline(), 16)
            received += (await reading.readexactly(size + 2))[:-2]
    writing.close()
    exchange.transport.close()
    pattern = re.sub(rb"(?m)^id: \d+:\d+$", b"id: @ID@", event).replace(body.encode(), b"@BODY@")
    if stamp in pattern or b"@BODY@" not in pattern or b"@ID@" not in pattern:
        raise LostError(f"an event is not what the raw server can imitate: {event!r}")
    return pattern


def _event_with(stamp: bytes, received: bytes) -> bytes:
    for event in received.split(b"\n\n")[:-1]:
        if stamp in event and b"id: " in event:
            return event + b"\n\n"
    return b""
