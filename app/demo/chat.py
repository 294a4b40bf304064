"""One conversation of the demo as rows: its places, its change feed, and how far each of its people has read."""

from __future__ import annotations

import random
import uuid
from bisect import bisect
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter


@dataclass(slots=True, eq=False)
class Draft:
    """A message before it is a row; `author` and `subject` are ids of people."""

    author: int
    body: str
    said_at: datetime
    event: str | None = None
    subject: int | None = None
    reply_to: Draft | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    key: uuid.UUID | None = None
    id: int = 0
    position: int = 0
    change: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is unread to those who have not seen it: system messages and deleted ones never are."""
        return self.event is None and self.deleted_at is None


@dataclass(slots=True)
class Stay:
    """From when until when somebody was a member; `unread` is how many messages they have not read, if it matters."""

    person: int
    joined_at: datetime
    left_at: datetime | None = None
    unread: int | None = None
    read_position: int = 0

    def covers(self, begin: datetime, end: datetime) -> bool:
        """Whether they were there all that time."""
        return self.joined_at <= begin and (self.left_at is None or self.left_at > end)


@dataclass(slots=True)
class Chat:
    """A conversation with everyone who is or was in it, and everything that was said."""

    kind: str
    title: str
    owner: int | None
    created_at: datetime
    direct_key: str | None = None
    stays: list[Stay] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    id: int = 0
    change: int = 0

    @property
    def last_activity_at(self) -> datetime:
        return self.drafts[-1].said_at if self.drafts else self.created_at

    def happened(self, event: str, author: int, subject: int | None, when: datetime, body: str = "") -> None:
        """Adds the system message that tells of it."""
        self.drafts.append(Draft(author, body, when, event=event, subject=subject))

    def settle(self, rng: random.Random) -> None:
        """Gives each message its place and the number of its latest change, as the app would have; sets the read marks.

        A message that was edited or deleted has the number of that: the one of its making is then no longer used.
        """
        self.drafts.sort(key=attrgetter("said_at"))
        moments: list[tuple[datetime, int, Draft]] = []
        for position, draft in enumerate(self.drafts, 1):
            if position > 1:  # two at the same moment would have no order in time
                draft.said_at = max(draft.said_at, self.drafts[position - 2].said_at + timedelta(milliseconds=1))
            draft.position = position
            moments.append((draft.said_at, position, draft))
            for later in (draft.edited_at, draft.deleted_at):
                if later is not None:
                    moments.append((later, position, draft))
        moments.sort(key=lambda moment: moment[:2])
        for change, (_, _, draft) in enumerate(moments, 1):
            draft.change = change
        self.change = len(moments)
        self._mark_read(rng)

    def _mark_read(self, rng: random.Random) -> None:
        count = len(self.drafts)
        own = {draft.author: draft.position for draft in self.drafts}  # who writes has read what stands above
        for stay in self.stays:
            seen_at_joining = bisect(self.drafts, stay.joined_at, key=attrgetter("said_at"))
            behind = rng.choices((0, rng.randint(1, 30), int(count * rng.uniform(0.05, 0.6))), (9, 7, 4))[0]
            read = count - behind if stay.unread is None else self._before_the_last(stay.unread, stay.person)
            stay.read_position = min(count, max(read, own.get(stay.person, 0), seen_at_joining))

    def _before_the_last(self, unread: int, person: int) -> int:
        """The place after which exactly so many messages count as unread to that person."""
        for draft in reversed(self.drafts):
            if not unread:
                return draft.position
            unread -= draft.counts and draft.author != person
        return 0
