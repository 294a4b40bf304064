"""People who write and people who watch, and who come back whatever happens."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from tests.faults.wire import Connection, Cut

if TYPE_CHECKING:
    from tests.faults.crowd import Crowd

PASSWORD = "three blue horses run"
PACE = 0.03  # a sender's pause between two messages: a busy room, not a benchmark
BACK_SOON = 0.05  # before the next try: sooner than any browser


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    username: str
    token: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that the server acknowledged. `found` when an earlier, unanswered try had put it there."""

    conversation: int
    id: int
    position: int
    change: int
    key: str
    tries: int
    found: bool


async def sign_up(port: int, many: int) -> list[Person]:
    """So many new people."""

    async def one(number: int) -> Person:
        connection = Connection(port)
        username = f"p{number}-{uuid4().hex[:8]}"
        given = {"username": username, "name": username, "email": f"{username}@example.org", "password": PASSWORD}
        answer = await connection.ask("POST", "/auth/signup", given)
        assert answer.status == 201, answer
        connection.close()
        return Person(answer.json["person"]["id"], username, answer.json["access_token"])

    return [await one(number) for number in range(many)]


async def make_room(port: int, people: Sequence[Person], title: str = "A room") -> int:
    """A group that the first of them owns and all are in."""
    connection = Connection(port, people[0].token)
    names = [person.username for person in people[1:]]
    answer = await connection.ask("POST", "/conversations", {"kind": "group", "title": title, "members": names})
    assert answer.status == 201, answer
    connection.close()
    return int(answer.json["id"])


async def forgot(port: int, who: Person) -> None:
    """Asks for a mail with a link to a new password."""
    connection = Connection(port)
    answer = await connection.ask("POST", "/auth/forgot-password", {"email": f"{who.username}@example.org"})
    assert answer.status == 202, answer
    connection.close()


class Sender:
    """Writes until told to stop: each message under one key, posted again until it is acknowledged."""

    def __init__(self, crowd: Crowd, who: Person, rooms: Sequence[int], seed: int) -> None:
        self.crowd = crowd
        self.connection = Connection(crowd.port, who.token)
        self.rooms = rooms
        self.random = random.Random(seed)
        self.count = 0

    async def run(self) -> None:
        while not self.crowd.stopping:
            self.count += 1
            await self.say(self.random.choice(self.rooms), f"{self.count} of {self.connection.local_port}")
            await asyncio.sleep(PACE * self.random.uniform(0.5, 1.5))
        self.connection.close()

    async def say(self, room: int, body: str) -> Kept:
        """Sends one message and gives what was acknowledged."""
        key, tries = str(uuid4()), 0
        while True:
            tries, began, asked = tries + 1, datetime.now(UTC), time.monotonic()
            try:
                answer = await self.connection.ask(
                    "POST", f"/conversations/{room}/messages", {"body": body, "key": key}
                )
            except Cut:
                self.crowd.cuts += 1
            else:
                if answer.status == 201:
                    made = answer.json
                    found = datetime.fromisoformat(made["created_at"]) < began
                    kept = Kept(room, made["id"], made["position"], made["change"], key, tries, found)
                    self.crowd.acknowledge(kept, asked)
                    return kept
                assert answer.status == 503, f"a send was answered {answer.status}: {answer.body!r}"
                assert "retry-after" in answer.headers, answer
                self.crowd.refused += 1
            await asyncio.sleep(BACK_SOON)


class Watcher:
    """A stream that comes back with its cursor until it is stopped, and keeps what it was told, as it came.

    `after` is its first cursor; None for all conversations of the person, as programs follow them.
    """

    def __init__(self, port: int, who: Person, after: dict[int, int] | None, *, json: bool = True) -> None:
        self.who = who
        self.rooms = after or {}
        self.everything = after is None
        self.connection = Connection(port, who.token)
        query = ["format=json"] if json else []
        if after is not None:
            query.append("after=" + ",".join(f"{room}:{change}" for room, change in after.items()))
        self.path = f"/live?{'&'.join(query)}"
        self.json = json
        self.cursor = ""
        self.connected = False
        self.opened = 0
        self.answers: Counter[int] = Counter()
        self.events: Counter[str] = Counter()
        # (conversation, change) of each message event, and when it came.
        self.messages: list[tuple[int, int]] = []
        self.arrived: list[float] = []

    async def run(self) -> None:
        while True:
            try:
                await self.once()
            except Cut:
                self.connected = False
            await asyncio.sleep(BACK_SOON)

    async def once(self) -> None:
        """One stream to its end. Raises Cut."""
        try:
            answer = await self.connection.follow(self.path, self.cursor)
            self.answers[answer.status] += 1
            assert answer.status in (200, 503), f"a stream was answered {answer.status}: {answer.body!r}"
            if answer.status == 503:
                return
            self.opened += 1
            self.connected = True
            async for event in self.connection.events():
                self.cursor = event.id or self.cursor
                self.events[event.name] += 1
                assert event.name not in ("reset", "close"), f"the stream was told {event.name} {event.data}"
                if event.name == "message":
                    self.messages.append(self._place(event.data, event.id))
                    self.arrived.append(time.monotonic())
        finally:
            self.connected = False

    def _place(self, data: str, id_: str) -> tuple[int, int]:
        if self.json:
            message = msgspec.json.decode(data)
            return message["conversation_id"], message["change"]
        room, _sep, change = id_.partition(":")  # a page follows one conversation
        return int(room), int(change)

    @property
    def begun(self) -> bool:
        """Whether the state came that every stream begins with."""
        return bool(self.events["conversation" if self.json else "sidebar"])

    def last(self, room: int) -> int:
        """The last change that it was told of that conversation."""
        return max((change for where, change in self.messages if where == room), default=0)


class Visitor:
    """Opens stream after stream, each for its first words only: what fails now fails at the worst moment of one."""

    def __init__(self, crowd: Crowd, who: Person, path: str) -> None:
        self.crowd = crowd
        self.who = who
        self.path = path
        self.entered = self.refused = 0

    async def run(self) -> None:
        while not self.crowd.stopping:
            await self.visit()
            await asyncio.sleep(PACE)

    async def visit(self) -> bool:
        """One stream; says whether it was let in. Anything but that or 503 fails the test."""
        connection = Connection(self.crowd.port, self.who.token)
        try:
            answer = await connection.follow(self.path)
            assert answer.status in (200, 503), f"a stream was answered {answer.status}: {answer.body!r}"
            if answer.status == 503:
                assert "retry-after" in answer.headers, answer
                self.refused += 1
                return False
            async for _event in connection.events():
                break
        except Cut:
            return False
        finally:
            connection.close()
        self.entered += 1
        return True
