"""Who is there, for the streams of this process: keeps the book of `people/presence` right, and tells what changes.

A hint says that someone came, left, fell silent or woke up; what it is, and who may know, is read from the database for
all that came within a moment. So people who come and go cost queries by the second and not by the person. Who is still
there costs one statement each half minute, which says too that this process lives, and makes good for lost hints.
"""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from app.conversations import feed
from app.conversations.views import PanelView
from app.core import i18n
from app.live import registry, wire
from app.live.audience import Audience, audience
from app.live.registry import NEVER
from app.live.rounds import pause, rounds
from app.messages import queries as messages
from app.messages.views import Author
from app.people import presence
from app.people.presence import Entry, Present, State

if TYPE_CHECKING:
    from app.live.hub import Hub
    from app.live.stream import Stream

# Between two rounds; in a lively instance longer, so that presence takes a seventh of the time, or waits two seconds.
GATHER = 1.0
REST = 6
# Someone goes from page to page: their stream ends, and the next one opens. Only who stays away has left.
GRACE = 8.0
# One who reads many pages without scripts is written down once in so long.
AGAIN = timedelta(minutes=1)
# Entries of the book that are read anew each half minute, beside those that are due: a lost hint is made good for.
CHECKED = 200


class Change(NamedTuple):
    """What someone is now; and who they were, when whom it is shown to is other now."""

    present: Present
    state: State
    before: Present | None


