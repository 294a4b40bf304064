"""One Piccolo app for the whole program: every table, one folder of migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from app.accounts.tables import Avatar, EmailChange, PasswordReset, Person, Session
from app.conversations.tables import Conversation, JoinCode, Membership
from app.core.tables import RateLimit
from app.live.tables import LiveProcess, LiveStream
from app.messages.tables import Mention, Message
from app.people.tables import Block, Contact, Presence

APP_CONFIG = AppConfig(
    app_name="causerie",
    migrations_folder_path=str(Path(__file__).parent.parent / "migrations"),
    table_classes=[
        Person,
        Avatar,
        Session,
        PasswordReset,
        EmailChange,
        Block,
        Contact,
        Presence,
        Conversation,
        Membership,
        JoinCode,
        Message,
        Mention,
        LiveProcess,
        LiveStream,
        RateLimit,
    ],
)
