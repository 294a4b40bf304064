"""What a person is told of, as they see it; the JSON of the contract."""

from datetime import datetime, time
from typing import Literal

import msgspec

from app.people.views import PersonCard

Level = Literal["everything", "mentions", "nothing"]


class NotificationView(msgspec.Struct, kw_only=True):
    """Something a person is told of, `many` times in one conversation: `title` in words, in the reader's language, and
    in `text` the beginning of the latest message, or how what was exported is called. `message_id` is the first of
    them, to which `url` leads; `export_id` the export, of what tells of one."""

    id: int
    kind: str
    title: str
    text: str
    many: int
    person: PersonCard
    conversation_id: int | None
    message_id: int | None
    export_id: int | None
    url: str
    read: bool
    created_at: datetime
    updated_at: datetime


class NotificationsView(msgspec.Struct):
    """A page of them, the latest first. `unread` counts to 100; `next` is the value of `before` to go on with, null at
    the end."""

    notifications: list[NotificationView]
    unread: int
    next: str | None


class NoticeView(msgspec.Struct):
    """What the feed tells of: how many are unread, and one that has come, if that is why. `quiet`: it came in quiet
    hours, and is not to pop up."""

    unread: int
    notification: NotificationView | None = None
    quiet: bool = False


class SettingsView(msgspec.Struct):
    """How much goes by which channel, from everything to nothing; `mentions` is what is to oneself: mentions, replies,
    direct messages, announcements and invitations. Between the two times (of the day, in one's time zone; null: never)
    nothing is mailed or pushed. `push_shows`: the text, the name alone, or nothing of it. `weekly`: a mail a week with
    what was not read. `mail_refused_at`: when one's address was refused for the last time, if that was so often that
    nothing is mailed there any more; null otherwise."""

    app: Level = "everything"
    mail: Level = "mentions"
    push: Level = "everything"
    push_shows: Literal["text", "name", "nothing"] = "text"
    weekly: bool = False
    quiet_from: time | None = None
    quiet_to: time | None = None
    mail_refused_at: datetime | None = None


class UnsubscribeView(msgspec.Struct):
    """What a link in a mail turns off: notifications by mail ("told") or the weekly summary; `done` once it did."""

    what: Literal["told", "weekly"] | None = None
    done: bool = False
    token: str = ""
