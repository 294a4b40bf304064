"""All open streams of one process: who follows what, who is told what, and the watch that makes good for lost hints."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import uuid4

import asyncpg
import structlog

from app.conversations import access, feed, lines
from app.core import database, i18n
from app.core.bell import Bell
from app.core.errors import NotFound
from app.core.settings import Settings
from app.live import registry, wire
from app.live.notices import Notices, Read
from app.live.presence import Presence
from app.live.progress import Progress
from app.live.progress import Read as ReadProgress
from app.live.receipts import Receipts
from app.live.state import State, sidebar_event
from app.live.stream import Stream
from app.live.tail import Tail, encode, left_by
from app.live.typing import Typing
from app.live.watch import Watch
from app.messages import queries as messages
from app.people import presence

log = structlog.get_logger()
ALIVE_EVERY = 30.0
# Read at once for a stream that catches up: as much waits in memory for each one whose client is slow.
MOST_AT_ONCE = 50
# A cursor further behind than this is answered by `reset`: loading the page anew costs less than replaying.
FURTHEST_BEHIND = 1000


class Hub:
    """The live side of a web process."""

    def __init__(self, settings: Settings, bell: Bell, notices: Read, exports: ReadProgress) -> None:
        self.settings = settings
        self.bell = bell
        self.process = str(uuid4())
        self.streams: dict[int, Stream] = {}
        self.by_person: dict[int, set[Stream]] = defaultdict(set)
        self.tails: dict[int, Tail] = {}
        # For the sidebars: the conversations of each person with a stream, the people of each, and their heads.
        self.conversations_of: dict[int, set[int]] = {}
        self.people_of: dict[int, set[int]] = defaultdict(set)
        self.heads: dict[int, int] = {}
        self.state = State(self)
        self.typing = Typing(self)
        self.presence = Presence(self)
        self.receipts = Receipts(self)
        self.notices = Notices(self, notices)
        self.progress = Progress(self, exports)
        self.watch = Watch(self)
        self.closing = False
        # Whether the database may know of streams that have ended.
        self._unsure = False
        self._tasks: list[asyncio.Task[None]] = []
        self._closed: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        with suppress(*database.UNAVAILABLE):
            await registry.say_alive(self.process)
        self.bell.subscribe(self.hear)
        always = (
            self.state.run,
            self.typing.run,
            self.presence.run,
            self.receipts.run,
            self.notices.run,
            self.progress.run,
            self.watch.run,
            self._beat,
            self._live_on,
        )
        self._tasks = [asyncio.create_task(_kept_going(work)) for work in always]

    async def stop(self) -> None:
        self.close_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._closed, return_exceptions=True)
        with suppress(*database.FAILED):
            await asyncio.wait_for(registry.forget(self.process), 2)

    def close_all(self) -> None:
        """Ends every stream, without a word: the clients come back to whoever serves next. Called on SIGTERM."""
        self.closing = True
        for stream in list(self.streams.values()):
            stream.close()

    def hear(self, kind: str, number: int, about: int) -> None:
        """A hint from this process or another; see Bell for the kinds."""
        if kind == "c":
            self.changed(number)
        elif kind == "t":
            self.typing.hear(number, about)
        elif kind == "o":
            self.presence.hear(number, about)
        elif kind == "m":
            self.receipts.hear(number)
        elif kind == "r":
            self.receipts.hear(about)
            if number in self.by_person:
                self.state.line(number, about)
                self.notices.hear(number, 0, always=False)
        elif kind == "b":
            self.notices.hear(number, about)
        elif kind == "e":
            self.progress.hear(number, about)
        elif kind == "p":
            if number in self.by_person:
                self.state.sidebar(number)
        elif kind == "s":
            for stream in [s for s in self.streams.values() if s.session == number]:
                stream.close(wire.SIGNED_OUT)
        elif kind == "l":
            self.reload(number, about)
        elif kind == "n":
            self.state.renamed(number)
        elif kind == "x" and number in self.streams:
            self.streams[number].close(wire.TOO_MANY)

    def reload(self, conversation: int, person: int = 0) -> None:
        """The pages of that conversation, or of that person, are to be loaded anew."""
        tail = self.tails.get(conversation)
        for stream in list(self.by_person.get(person, ())) + (list(tail.streams) if tail else []):
            stream.deliver(wire.event("reset", "rules"))

    # Opening and closing

    async def admit(self, stream: Stream) -> dict[int, int] | None:
        """Lets a stream in that asked for `stream.seen`; gives the heads of what it follows, or None when its cursor is
        of no use (then it is to be told `reset`). Raises NotFound when it may not see one of them.

        It is subscribed before its rights are read: who is removed in between is seen to leave by the tail.
        """
        most = self.settings.max_connections_per_user
        try:
            number, too_many = await registry.open_stream(self.process, stream.person, most)
        except asyncpg.ForeignKeyViolationError:  # a crash of Postgres has emptied the registry
            await registry.say_alive(self.process)
            await registry.write_again(self.process, self.open_streams())
            number, too_many = await registry.open_stream(self.process, stream.person, most)
        stream.number = number
        self.streams[number] = stream
        self.by_person[stream.person].add(stream)
        self.presence.opened(stream)
        for old in too_many:
            self.bell.ring("x", old)
        mine = await feed.ids(stream.person)
        unknown = stream.all_conversations or not stream.seen.keys() <= mine.keys()
        if unknown and await access.join_general(stream.person):
            mine = await feed.ids(stream.person)  # a program whose first call this is enters the general room
        self._know(stream.person, mine)
        if stream.all_conversations:
            # Of what was made or joined since the cursor, everything; of what was left, nothing.
            new = {c: head if head > FURTHEST_BEHIND else 0 for c, head in mine.items()} if stream.seen else mine
            stream.seen = new | {c: change for c, change in stream.seen.items() if c in mine}
            stream.behind = set(stream.seen)
        for conversation, change in list(stream.seen.items()):
            if conversation not in mine:
                raise NotFound
            if change > mine[conversation] or mine[conversation] - change > FURTHEST_BEHIND:
                for followed in list(stream.seen):
                    self._unfollow(stream, followed)
                return None
            self._follow(stream, conversation, mine[conversation])
        # Asked again, now that the tails would tell of a removal.
        mine = await feed.ids(stream.person)
        if not stream.seen.keys() <= mine.keys():
            raise NotFound
        return mine

    async def catch_up(self, stream: Stream, heads: dict[int, int], patient: bool = False) -> None:
        """Writes what the stream missed, then joins it to the live feed, without gap or repeat.

        `patient` waits for a client that reads slowly; otherwise it is as with what comes live."""
        for conversation in list(stream.behind):
            while conversation in stream.behind and not stream.closing:
                tail = self.tails[conversation]
                seen = stream.seen[conversation]
                if seen >= max(tail.place, heads.get(conversation, 0)):
                    stream.behind.discard(conversation)
                    break
                rows = await messages.changed_since(conversation, seen, MOST_AT_ONCE)
                if stream.seen.get(conversation) != seen or conversation not in stream.behind:
                    continue  # removed meanwhile, or brought on by `refresh`
                if not rows:  # the head moved without a message (a change that another one overtook)
                    stream.seen[conversation] = max(seen, tail.place, heads.get(conversation, 0))
                    continue
                for row, (change, data) in zip(rows, encode(rows, stream.variant), strict=True):
                    if stream.seen.get(conversation, change) >= change:
                        break  # removed or brought on, while this waited for the client
                    # At `heads` it was still in: so a removal after it is one that its tail will tell of too late.
                    if left_by(row) == stream.person and change > heads.get(conversation, 0):
                        self.left(conversation, stream.person)
                        break
                    stream.deliver_message(conversation, change, data)
                    self.receipts.delivered_to(stream.person, conversation, row["position"])
                    if patient:
                        await stream.drained()
                if any(row["kind"] == "system" for row in rows):
                    self.state.head(conversation)
            if stream.closing:
                return
            behind = self.tails.get(conversation)
            if behind is not None and behind.place < stream.seen.get(conversation, 0):
                behind.wake()

    async def send_state(self, stream: Stream) -> None:
        """Writes the present state: the whole sidebar, in the language of the stream."""
        i18n.use(stream.locale)
        view = await lines.sidebar_of(stream.person)
        partners = [item.person.id for item in view.conversations if item.person]
        states = {} if stream.json else await presence.states(stream.person, partners, apart=False)
        stream.deliver(sidebar_event(stream.json, stream.locale, view, states))
        await self.presence.greet(stream, partners)
        await self.receipts.greet(stream)
        await self.notices.greet(stream)
        for conversation in list(stream.parted):  # told again: it may have been before the stream had started
            self.state.line(stream.person, conversation)

    def release(self, stream: Stream) -> None:
        """Forgets a stream that ended."""
        self.streams.pop(stream.number, None)
        for conversation in list(stream.seen):
            self._unfollow(stream, conversation)
        mine = self.by_person[stream.person]
        mine.discard(stream)
        if not mine:
            del self.by_person[stream.person]
            self._know(stream.person, {})
            self.presence.closed(stream.person)
        if stream.number:
            task = asyncio.get_running_loop().create_task(self._close_stream(stream.number))
            self._closed.add(task)
            task.add_done_callback(self._closed.discard)

    async def refresh(self, person: int) -> None:
        """The person's conversations are others now: follow the new ones, leave those they are no longer in."""
        if person not in self.by_person:
            return
        mine = await feed.ids(person)
        if person not in self.by_person:
            return  # the last of their streams ended meanwhile
        self._know(person, mine)
        for stream in list(self.by_person.get(person, ())):
            if stream.closing:
                continue  # while one before it was brought up to date
            for conversation in [c for c in stream.seen if c not in mine]:  # before its tail came to read of it
                stream.parted[conversation] = stream.seen[conversation]
                self._unfollow(stream, conversation)
            # What it was told to leave by the feed may be theirs again.
            wanted = mine.keys() if stream.all_conversations else mine.keys() & stream.parted.keys()
            new = wanted - stream.seen.keys()
            for conversation in new:
                head, start = mine[conversation], stream.parted.pop(conversation, None)
                if start is not None and head - start > FURTHEST_BEHIND:
                    stream.close()  # it comes back and is told to load anew
                    break
                stream.seen[conversation] = start or (0 if head <= FURTHEST_BEHIND else head)
                stream.behind.add(conversation)
                self._follow(stream, conversation, head)
            if new:
                await self.catch_up(stream, mine)
            await self.send_state(stream)

    # Following

    def _follow(self, stream: Stream, conversation: int, head: int) -> None:
        tail = self.tails.get(conversation)
        if tail is None:
            tail = self.tails[conversation] = Tail(
                conversation, head, self.left, self.state.head, self.receipts.delivered
            )
        tail.streams.add(stream)
        if tail.place < head:
            tail.wake()

    def _unfollow(self, stream: Stream, conversation: int) -> None:
        stream.seen.pop(conversation, None)
        stream.behind.discard(conversation)
        tail = self.tails.get(conversation)
        if tail is not None:
            tail.streams.discard(stream)
            if not tail.streams:
                tail.stop()
                del self.tails[conversation]

    def left(self, conversation: int, person: int) -> None:
        """By the feed: from here on this person's streams get nothing of it, and their sidebar loses its line.

        Unless they are in again by now, which the feed will tell too late: so it is asked for."""
        for stream in list(self.by_person.get(person, ())):
            if conversation in stream.seen:
                stream.parted[conversation] = stream.seen[conversation]
                self.state.sidebar(person)
            self._unfollow(stream, conversation)
        self.parted(conversation, person)
        if person in self.by_person:
            self.state.line(person, conversation)

    def parted(self, conversation: int, person: int) -> None:
        """That person is not in it, so it is no longer watched for them."""
        self.conversations_of.get(person, set()).discard(conversation)
        people = self.people_of.get(conversation, set())
        people.discard(person)
        if not people:
            self.people_of.pop(conversation, None)
            self.heads.pop(conversation, None)

    def moved_on(self, conversation: int, head: int) -> bool:
        """Whether the sidebars do not know of this head yet; from now on they do."""
        if self.heads.get(conversation, head) >= head:
            return False
        self.heads[conversation] = head
        return True

    def changed(self, conversation: int) -> None:
        """The conversation moved on: wakes its tail, and says so in the sidebars."""
        tail = self.tails.get(conversation)
        if tail is not None:
            tail.wake()
        if conversation in self.people_of:
            self.state.moved_on(conversation)

    def _know(self, person: int, mine: dict[int, int]) -> None:
        for conversation in self.conversations_of.get(person, set()) - mine.keys():
            self.parted(conversation, person)
        self.conversations_of.pop(person, None)
        if mine:
            self.conversations_of[person] = set(mine)
            for conversation, head in mine.items():
                self.people_of[conversation].add(person)
                self.heads.setdefault(conversation, head)

    # Work that goes on all the time

    async def _beat(self) -> None:
        """A ping to each stream, so that proxies keep it open and a page notices when nothing comes any more."""
        while True:
            await asyncio.sleep(self.settings.heartbeat_seconds)
            for index, stream in enumerate(list(self.streams.values())):
                stream.deliver(wire.PING)
                if index % 50 == 49:
                    await asyncio.sleep(0)

    async def _live_on(self) -> None:
        while True:
            await asyncio.sleep(ALIVE_EVERY * random.uniform(0.8, 1.0))
            with suppress(*database.FAILED):
                await self._say_alive()

    async def _say_alive(self) -> None:
        await self.presence.beat()
        if self._unsure:
            self._unsure = False
            await registry.keep_only(self.process, list(self.streams))

    def open_streams(self) -> list[tuple[int, int]]:
        """The number and the person of each."""
        return [(stream.number, stream.person) for stream in self.streams.values()]

    async def _close_stream(self, number: int) -> None:
        try:
            await registry.close_stream(number)
        except database.FAILED:
            self._unsure = True  # the next beat tells the database which are open


async def _kept_going(work: Callable[[], Awaitable[None]]) -> None:
    """Work that goes on all the time: a fault of ours in it must not silence every stream of the process."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("live work failed")
            await asyncio.sleep(1)
