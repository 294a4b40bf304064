"""The watch: once a second it asks the database, which is the truth, for what a lost hint did not tell.

Are the sessions of the open streams still good? Did a conversation move on? Did someone come into one, or
is no longer in what they follow?
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import structlog

from app.accounts import sessions
from app.conversations import feed
from app.core.patience import patience
from app.live import wire

if TYPE_CHECKING:
    from app.live.hub import Hub

log = structlog.get_logger()
CHECK = 1.0
# A membership is looked for this many checks after its number was drawn: transactions do not commit in the order of
# their numbers. The first check looks back over as many memberships as RECENT.
LATEST_COMMIT = 10
RECENT = 1000


class Watch:
    """The watch over the streams of a hub."""

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        self.newest: deque[int] = deque(maxlen=LATEST_COMMIT)
        # Of the watched conversations those that people leave without a word in the feed.
        self.left_silently: set[int] = set()

    async def run(self) -> None:
        """Looks once a second, until cancelled."""
        while True:
            await asyncio.sleep(CHECK)
            if not self.hub.streams:
                self.newest.clear()
                continue
            with patience("watch waits"):
                await self.check_sessions()
                await self.check_heads()
                await self.check_memberships()
                await self.check_followers()

    async def check_sessions(self) -> None:
        """Ends the streams whose session is over."""
        asked = list(self.hub.streams.values())  # others open meanwhile
        good = await sessions.still_good(list({stream.session for stream in asked}))
        for stream in asked:
            if stream.session not in good:
                stream.close(wire.SIGNED_OUT)

    async def check_heads(self) -> None:
        """Wakes what did not hear that its conversation moved on, and takes leave of those that are gone."""
        hub = self.hub
        watched = list({*hub.tails, *hub.people_of})
        heads, self.left_silently = await feed.heads(watched)
        for conversation in watched:
            head = heads.get(conversation)
            if head is None:
                for person in list(hub.people_of.get(conversation, ())):
                    hub.left(conversation, person)
                continue
            tail = hub.tails.get(conversation)
            if hub.moved_on(conversation, head) or (tail is not None and tail.place < head):
                hub.changed(conversation)

    async def check_memberships(self) -> None:
        """Refreshes those who are in a conversation that their streams do not know of."""
        newest = await feed.newest_membership()
        since = self.newest[0] if self.newest else max(0, newest - RECENT)
        self.newest.append(newest)
        if since == newest:
            return
        entered = await feed.entered_since(since, list(self.hub.conversations_of))
        for person, conversation in entered:
            if conversation not in self.hub.conversations_of.get(person, ()):
                self.hub.state.sidebar(person)

    async def check_followers(self) -> None:
        """Takes leave of those who are no longer in what their streams follow, where no feed told of it: the team of a
        support conversation comes and goes without a word."""
        hub = self.hub
        tails = [hub.tails[each] for each in self.left_silently & hub.tails.keys()]
        followed = {(stream.person, tail.conversation) for tail in tails for stream in tail.streams}
        if not followed:
            return
        for person, conversation in await feed.strangers(list(followed)):
            hub.left(conversation, person)
