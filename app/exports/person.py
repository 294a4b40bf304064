"""All that Causerie keeps of a person and may give to that person, as the formats write it.

What is a secret stays here even from them: hashes, keys, the codes and addresses by which something can be done. Of
others it has what their pages show to this person at this moment, never an e-mail address. A text that somebody else
wrote is theirs: of a mention and of a notification it says who, where and when.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

import asyncpg
import msgspec

from app.accounts.views import Scope
from app.core import database, i18n
from app.core.errors import NotFound
from app.exports import own
from app.exports.model import Order
from app.messages.views import Author


class Picture(msgspec.Struct, frozen=True):
    """The picture beside their name: `data` is a file of that `type`."""

    name: str
    type: str
    data: bytes


class Profile(msgspec.Struct, frozen=True):
    """Who they are here. `pending_email` is an address that they asked for and have not confirmed yet."""

    id: int
    username: str
    name: str
    email: str
    pending_email: str | None
    role: str
    about: str
    language: str
    time_zone: str
    created_at: datetime
    updated_at: datetime
    picture: Picture | None


class Settings(msgspec.Struct, frozen=True):
    """What they chose, or what holds for who has not; see `people.views.PrivacyView` and the settings of notifications.
    `last_active_at`: when they were last seen here; `mail_refused_at`: when their address was last refused."""

    presence: str
    presence_shown_to: str
    receipts: bool
    last_active_at: datetime | None
    app: str
    mail: str
    push: str
    push_shows: str
    weekly: bool
    quiet_from: time | None
    quiet_to: time | None
    mail_refused_at: datetime | None


class Session(msgspec.Struct, frozen=True):
    """A device that is, or lately was, signed in."""

    id: int
    device: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class Token(msgspec.Struct, frozen=True):
    """What a program comes in with, as they themselves or as a bot of theirs (`username`)."""

    id: int
    username: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Device(msgspec.Struct, frozen=True):
    """A browser on which they are told."""

    id: int
    device: str
    created_at: datetime
    last_used_at: datetime | None


class Bot(msgspec.Struct, frozen=True):
    """A program that they made a member."""

    id: int
    username: str
    name: str
    created_at: datetime
    closed_at: datetime | None


class Webhook(msgspec.Struct, frozen=True):
    """What they set up between Causerie and another program: `direction` in (`name` is that of the webhook) or out
    (`name` is the address that is told, `events` of what)."""

    id: int
    direction: str
    conversation_id: int | None
    name: str
    events: list[str]
    created_at: datetime
    used_at: datetime | None
    disabled_at: datetime | None


class Contact(msgspec.Struct, frozen=True):
    """What there is between them and somebody: `state` is asked_by_me, asked_by_them or accepted."""

    id: int
    person: Author
    state: str
    verified: bool
    created_at: datetime
    accepted_at: datetime | None


class Block(msgspec.Struct, frozen=True):
    """Somebody of whom they want to see nothing."""

    person: Author
    created_at: datetime


class Conversation(msgspec.Struct, frozen=True):
    """A conversation that they are in, with what they keep for themselves of it. `person` is the other one of a direct
    one; `muted_until` in the year 9999 is for ever; `of_team`: in what somebody asks the staff, as one of the staff."""

    id: int
    kind: str
    title: str
    person: Author | None
    role: str
    joined_at: datetime
    read_position: int
    pinned: bool
    archived: bool
    muted_until: datetime | None
    level: str | None
    of_team: bool


class OwnMessage(msgspec.Struct, frozen=True):
    """What they wrote, wherever that was; of what was deleted the mark alone. `conversation` is how it is called, null
    where they are no longer in; `reply_to` the id of what it answers."""

    id: int
    conversation_id: int
    conversation: str | None
    position: int
    body: str
    reply_to: int | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    of_team: bool
    mentions_all: bool


class Mention(msgspec.Struct, frozen=True):
    """A message of somebody else that names them, where they may still read it."""

    message_id: int
    conversation_id: int
    conversation: str
    author: Author
    created_at: datetime


class Notification(msgspec.Struct, frozen=True):
    """What they were told of, `many` times, the last time because of `person`."""

    id: int
    kind: str
    many: int
    person: Author
    conversation_id: int | None
    created_at: datetime
    updated_at: datetime
    read_at: datetime | None
    mailed_at: datetime | None
    pushed_at: datetime | None


class PersonHead(msgspec.Struct, frozen=True, kw_only=True):
    """What stands above it all. `messages`, `mentions` and `notifications` are how many there are in the range, `count`
    is all of them together: by these the work is counted as done."""

    instance: str
    order: Order
    messages: int
    mentions: int
    notifications: int
    read_at: datetime

    @property
    def count(self) -> int:
        return self.messages + self.mentions + self.notifications


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonData:
    """All of it, of one moment: what is little as lists, what may be much as stretches of up to model.STRETCH, each to
    be read once and one after the other."""

    head: PersonHead
    profile: Profile
    settings: Settings
    sessions: list[Session]
    tokens: list[Token]
    devices: list[Device]
    bots: list[Bot]
    webhooks: list[Webhook]
    contacts: list[Contact]
    blocks: list[Block]
    conversations: list[Conversation]
    connection: asyncpg.Connection = field(repr=False)

    def messages(self) -> AsyncIterator[list[OwnMessage]]:
        """What they wrote in the range, the oldest first."""
        return own.stretches(self.connection, OwnMessage, own.MESSAGES, self.head.order)

    def mentions(self) -> AsyncIterator[list[Mention]]:
        """Where they are named in the range, the oldest first."""
        return own.stretches(self.connection, Mention, own.MENTIONS, self.head.order)

    def notifications(self) -> AsyncIterator[list[Notification]]:
        """What they were told of in the range, the oldest first."""
        return own.stretches(self.connection, Notification, own.NOTIFICATIONS, self.head.order)


# What there is in PersonData beside profile and settings: what is little, and what may be much.
LISTS: dict[str, type[Any]] = {
    "sessions": Session,
    "tokens": Token,
    "devices": Device,
    "bots": Bot,
    "webhooks": Webhook,
    "contacts": Contact,
    "blocks": Block,
    "conversations": Conversation,
}
STREAMS: dict[str, type[Any]] = {"messages": OwnMessage, "mentions": Mention, "notifications": Notification}


@asynccontextmanager
async def opened(order: Order, instance: str) -> AsyncIterator[PersonData]:
    """Everything of whoever ordered it, to be read inside; raises NotFound for an account that was closed meanwhile."""
    before = i18n.current()
    i18n.use(order.locale)
    try:
        async with database.snapshot() as connection:
            # By a plan for any range, Postgres would sort everything again for each stretch.
            await database.fetch("SET LOCAL plan_cache_mode = force_custom_plan")
            person = order.by.id
            profile = await own.profile(person)
            if profile is None:
                raise NotFound
            picture = await own.picture(person)
            data = PersonData(
                head=PersonHead(
                    instance=instance,
                    order=order,
                    messages=await own.count(own.MESSAGES, order),
                    mentions=await own.count(own.MENTIONS, order),
                    notifications=await own.count(own.NOTIFICATIONS, order),
                    read_at=await database.fetch_value("SELECT now()"),
                ),
                profile=Profile(*(*profile, Picture(*picture) if picture else None)),
                settings=Settings(*await own.settings(person)),
                sessions=await own.listed(Session, own.SESSIONS, person),
                tokens=await own.listed(Token, own.TOKENS, person),
                devices=await own.listed(Device, own.DEVICES, person),
                bots=await own.listed(Bot, own.BOTS, person),
                webhooks=await own.listed(Webhook, own.WEBHOOKS, person),
                contacts=await own.listed(Contact, own.CONTACTS, person),
                blocks=await own.listed(Block, own.BLOCKS, person),
                conversations=await own.listed(Conversation, own.CONVERSATIONS, person),
                connection=connection,
            )
            with database.apart():  # whoever writes down how far it is does so elsewhere
                yield data
    finally:
        i18n.use(before)
