"""What people show of themselves to others."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec


class PersonCard(msgspec.Struct, frozen=True):
    """A person as everyone may see them. No e-mail address."""

    id: int
    username: str
    name: str
    role: str


class PresentCard(PersonCard, frozen=True):
    """With whether they are there, as far as the reader may see it: else they are offline, and were last seen never."""

    presence: Literal["online", "away", "busy", "offline"] = "offline"
    last_seen_at: datetime | None = None


class PrivacyView(msgspec.Struct):
    """What one tells others: `state` by what one does, or always away or busy; `shown_to` whom it is shown to, and the
    last time that one was there with it; `receipts` whether they see what one has received and read."""

    state: Literal["auto", "away", "busy"] = "auto"
    shown_to: Literal["everyone", "contacts", "nobody"] = "everyone"
    receipts: bool = True


class PeopleView(msgspec.Struct):
    """A page of the directory; `next` is the value of `after` to go on with, null at the end."""

    people: Sequence[PersonCard]
    q: str = ""
    next: str | None = None


class ContactView(msgspec.Struct):
    """What there is between the reader and a person. `verified`: they were in the same place when it was made."""

    id: int
    person: PersonCard
    state: Literal["asked_by_me", "asked_by_them", "accepted"]
    verified: bool
    created_at: datetime
    accepted_at: datetime | None


class ContactsView(msgspec.Struct):
    """My contacts by name, and the latest requests. `next`: the value of `after` to go on with, null at the end."""

    contacts: list[ContactView]
    asked_by_them: list[ContactView]
    asked_by_me: list[ContactView]
    next: str | None = None


class InvitationView(msgspec.Struct):
    """One's own link, for whoever stands beside."""

    url: str


class InvitedView(msgspec.Struct):
    """Whose link it is, and what there is between them and the reader already."""

    person: PersonCard
    contact: ContactView | None
