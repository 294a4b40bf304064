"""A mail to a person, as text and as HTML, with what mail programs need to stack it and to offer to turn it off."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from markupsafe import Markup

from app.core.i18n import Locale
from app.core.settings import Settings
from app.core.templates import environment, plain_environment
from app.notifications import unsubscribe

What = Literal["told", "weekly"]


class Said(msgspec.Struct):
    """A message: `body` as it was typed, its lines apart, and as HTML."""

    author: str
    at: datetime
    lines: list[str]
    html: Markup
    url: str


class Section(msgspec.Struct):
    """A conversation: what happened there to the reader, and the first messages that they have not read; `more` are
    left out, `plenty` if even more than that."""

    title: str
    url: str
    settings: str
    happened: list[str] = []
    messages: list[Said] = []
    more: int = 0
    plenty: bool = False


class Line(msgspec.Struct):
    """What is said in a line, and where it leads."""

    text: str
    url: str


@dataclass
class Content:
    """What a mail says. `conversation` is the one that it is about, if it is about one; `seen` are the messages that
    stand in it."""

    subject: str
    sections: list[Section] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    left_out: int = 0
    conversation: int | None = None
    seen: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Letter:
    """A mail that can be sent."""

    subject: str
    text: str
    html: str
    headers: dict[str, str]
    seen: list[int]


def written(settings: Settings, what: What, person: int, locale: Locale, content: Content) -> Letter:
    """The mail in that language, and in that time zone."""
    off = unsubscribe.link(settings, what, person)
    context = {
        "mail": content,
        "weekly": what == "weekly",
        "locale": locale,
        "home": settings.base_url,
        "choices": f"{settings.base_url}/me/notification-settings",
        "off": off,
    }
    return Letter(
        content.subject,
        plain_environment(locale.language).get_template("notifications/mail.txt").render(context),
        environment(locale.language).get_template("notifications/mail.html").render(context),
        _headers(settings, off, what, content.conversation),
        content.seen,
    )


def _headers(settings: Settings, off: str, what: What, conversation: int | None) -> dict[str, str]:
    """RFC 8058 asks for both of the first two. All mails about a conversation answer one that was never sent: so they
    stand together, whichever was the first and wherever that is by now."""
    domain = urlsplit(settings.base_url).hostname
    about = what if conversation is None else f"conversation-{conversation}"
    headers = {
        "List-Unsubscribe": f"<{off}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{about}.{domain}>",
    }
    if conversation is not None:
        headers |= {"In-Reply-To": f"<{about}@{domain}>", "References": f"<{about}@{domain}>"}
    return headers
