"""Messages as HTML fragments: the same bytes for everyone who may see them, one variant for each locale.

A fragment depends on its message and on what stands right before it (does it continue a group, does it begin a day?).
Neither author nor time of that one ever changes, so a fragment that was sent stays right. Pages and the live feed take
their fragments from the same cache.
"""

from datetime import datetime, timedelta
from functools import lru_cache

from jinja2 import Template
from markupsafe import Markup

from app.core import i18n
from app.core.cache import Cache
from app.core.i18n import Locale
from app.core.templates import environment
from app.messages.views import Line

# Messages of one author within this time stand under one name.
TOGETHER = timedelta(minutes=5)
_cache: Cache[Markup] = Cache(most=24_000_000)


def fragment(line: Line, locale: Locale) -> Markup:
    """The HTML of one message in that locale."""
    message, author, at, kind = line
    subject = message.subject.name if message.subject else ""
    # Its time too: in a database that was restored, the same numbers may be another message's.
    mine = (message.id, message.change, message.created_at, message.author.name, subject)
    key = (*mine, author, at, kind, locale.language, locale.time_zone)
    found = _cache.get(key)
    if found is None:
        continues = (
            author == message.author.id
            and at is not None
            and message.created_at - at < TOGETHER
            and kind == message.kind != "system"
        )
        begins_day = at is None or not _same_day(at, message.created_at, locale)
        html = _template(locale.language).render(
            message=message, locale=locale, continues=continues and not begins_day, begins_day=begins_day
        )
        found = _cache.keep(key, Markup(html))
    return found


def fragments(lines: list[Line], locale: Locale) -> Markup:
    """The HTML of them all, in that locale: in one piece, for each piece that a template writes costs a step in every
    template around it."""
    return Markup("".join([fragment(line, locale) for line in lines]))


def told(event: str, author: str, subject: str, title: str) -> str:
    """A system message in words, in the language of this request (or stream)."""
    _ = i18n._
    names = {"author": author, "subject": subject, "title": title}
    return {
        "created": _("%(author)s made this group, “%(title)s”."),
        "joined": _("%(author)s came in."),
        "added": _("%(author)s added %(subject)s."),
        "removed": _("%(author)s removed %(subject)s."),
        "left": _("%(author)s left."),
        "renamed": _("%(author)s renamed the group to “%(title)s”."),
        "handed_over": _("%(author)s made %(subject)s the owner."),
    }[event] % names


@lru_cache
def _template(language: str) -> Template:
    return environment(language).get_template("messages/_message.html")


def _same_day(one: datetime, other: datetime, locale: Locale) -> bool:
    return i18n.day_key(one, locale) == i18n.day_key(other, locale)
