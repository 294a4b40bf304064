"""Notices: that someone was told of something, and how much of it they have not read. State, so sent at each connect.

What is in them is another package's; the composition root gives the one function that reads it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app.core.i18n import Locale
from app.live import wire
from app.live.rounds import pause, rounds

if TYPE_CHECKING:
    from app.live.hub import Hub
    from app.live.stream import Stream

# For these (person, number or 0): how many are unread to each, and what gives the data of an event for one of them, as
# JSON or HTML in a locale.
Read = Callable[[list[tuple[int, int]]], Awaitable[tuple[dict[int, int], Callable[[int, int, bool, Locale], str]]]]
GATHER = 0.2
REST = 9
MOST = 500


class Notices:
    """Who is to be told: of a notification, by its number, or (0) that what they were told before is not as it was."""

    def __init__(self, hub: "Hub", read: Read) -> None:
        self.hub = hub
        self.read = read
        # And whether they are, also when the same number is unread.
        self.waiting: dict[tuple[int, int], bool] = {}
        # What the pages of each person show: whoever reads on has mostly nothing to be told of by it.
        self._shown: dict[int, int] = {}
        self._awake = asyncio.Event()

    def hear(self, person: int, number: int, always: bool = True) -> None:
        """A hint; without `always` they have only read on."""
        if person in self.hub.by_person:
            self.waiting[person, number] = always or self.waiting.get((person, number), False)
            self._awake.set()

    async def run(self) -> None:
        """Tells what is gathered, until cancelled."""
        await rounds(self._awake, self._round, lambda took: pause(GATHER, REST, took), what="notices")

    async def _round(self) -> None:
        hints = dict(list(self.waiting.items())[:MOST])
        taken = list(hints)
        for pair in taken:
            del self.waiting[pair]
        try:
            unread, write = await self.read(taken)
        except BaseException:
            self.waiting = hints | {pair: each or hints.get(pair, False) for pair, each in self.waiting.items()}
            raise
        if self.waiting:
            self._awake.set()
        self._shown = {person: count for person, count in self._shown.items() if person in self.hub.by_person}
        for (person, number), always in hints.items():
            if not always and self._shown.get(person) == unread[person]:
                continue
            self._shown[person] = unread[person]
            for stream in list(self.hub.by_person.get(person, ())):
                stream.deliver(wire.event("notification", write(person, number, stream.json, stream.locale)))

    async def greet(self, stream: "Stream") -> None:
        """At connect: how many are unread. Programs too, which so know that they listen."""
        unread, write = await self.read([(stream.person, 0)])
        # What others of theirs show may be older by now.
        if self._shown.get(stream.person, unread[stream.person]) != unread[stream.person]:
            self.hear(stream.person, 0, always=False)
        else:
            self._shown[stream.person] = unread[stream.person]
        stream.deliver(wire.event("notification", write(stream.person, 0, stream.json, stream.locale)))
