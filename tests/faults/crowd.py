"""People who write and people who watch, and who come back whatever happens: the load of these tests, and its judge."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import msgspec

from tests.faults.processes import until
from tests.faults.wire import Connection, Cut

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


@dataclass
class Crowd:
    """Senders and watchers of one run, and what happened to them."""

    port: int
    watchers: list[Watcher] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    cuts: int = 0
    refused: int = 0
    stopping: bool = False
    longest_silence: float = 0.0
    _writing: list[asyncio.Task[None]] = field(default_factory=list)
    _last: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), 0.0))

    def acknowledge(self, kept: Kept, asked: float) -> None:
        now = time.monotonic()
        self.longest_silence = max(self.longest_silence, now - self._last[0])
        self._last = (now, max(self._last[1], asked))
        self.kept.append(kept)

    async def more(self, many: int, seconds: float = 20) -> None:
        """Waits for so many more acknowledgements."""
        wanted = len(self.kept) + many
        await until(lambda: len(self.kept) >= wanted, seconds, f"{many} more acknowledged sends")

    async def recovered(self, since: float, seconds: float = 10) -> float:
        """Waits for the acknowledgement of a send that was asked after `since`; gives the seconds that it took."""
        await until(lambda: self._last[1] >= since, seconds, "a send is acknowledged again")
        return self._last[0] - since

    async def all_connected(self, seconds: float = 20) -> None:
        await until(lambda: all(w.connected for w in self.watchers), seconds, "every stream is open")

    @asynccontextmanager
    async def at_work(self, senders: Sequence[Sender | Visitor]) -> AsyncIterator[None]:
        """Everyone writes and watches; at the end the senders finish what they began and the watchers see it all."""
        async with asyncio.TaskGroup() as group:
            watching = [group.create_task(watcher.run()) for watcher in self.watchers]
            await self.all_connected()
            self._writing = [group.create_task(sender.run()) for sender in senders]
            yield
            await self.settled()
            for task in watching:
                task.cancel()

    async def settled(self) -> None:
        """Stops the senders and waits until every stream has seen the last message."""
        self.stopping = True
        _done, late = await asyncio.wait(self._writing, timeout=30)
        assert not late, "a sender could not finish"
        heads = {kept.conversation: kept.change for kept in sorted(self.kept, key=lambda kept: kept.change)}

        def all_seen() -> bool:
            return all(
                watcher.last(room) >= heads.get(room, 0)
                for watcher in self.watchers
                for room in (heads if watcher.everything else watcher.rooms)
            )

        await until(all_seen, 20, "every stream has seen the last message")

    async def judge(self, dsn: str) -> None:
        """Nothing lost, nothing twice, everything in order: in the database and on every stream."""
        connection = await asyncpg.connect(dsn)
        rows = await connection.fetch(
            "SELECT id, conversation, position, change, key::text FROM message ORDER BY conversation, change"
        )
        await connection.close()
        by_key = Counter(row["key"] for row in rows if row["key"])
        written = {row["key"]: (row["conversation"], row["id"], row["position"], row["change"]) for row in rows}
        assert len(self.kept) == len({kept.key for kept in self.kept}) == len({kept.id for kept in self.kept})
        for kept in self.kept:
            assert by_key[kept.key] == 1, f"{kept} is in the database {by_key[kept.key]} times"
            assert written[kept.key] == (kept.conversation, kept.id, kept.position, kept.change)
        # Every sender finished what it began: so nothing is there that was not acknowledged.
        assert by_key.keys() == {kept.key for kept in self.kept}
        feed: dict[int, list[int]] = {}
        for row in rows:
            feed.setdefault(row["conversation"], []).append(row["change"])
        for room, changes in feed.items():
            positions = sorted(row["position"] for row in rows if row["conversation"] == room)
            assert positions == list(range(1, len(positions) + 1)), f"positions of {room} have a gap or a repeat"
            assert changes == list(range(1, len(changes) + 1))
        for watcher in self.watchers:
            for room in feed if watcher.everything else watcher.rooms:
                seen = [change for where, change in watcher.messages if where == room]
                # A program that follows everything began where the room stood then.
                first = min(seen, default=1) if watcher.everything else watcher.rooms[room] + 1
                assert seen == [change for change in feed[room] if change >= first], (
                    f"{watcher.path} did not see room {room} once and in order: {_difference(seen, feed[room])}"
                )

    @property
    def replays(self) -> int:
        """Messages that were kept by a try that got no answer."""
        return sum(kept.found for kept in self.kept)


def _difference(seen: list[int], wanted: list[int]) -> str:
    twice = [change for change, times in Counter(seen).items() if times > 1]
    return f"missing {sorted(set(wanted) - set(seen))[:10]}, twice {twice[:10]}, sorted: {seen == sorted(seen)}"
