"""The load of these tests as a whole, and its judge."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import asyncpg

from tests.faults.people import Kept, Sender, Visitor, Watcher
from tests.faults.processes import until


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

    async def more(self, many: int, seconds: float = 45) -> None:
        """Waits for so many more acknowledgements."""
        wanted = len(self.kept) + many
        await until(lambda: len(self.kept) >= wanted, seconds, f"{many} more acknowledged sends")

    async def recovered(self, since: float, seconds: float = 10) -> float:
        """Waits for the acknowledgement of a send that was asked after `since`; gives the seconds that it took."""
        await until(lambda: self._last[1] >= since, seconds, "a send is acknowledged again")
        return self._last[0] - since

    async def all_connected(self, seconds: float = 45) -> None:
        """Waits until every stream is open and has the state that it begins with: one that a fault meets before that
        is ended, and comes back."""
        await until(lambda: all(w.connected and w.begun for w in self.watchers), seconds, "every stream is open")

    async def all_live(self, seconds: float = 45) -> None:
        """Waits for more messages and a heartbeat on every stream: by then each one is up to date."""
        pings = [watcher.events["ping"] for watcher in self.watchers]
        await self.more(15)
        beaten = partial(_beaten, self.watchers, pings)
        await until(beaten, seconds, "every stream had a heartbeat")

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
            "SELECT id, conversation, position, change, key::text FROM message WHERE conversation = ANY($1)"
            " ORDER BY conversation, change",
            list({kept.conversation for kept in self.kept}),
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


def _beaten(watchers: Sequence[Watcher], pings: Sequence[int]) -> bool:
    return all(watcher.events["ping"] > before for watcher, before in zip(watchers, pings, strict=True))


def _difference(seen: list[int], wanted: list[int]) -> str:
    twice = [change for change, times in Counter(seen).items() if times > 1]
    return f"missing {sorted(set(wanted) - set(seen))[:10]}, twice {twice[:10]}, sorted: {seen == sorted(seen)}"
