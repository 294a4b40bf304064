"""Progress: how far the exports of a person are, for their open pages and programs. State, so sent as it is now.

What is in an event is another package's; the composition root gives the one function that reads it. A page that has
just connected asks for what it shows (see static/js/exports.js): so hardly any connection costs a statement more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app.core.i18n import Locale
from app.live import wire
from app.live.rounds import pause, rounds

if TYPE_CHECKING:
    from app.live.hub import Hub

# Of these (person, export): what gives the data of an event for one of them, as JSON or HTML in a locale; or None when
# whoever comes by a token is not told.
Write = Callable[[int, int, bool, Locale, bool], str | None]
Read = Callable[[list[tuple[int, int]]], Awaitable[Write]]
GATHER = 0.2
REST = 9
MOST = 500


class Progress:
    """Whose exports are to be told of."""

    def __init__(self, hub: "Hub", read: Read) -> None:
        self.hub = hub
        self.read = read
        self.waiting: dict[tuple[int, int], None] = {}
        self._awake = asyncio.Event()

    def hear(self, person: int, export: int) -> None:
        """A hint."""
        if person in self.hub.by_person:
            self.waiting[person, export] = None
            self._awake.set()

    async def run(self) -> None:
        """Tells what is gathered, until cancelled."""
        await rounds(self._awake, self._round, lambda took: pause(GATHER, REST, took), what="progress")

    async def _round(self) -> None:
        taken = list(self.waiting)[:MOST]
        for pair in taken:
            del self.waiting[pair]
        try:
            write = await self.read(taken)
        except BaseException:
            self.waiting |= dict.fromkeys(taken)
            raise
        if self.waiting:
            self._awake.set()
        for person, export in taken:
            for stream in list(self.hub.by_person.get(person, ())):
                # The session of a token is its number with a minus.
                data = write(person, export, stream.json, stream.locale, stream.session < 0)
                if data is not None:
                    stream.deliver(wire.event("export", data))