class Presence:
    """What is known, and what is to be told."""

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        # What they did since it was last written down, and who of them is to be written down at once.
        self.active_at: dict[int, datetime] = {}
        self.urgent: dict[int, None] = {}
        self.changed: dict[int, None] = {}
        # Someone, and to whom alone they are to be shown anew: a block, a contact.
        self.between: dict[tuple[int, int], None] = {}
        self._leaving: dict[int, asyncio.TimerHandle] = {}
        self._plainly: dict[int, datetime] = {}
        self._checked = 0
        self._awake = asyncio.Event()
        # What is asked first is written down first: else what somebody was a moment ago would overwrite what they are.
        self._one_at_a_time = asyncio.Lock()

    # What happens

    def opened(self, stream: "Stream") -> None:
        """A stream of theirs is open now. One that follows a conversation is of a page that someone looks at."""
        leaving = self._leaving.pop(stream.person, None)
        if leaving is not None:
            leaving.cancel()
        if stream.seen and not stream.json:
            self.active(stream.person)
        elif stream.person not in presence.book:
            self.hub.bell.ring("o", stream.person)

    def closed(self, person: int) -> None:
        """Their last stream here has ended."""
        if not self.hub.closing:
            loop = asyncio.get_running_loop()
            self._leaving[person] = loop.call_later(GRACE, self._left, person)

    def _left(self, person: int) -> None:
        self._leaving.pop(person, None)
        if person not in self.hub.by_person:
            self.hub.bell.ring("o", person)

    def active(self, person: int) -> None:
        """They pressed a key, or opened a page. It is told at once to whom it makes a difference."""
        now = self.active_at[person] = presence.now()
        entry = presence.book.get(person)
        if entry is not None and entry.state != "away" and entry.present.plain_until is None:
            entry.present.active_at = now
        elif entry is None or entry.present.choice == "auto":
            self.urgent[person] = None
            self._awake.set()

    async def read_plainly(self, person: int) -> None:
        """They read a page without scripts: such a page has no stream, and for a while they count as here."""
        entry = presence.book.get(person)
        if entry is not None and entry.present.plain_until is None:
            return self.active(person)
        now = presence.now()
        if now - self._plainly.get(person, NEVER) > AGAIN:
            self._plainly[person] = now
            await registry.here_by_pages(person)
            self.hub.bell.ring("o", person)
        return None

    def hear(self, person: int, viewer: int) -> None:
        """Something about that person changed; or what there is between them and one viewer."""
        if viewer:
            self.between[person, viewer] = None
        else:
            self.changed[person] = None
        self._awake.set()

    # What is done about it

    async def run(self) -> None:
        """Learns and tells what is gathered, until cancelled."""
        await rounds(self._awake, self._round, lambda took: pause(GATHER, REST, took), what="presence")

    async def _round(self) -> None:
        urgent, changed, between = self.urgent, self.changed, self.between
        self.urgent, self.changed, self.between = {}, {}, {}
        try:
            if urgent:
                await self._write(list(urgent))
                for person in urgent:
                    self.hub.bell.ring("o", person)
                changed, self.changed = changed | self.changed, {}
            if changed:
                async with self._one_at_a_time:
                    await self._learn(list(changed), await registry.whereabouts(list(changed)))
            for person, viewer in between:
                await self._show(person, viewer)
        except BaseException:
            self.urgent, self.changed = urgent | self.urgent, changed | self.changed
            self.between = between | self.between
            raise

    async def _write(self, people: list[int]) -> None:
        await registry.write_activity({person: self.active_at[person] for person in people if person in self.active_at})

    async def beat(self) -> None:
        """Twice a minute: this process lives, these people did something; who of the book is still there?"""
        async with self._one_at_a_time:
            await self._beat()

    async def _beat(self) -> None:
        active, self.active_at = self.active_at, {}
        known = list(presence.book)
        now = presence.now()
        self._plainly = {person: at for person, at in self._plainly.items() if now - at <= AGAIN}
        due = [person for person in known if presence.book[person].present.state(now) != presence.book[person].state]
        self._checked = self._checked + CHECKED if self._checked + CHECKED < len(known) else 0
        asked = [*due, *known[self._checked : self._checked + CHECKED]]
        try:
            again, found = await registry.beat(self.hub.process, active, asked)
        except BaseException:
            self.active_at = active | self.active_at
            raise
        if again:  # a crash of Postgres has emptied the registry: nobody was found there
            await registry.write_again(self.hub.process, self.hub.open_streams())
            self.changed |= dict.fromkeys(asked)
            self._awake.set()
        else:
            await self._learn(list({*asked, *found}), found)

    async def _learn(self, asked: list[int], found: dict[int, registry.Found]) -> None:
        """Tells what was read and is other than before, and puts all of it into the book.

        Who may be told is asked before either: if the database goes away meanwhile, it is news the next time too."""
        now = presence.now()
        entries: dict[int, Entry | None] = {}
        changes: list[Change] = []
        for person in asked:
            old, row = presence.book.get(person), found.get(person)
            entries[person] = entry = _entry(old, row, now)
            present = row.present if row else old.present if old else None
            before = old.present if old and present and old.present.shown_to != present.shown_to else None
            state = entry.state if entry else "offline"
            if present is not None and (before or state != (old.state if old else "offline")):
                changes.append(Change(present, state, before))
        who = await self._audience(changes) if changes and self.hub.streams else None
        for person, entry in entries.items():
            if entry is not None:
                presence.book[person] = entry
            else:
                presence.book.pop(person, None)
        if who is not None:
            self._tell(changes, who)

    async def _audience(self, changes: list[Change]) -> Audience:
        by_contacts = [
            change.present.id
            for change in changes
            if any(each and each.shown_to == "contacts" for each in (change.present, change.before))
        ]
        people = [change.present.id for change in changes]
        return await audience(people, list(self.hub.tails), list(self.hub.by_person), by_contacts)

    def _tell(self, changes: list[Change], who: Audience) -> None:
        told: dict[Stream, list[tuple[Present, State]]] = defaultdict(list)
        for present, state, before in changes:
            for stream in self._streams(present.id, who):
                if who.may_see(stream.person, present):
                    told[stream].append((present, state))
                elif before is not None and who.may_see(stream.person, before):
                    told[stream].append((present, "offline"))  # to anyone else, this would say that they are there
        made: dict[tuple[object, ...], bytes] = {}
        for stream, states in told.items():
            key = (stream.variant, *((present.id, state) for present, state in states))
            if key not in made:
                made[key] = _events(stream, states)
            stream.deliver(made[key])

    def _streams(self, person: int, who: Audience) -> set["Stream"]:
        """On whose pages that person is: beside an open conversation, in the sidebar, on their own."""
        hub = self.hub
        found = set(hub.by_person.get(person, ()))
        for conversation in who.conversations[person]:
            tail = hub.tails.get(conversation)
            if tail is not None:
                found |= tail.streams
        for viewer in who.partners[person]:
            found |= hub.by_person.get(viewer, set())
        return found

    async def beside(self, panel: PanelView, streams: list["Stream"]) -> None:
        """After the members beside an open conversation were sent anew, alike for all: who of them is there."""
        people = [each.id for each in panel.people]
        while True:
            found = {person: presence.book[person] for person in people if person in presence.book}
            here = list(found.values())
            by_contacts = [entry.present.id for entry in here if entry.present.shown_to == "contacts"]
            who = await audience(list(found), [], [], by_contacts)
            if presence.is_so_still(people, found):
                break
        for stream in streams:
            language = stream.locale.language
            seen = [entry for entry in here if who.may_see(stream.person, entry.present)]
            marks = [presence.mark(entry.present.id, entry.state, language) for entry in seen]
            stream.deliver(wire.event("presences", "".join(marks)))

    async def _show(self, person: int, viewer: int) -> None:
        streams = list(self.hub.by_person.get(viewer, ()))
        author = await messages.author(person) if any(stream.json for stream in streams) else None
        state = (await presence.states(viewer, [person])).get(person, "offline") if streams else "offline"
        # The same whether they are hidden or away: that something comes, or does not, must tell nobody which it is.
        for stream in streams:
            if not stream.json:
                stream.deliver(wire.event("presence", presence.mark(person, state, stream.locale.language)))
            elif author is not None:
                stream.deliver(wire.presence_json(author, state))

    async def greet(self, stream: "Stream", partners: list[int]) -> None:
        """At connect: who is there of those beside the open conversation, and (for a program) of direct partners."""
        people = [] if not stream.json else partners
        if len(stream.seen) == 1 and not stream.several:
            people = [*people, *await feed.some_members(next(iter(stream.seen)))]
        states = await presence.states(stream.person, people)
        if stream.json:
            stream.deliver(_events(stream, [(presence.book[person].present, states[person]) for person in states]))
        elif people:
            language = stream.locale.language
            marks = "".join(presence.mark(person, state, language) for person, state in states.items())
            stream.deliver(wire.event("presences", marks))


def _entry(old: Entry | None, row: registry.Found | None, now: datetime) -> Entry | None:
    """What the book is to say of someone, by what was read; None of who is not there."""
    if row is None or not row.here:
        return None
    if old is not None and old.present.active_at > row.present.active_at:
        row.present.active_at = old.present.active_at  # not written down yet
    state = row.present.state(now)
    return Entry(row.present, state) if state != "offline" else None


def _events(stream: "Stream", states: list[tuple[Present, State]]) -> bytes:
    if stream.json:
        return b"".join(
            wire.presence_json(Author(present.id, present.username, present.name), state) for present, state in states
        )
    i18n.use(stream.locale)
    marks = [presence.mark(present.id, state, stream.locale.language) for present, state in states]
    return wire.event("presence", "".join(marks))
