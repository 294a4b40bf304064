"""Conversations and who is in them."""

from piccolo.columns import BigInt, BigSerial, Boolean, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from app.accounts.tables import Person


class Conversation(Table, tablename="conversation"):
    """A general, group, direct or support conversation. Its row lock puts the changes of its messages in one order.

    No index holds `position`, `change` or `last_activity_at`: each send updates them in place (HOT).
    """

    id = BigSerial(primary_key=True)
    kind = Text()
    title = Text(default="")
    owner = ForeignKey(Person, on_delete=OnDelete.set_null, null=True)
    # "3:9" for the direct conversation of people 3 and 9: unique, so there is one however many open it at once.
    direct_key = Text(unique=True, null=True, default=None)
    # The place of the newest message, and the number of the newest change of any message.
    position = BigInt(default=0)
    change = BigInt(default=0)
    created_at = Timestamptz()
    last_activity_at = Timestamptz()
    deleted_at = Timestamptz(null=True, default=None)
    # Of the general room, where ROLE_POLICY is school: whether all may write in it.
    everyone_writes = Boolean(default=False)
    # Of a support conversation, whose owner asked: who of the team looks after it, and when it was closed.
    assignee = ForeignKey(Person, on_delete=OnDelete.set_null, null=True)
    closed_at = Timestamptz(null=True, default=None)
    # Of a direct conversation: whether one of the two has blocked the other. It follows from the blocks.
    blocked = Boolean(default=False)
    # The place of the last message that went when its time was over (retention); those after it are all there.
    kept_after = BigInt(default=0)


class Membership(Table, tablename="membership"):
    """A person in a conversation, with the place up to which they have read, and what they keep for themselves."""

    id = BigSerial(primary_key=True)
    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, null=False)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    joined_at = Timestamptz()
    read_position = BigInt(default=0)
    # What a page or a stream of theirs was given, and what they had read before they marked it unread again.
    delivered_position = BigInt(default=0)
    seen_position = BigInt(default=0)
    muted_until = Timestamptz(null=True, default=None)
    # Where the conversation stood when it was put away.
    archived_position = BigInt(null=True, default=None)
    pinned = Boolean(default=False)
    # Of what they are told: everything, mentions or nothing; null: as is usual for its kind.
    level = Text(null=True, default=None)
    # In a support conversation as one of the team: it ends with the role, by a trigger.
    of_team = Boolean(default=False)


class JoinCode(Table, tablename="join_code"):
    """The code of a group, by which people come in: one at a time, so to renew it is to end the one before."""

    id = BigSerial(primary_key=True)
    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, null=False, unique=True)
    code = Text(unique=True)
    created_at = Timestamptz()
    expires_at = Timestamptz(null=True, default=None)
    uses_left = Integer(null=True, default=None)
