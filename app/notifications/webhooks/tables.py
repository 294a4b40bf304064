"""Webhooks: `Subscription` and `Delivery` to other programs, `Webhook` from them."""

from typing import Any

from piccolo.columns import UUID, BigInt, BigSerial, Bytea, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from app.accounts.tables import Person
from app.conversations.tables import Conversation
from app.messages.tables import Message


class Subscription(Table, tablename="subscription"):
    """Another program that is told what happens: in a conversation, or where everyone is."""

    id = BigSerial(primary_key=True)
    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, null=True)
    # Who switched it on last: it tells nothing that they may not hand out.
    owner = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    url = Text()
    # Names of events, with spaces between them.
    events = Text()
    # Signs what is sent, so it cannot be kept as a hash.
    secret = Text()
    created_at = Timestamptz()
    # Since when nothing but failures, and when that was too long (or its owner lost the right).
    failing_since = Timestamptz(null=True, default=None)
    disabled_at = Timestamptz(null=True, default=None)
    disabled_reason = Text(null=True, default=None)


class SubscriptionCursor(Table, tablename="subscription_cursor"):
    """How far a subscription has followed a conversation: its newest change, and its newest place, by then."""

    id = BigSerial(primary_key=True)
    subscription = ForeignKey(Subscription, on_delete=OnDelete.cascade, null=False)
    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, null=False)
    position = BigInt()
    change = BigInt()


class Delivery(Table, tablename="delivery"):
    """An event that is told to a subscription. It has no text: that is read when it leaves."""

    id = BigSerial(primary_key=True)
    subscription = ForeignKey(Subscription, on_delete=OnDelete.cascade, null=False)
    message = ForeignKey(Message, on_delete=OnDelete.cascade, null=False)
    event = Text()
    change = BigInt()
    # The same at each try: whoever got it twice knows.
    key = UUID()
    again_of: ForeignKey[Any] = ForeignKey("self", on_delete=OnDelete.set_null, null=True)
    created_at = Timestamptz()
    state = Text(default="waiting")
    tries = Integer(default=0)
    due_at = Timestamptz()
    # A worker is sending it; after that time it was killed meanwhile.
    claimed_until = Timestamptz(null=True, default=None)
    # Of the latest try.
    tried_at = Timestamptz(null=True, default=None)
    took_ms = Integer(null=True, default=None)
    status = Integer(null=True, default=None)
    problem = Text(null=True, default=None)
    answer = Text(null=True, default=None)


class Webhook(Table, tablename="webhook"):
    """Another program that may post: into a conversation, or, made by an administrator, to people and roles."""

    id = BigSerial(primary_key=True)
    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, null=True)
    maker = ForeignKey(Person, on_delete=OnDelete.set_null, null=True)
    # Who writes what is posted.
    bot = ForeignKey(Person, on_delete=OnDelete.restrict, null=False)
    name = Text()
    secret_hash = Bytea()
    # Of one whose posts must be signed.
    signing_key = Text(null=True, default=None)
    created_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)


class WebhookPost(Table, tablename="webhook_post"):
    """What was posted to all of a role."""

    id = BigSerial(primary_key=True)
    webhook = ForeignKey(Webhook, on_delete=OnDelete.cascade, null=False)
    key = UUID()
    role = Text()
    body = Text()
    created_at = Timestamptz()


class WebhookSignature(Table, tablename="webhook_signature"):
    """A signature that was used."""

    digest = Bytea(primary_key=True)
    expires_at = Timestamptz()
