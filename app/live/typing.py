"""Who is typing: told to those who have the conversation open, and forgotten. It is never stored.

A hint from any process says who types where; what it may tell, and to whom, is asked of the database for all that came
within a moment at once. Whoever is no longer a member, and whoever is blocked either way, neither tells nor is told.
"""

import asyncio
from typing import TYPE_CHECKING

import structlog

from app.conversations import feed
from app.core import database
from app.live import wire
from app.live.state import GATHER
from app.messages.views import Author

if TYPE_CHECKING:
    from app.live.hub import Hub

log = structlog.get_logger()


class Typing:
    """The signals that are to be told."""

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        self.waiting: dict[tuple[int, int], None] = {}
        self._awake = asyncio.Event()

    def hear(self, conversation: int, person: int) -> None:
        """That person types there."""
        tail = self.hub.tails.get(conversation)
        if tail is not None and any(stream.person != person for stream in tail.streams):
            self.waiting[conversation, person] = None
            self._awake.set()

    async def run(self) -> None:
        """Tells what is gathered, until cancelled."""
        while True:
            await self._awake.wait()
            self._awake.clear()
            signals, self.waiting = list(self.waiting), {}
            try:
                await self._tell(signals)
            except database.FAILED as error:
                # Not kept: they would be old by the time that the database is back.
                log.warning("typing is not told without the database", error=type(error).__name__)
            await asyncio.sleep(GATHER)

    async def _tell(self, signals: list[tuple[int, int]]) -> None:
        tails = {conversation: self.hub.tails.get(conversation) for conversation, _person in signals}
        viewers = {stream.person for tail in tails.values() if tail is not None for stream in tail.streams}
        for signal in await feed.typists(signals, list(viewers)):
            tail = self.hub.tails.get(signal.conversation)
            if tail is None:
                continue
            author = Author(signal.person, signal.username, signal.name)
            as_json, as_html = wire.typing_json(signal.conversation, author), wire.typing_html(author)
            for stream in [each for each in tail.streams if each.person in signal.told]:
                stream.deliver(as_json if stream.json else as_html)
