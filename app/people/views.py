"""What people show of themselves to others."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from app.core.i18n import _


def shown_name(name: str) -> str:
    """The name, or what stands for it once its account was deleted, in the language of this request (or stream)."""
    return name or _("Deleted account")


def is_gone(username: str) -> bool:
    """Whether the account was deleted: there is no page of theirs, and nobody reads what is written to them."""
    return username.startswith("deleted~")


class PersonCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person as everyone may see them, wherever a name stands. `avatar` is the address of their picture; of who has
    none it is left out, and so is `bot` of who is none."""

    id: int
    username: str
    name: str
    role: str
    avatar: str | None = None
    bot: bool = False


class PresentCard(PersonCard, frozen=True, kw_only=True):
    """With whether they are there, as far as the reader may see it: else they are offline."""

    presence: Literal["online", "away", "busy", "offline"]


class ProfileView(PresentCard, frozen=True, kw_only=True):
    """A person's own page. `email` is null for everyone but administrators and the person themselves; `last_seen_at`
    for whoever may not know it, while they are there, and when they never were. `bot_of` is the username of a bot's
    owner."""

    about: str
    email: str | None
    created_at: datetime
    last_seen_at: datetime | None
    bot_of: str | None = None


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
