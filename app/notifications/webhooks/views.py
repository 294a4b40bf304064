"""What webhooks show to those who look after them."""

from datetime import datetime
from uuid import UUID

import msgspec

from app.messages.views import Author, MessageView


class SubscriptionView(msgspec.Struct, kw_only=True):
    """Another program that is told what happens. `conversation_id` is null where it is told of all that everyone is in.
    `disabled_reason`: `failing` (for days), `gone` (it answered 410), `behind` (too much waits for it), `right` (who
    set it up may not any more). `secret` is told once, when it is made."""

    id: int
    conversation_id: int | None
    url: str
    events: list[str]
    owner: Author
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    secret: str | None = None


class DeliveryView(msgspec.Struct, kw_only=True):
    """An event on its way. `key` is what the receiver knows it by; `state`: `waiting`, `delivered`, `failed` (given
    up), `dropped` (not sent: the right was gone). Of the latest try: `status` of the answer, `answer` its beginning,
    `problem` why there is none; `due_at` is when it is tried next."""

    id: int
    key: UUID
    event: str
    message_id: int
    created_at: datetime
    state: str
    tries: int
    due_at: datetime | None
    tried_at: datetime | None
    took_ms: int | None
    status: int | None
    problem: str | None
    answer: str | None
    again_of: int | None


class SubscriptionLog(SubscriptionView, kw_only=True):
    """A subscription with its deliveries of the last 30 days, the newest first; `next` is the `before` of the rest."""

    deliveries: list[DeliveryView]
    next: int | None


class WebhookView(msgspec.Struct, kw_only=True):
    """Another program that may post here. `url` holds its secret, so that is told once, when it is made, and so is
    `signing_key`, of one whose posts must be signed. `maker` answers for it: when they look after the conversation no
    more, nothing is taken until whoever does renews its address."""

    id: int
    conversation_id: int | None
    name: str
    signed: bool
    created_at: datetime
    used_at: datetime | None
    bot: Author
    maker: Author | None
    url: str | None = None
    signing_key: str | None = None


class WebhooksView(msgspec.Struct, kw_only=True):
    """Both kinds, of a conversation or (null) of the instance; `events` is what can be subscribed to."""

    conversation_id: int | None
    title: str
    webhooks: list[WebhookView]
    subscriptions: list[SubscriptionView]
    events: list[str]


class Accepted(msgspec.Struct):
    """What whoever posted is told. `message_id` is null where it goes to many."""

    message_id: int | None
    conversation_id: int | None
    status: str = "sent"


class Room(msgspec.Struct):
    id: int
    kind: str
    title: str


class Told(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of a delivery. `member` is of events about people: who came or left."""

    event: str
    delivery: UUID
    conversation: Room
    message: MessageView
    member: Author | None = None
