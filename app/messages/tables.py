"""Messages: the history of a conversation and, by their `change`, its feed."""

from typing import Any

from piccolo.columns import UUID, BigInt, BigSerial, Boolean, ForeignKey, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from app.accounts.tables import Person
from app.conversations.tables import Conversation


class Message(Table, tablename="message"):
    """A message, or a system message that tells what happened (`event`, about `subject`, with the title in `body`)."""

    id = BigSerial(primary_key=True)
    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, null=False)
    # Its place, given once; and the number of its latest change. Both are taken under the conversation's row lock.
    position = BigInt()
    change = BigInt()
    author = ForeignKey(Person, on_delete=OnDelete.restrict, null=False)
    # Chosen by the sender: the same key again is the same message.
    key = UUID(null=True, default=None)
    kind = Text(default="text")
    body = Text(default="")
    event = Text(null=True, default=None)
    subject = ForeignKey(Person, on_delete=OnDelete.restrict, null=True)
    # Of the same conversation. Its row goes alone when a whole time goes (retention); what answered it stays.
    reply_to: ForeignKey[Any] = ForeignKey("self", on_delete=OnDelete.set_null, null=True)
    created_at = Timestamptz()
    edited_at = Timestamptz(null=True, default=None)
    deleted_at = Timestamptz(null=True, default=None)
    # An answer of the team in a support conversation; it stays one, whatever becomes of its author.
    of_team = Boolean(default=False)
    # "@all", by someone who may.
    mentions_all = Boolean(default=False)


class Mention(Table, tablename="mention"):
    """Whom a message names, with `name` as the username then was: the text has it still when it is another by now."""

    id = BigSerial(primary_key=True)
    message = ForeignKey(Message, on_delete=OnDelete.cascade, null=False)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    name = Text()
    # Whether they were told, so that an edit tells only those whom it adds.
    notified = Boolean(default=False)
