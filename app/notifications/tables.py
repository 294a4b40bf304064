"""What people are told of, and how they want to be told."""

from piccolo.columns import Array, BigInt, BigSerial, Boolean, Bytea, ForeignKey, Integer, Text, Time, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from app.accounts.tables import Person, Session
from app.conversations.tables import Conversation


class Notified(Table, tablename="notified"):
    """How far the feed of a conversation was read for notifications: moved in the transaction that writes them.

    Not on the conversation itself: sends wait for the lock of that row, and this must never hold it.
    """

    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, primary_key=True, null=False)
    change = BigInt()
    position = BigInt()


class MailWaiting(Table, tablename="mail_waiting"):
    """A mail that is to be sent at that time: what it says is read when it is sent. While it is under way `at` stands
    after the longest time that this may take, so that another worker takes it up if this one is killed. Once given up
    it is kept, not sent, until an administrator runs it again: `since` is from then."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    kind = Text()
    at = Timestamptz()
    tries = Integer(default=0)
    created_at = Timestamptz()
    since = Timestamptz()
    # The name of the last error alone: its words may quote addresses.
    error = Text(null=True, default=None)
    failed_at = Timestamptz(null=True, default=None)
    given_up_at = Timestamptz(null=True, default=None)


class MailRefused(Table, tablename="mail_refused"):
    """An address of which its mail server says that it is none, so many times in a row."""

    person = ForeignKey(Person, on_delete=OnDelete.cascade, primary_key=True, null=False)
    email = Text()
    times = Integer(default=1)
    first_at = Timestamptz()
    last_at = Timestamptz()


class Notification(Table, tablename="notification"):
    """What a person is told of. More of one kind in one conversation joins the row while it is unread."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    kind = Text()
    conversation = ForeignKey(Conversation, on_delete=OnDelete.cascade, null=True, default=None)
    # Who did it, the last of them.
    actor = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    # The first message, to which it leads, the latest, which it shows, and the place of that one.
    message = BigInt(null=True, default=None)
    latest = BigInt(null=True, default=None)
    position = BigInt(null=True, default=None)
    many = Integer(default=1)
    # The messages that it tells of: the first, and the last MOST_TOLD.
    told = Array(base_column=BigInt(), default=list)
    # By which channels: in the centre; by mail or push from then on, unless it is read before; when it went.
    in_app = Boolean()
    mail_at = Timestamptz(null=True, default=None)
    mailed_at = Timestamptz(null=True, default=None)
    # The mail that is to tell of it, until that has gone.
    mail = ForeignKey(MailWaiting, on_delete=OnDelete.set_null, null=True, default=None)
    push_at = Timestamptz(null=True, default=None)
    pushed_at = Timestamptz(null=True, default=None)
    # Of which of its messages that told: it goes again for others alone. By numbers, since a message may be gathered
    # after its time, and an old one edited.
    mailed = Array(base_column=BigInt(), default=list)
    pushed = Array(base_column=BigInt(), default=list)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    # What it is about, of exports; that table is of a package that this one does not know.
    export = BigInt(null=True, default=None)
    # Marked as read. Beside that it counts as read when its message is.
    read_at = Timestamptz(null=True, default=None)


class NotificationSettings(Table, tablename="notification_settings"):
    """How much of it goes by which channel, and when not; who is not in here has what the defaults say."""

    person = ForeignKey(Person, on_delete=OnDelete.cascade, primary_key=True, null=False)
    app = Text(default="everything")
    mail = Text(default="mentions")
    push = Text(default="everything")
    push_shows = Text(default="text")
    weekly = Boolean(default=False)
    # In the person's time zone.
    quiet_from = Time(null=True, default=None)
    quiet_to = Time(null=True, default=None)
    # The Monday of the last weekly summary; null while none is wanted.
    weekly_at = Timestamptz(null=True, default=None)


class VapidKey(Table, tablename="vapid_key"):
    """The one key pair by which push services know this instance."""

    id = Integer(primary_key=True, default=1)
    private = Bytea()
    public = Text()
    created_at = Timestamptz()


class PushSubscription(Table, tablename="push_subscription"):
    """A browser that is told: the address and the keys that it gave. A trigger deletes it when its session ends."""

    id = BigSerial(primary_key=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False)
    session = ForeignKey(Session, on_delete=OnDelete.cascade, null=False, unique=True)
    endpoint = Text(unique=True)
    p256dh = Text()
    auth = Text()
    created_at = Timestamptz()
    # When it last took something, how often in a row it did not since, and when it is next tried: only while something
    # waits for it.
    last_used_at = Timestamptz(null=True, default=None)
    failures = Integer(default=0)
    retry_at = Timestamptz(null=True, default=None)


class PushWaiting(Table, tablename="push_waiting"):
    """A notification that a browser is to be told of, until it is."""

    id = BigSerial(primary_key=True)
    subscription = ForeignKey(PushSubscription, on_delete=OnDelete.cascade, null=False)
    notification = ForeignKey(Notification, on_delete=OnDelete.cascade, null=False)
    created_at = Timestamptz()
