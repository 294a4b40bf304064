"""Receipts: what a stream was given is marked as delivered, and marks that move are told to whoever sees the message.

Both are gathered: one statement writes what was delivered in all conversations, one reads the marks of those in which
one moved. So a message to fifty people costs as many events as there are streams, and no statement of its own.
"""

import asyncio
import time
from typing import TYPE_CHECKING

from app.conversations import receipts
from app.conversations.receipts import Mark
from app.conversations.views import ReceiptView
from app.live import wire
from app.live.rounds import pause, rounds

if TYPE_CHECKING:
    from app.live.hub import Hub
    from app.live.stream import Stream

# In a lively instance receipts take a twentieth of the time, or wait two seconds, and messages have the rest.
GATHER = 0.4
REST = 19
# How long it is believed that a conversation is small enough for marks, or too large.
BELIEVED = 60.0


class Receipts:
    """What was delivered and is not written yet, and where marks moved."""

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        # The furthest that went to all streams of a conversation, and to one person who caught up.
        self.handed_out: dict[int, int] = {}
        self.caught_up: dict[tuple[int, int], int] = {}
        self.changed: dict[int, None] = {}
        # The marks that were told, of conversations that someone here has open.
        self._told: dict[int, dict[int, tuple[int, int]]] = {}
        self._counted: dict[int, tuple[bool, float]] = {}
        self._awake = asyncio.Event()

    def delivered(self, conversation: int, position: int) -> None:
        """All streams of that conversation were given this message."""
        if self._counted.get(conversation, (True, 0.0))[0]:
            self.handed_out[conversation] = max(position, self.handed_out.get(conversation, 0))
            self._awake.set()

    def delivered_to(self, person: int, conversation: int, position: int) -> None:
        """A stream of that person has caught up to it."""
        self.caught_up[conversation, person] = max(position, self.caught_up.get((conversation, person), 0))
        self._awake.set()

    def hear(self, conversation: int) -> None:
        """A mark in it moved."""
        if conversation in self.hub.tails:
            self.changed[conversation] = None
            self._awake.set()

    async def run(self) -> None:
        """Writes and tells what is gathered, until cancelled."""
        await rounds(self._awake, self._round, lambda took: pause(GATHER, REST, took), what="receipts")

    async def _round(self) -> None:
        await self._write()
        await self._tell()

    async def _write(self) -> None:
        handed_out, caught_up = self.handed_out, self.caught_up
        self.handed_out, self.caught_up = {}, {}
        try:
            counted = await self._which_count({*handed_out, *(conversation for conversation, _person in caught_up)})
            pairs = {pair: position for pair, position in caught_up.items() if pair[0] in counted}
            for conversation in handed_out.keys() & counted:
                tail = self.hub.tails.get(conversation)
                for stream in tail.streams if tail is not None else ():
                    if conversation not in stream.behind:
                        pair = conversation, stream.person
                        pairs[pair] = max(handed_out[conversation], pairs.get(pair, 0))
            for conversation in await receipts.write(pairs) if pairs else ():
                self.hub.bell.ring("m", conversation)
        except BaseException:
            self.handed_out, self.caught_up = handed_out | self.handed_out, caught_up | self.caught_up
            raise

    async def _which_count(self, conversations: set[int]) -> set[int]:
        now = time.monotonic()
        unsure = [each for each in conversations if self._counted.get(each, (False, 0.0))[1] < now]
        if unsure:
            counted = await receipts.counted(unsure)
            self._counted = {each: known for each, known in self._counted.items() if known[1] >= now}
            self._counted |= {each: (each in counted, now + BELIEVED) for each in unsure}
        return {each for each in conversations if self._counted[each][0]}

    async def _tell(self) -> None:
        tails = self.hub.tails
        conversations = [each for each in self.changed if each in tails]
        self._told = {each: told for each, told in self._told.items() if each in tails}
        if not conversations:
            self.changed.clear()
            return
        for each in conversations:  # what moves while this reads is read again
            del self.changed[each]
        try:
            found = await receipts.marks(conversations)
        except BaseException:
            self.changed |= dict.fromkeys(conversations)
            raise
        for conversation, marks in found.items():
            before = self._told.get(conversation, {})
            now = {mark.receipt.person.id: (mark.receipt.delivered, mark.receipt.read) for mark in marks}
            self._told[conversation] = now
            moved = [mark for mark in marks if before.get(mark.receipt.person.id) != now[mark.receipt.person.id]]
            tail = tails.get(conversation)
            for stream in list(tail.streams) if tail is not None else ():
                if stream.person in now:  # whoever left meanwhile is told nothing more
                    self._give(stream, conversation, moved)

    async def greet(self, stream: "Stream") -> None:
        """At connect: the marks beside the conversation that the page has open."""
        conversation = next(iter(stream.seen), 0)
        if len(stream.seen) == 1 and await self._which_count({conversation}):
            marks = (await receipts.marks([conversation])).get(conversation, [])
            if any(mark.receipt.person.id == stream.person for mark in marks):
                self._give(stream, conversation, marks)

    def _give(self, stream: "Stream", conversation: int, marks: list[Mark]) -> None:
        mine = [mark.receipt for mark in marks if mark.is_for(stream.person)]
        if mine:
            stream.deliver(_event(stream.json, conversation, mine))


def _event(json: bool, conversation: int, marks: list[ReceiptView]) -> bytes:
    if json:
        return b"".join(wire.receipt_json(conversation, mark) for mark in marks)
    return wire.event("receipt", "".join(wire.receipt_html(mark) for mark in marks))
