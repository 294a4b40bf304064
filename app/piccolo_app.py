"""One Piccolo app for the whole program: every table, one folder of migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from app.accounts.tables import AccessToken, Avatar, EmailChange, Names, PasswordReset, Person, Session
from app.conversations.tables import Conversation, JoinCode, Membership
from app.core.tables import DeadLetter, JobDone, MailSent, PeriodicTask, RateLimit, WorkerProcess
from app.exports.key_tables import SigningKey
from app.exports.tables import Audit, Export, ExportPart
from app.live.tables import LiveProcess, LiveStream
from app.messages.tables import Mention, Message
from app.notifications.tables import (
    MailRefused,
    MailWaiting,
    Notification,
    NotificationSettings,
    Notified,
    PushSubscription,
    PushWaiting,
    VapidKey,
)
from app.notifications.webhooks.tables import (
    Delivery,
    Subscription,
    SubscriptionCursor,
    Webhook,
    WebhookPost,
    WebhookSignature,
)
from app.people.tables import Block, Contact, Presence

APP_CONFIG = AppConfig(
    app_name="causerie",
    migrations_folder_path=str(Path(__file__).parent.parent / "migrations"),
    table_classes=[
        Person,
        Names,
        Avatar,
        Session,
        PasswordReset,
        EmailChange,
        AccessToken,
        Block,
        Contact,
        Presence,
        Conversation,
        Membership,
        JoinCode,
        Message,
        Mention,
        Export,
        ExportPart,
        Audit,
        Notified,
        MailWaiting,
        MailRefused,
        Notification,
        NotificationSettings,
        VapidKey,
        PushSubscription,
        PushWaiting,
        Subscription,
        SubscriptionCursor,
        Delivery,
        Webhook,
        WebhookPost,
        WebhookSignature,
        SigningKey,
        LiveProcess,
        LiveStream,
        RateLimit,
        DeadLetter,
        PeriodicTask,
        WorkerProcess,
        MailSent,
        JobDone,
    ],
)
