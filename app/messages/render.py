"""Messages as HTML fragments: the same bytes for everyone who may see them, one variant for each locale.

A fragment depends on its message and on what stands right before it (does it continue a group, does it begin a day?).
Neither author nor time of that one ever changes, so a fragment that was sent stays right; what it quotes is mended by
the fragment of the original. Pages and the live feed take
their fragments from the same cache.
"""

from datetime import datetime, timedelta
from functools import lru_cache

from jinja2 import Template
from markupsafe import Markup

from app.core import i18n
from app.core.cache import Cache
from app.core.database import Row
from app.core.i18n import Locale
from app.core.templates import environment
from app.messages import quotes
from app.messages.lines import KEY, line
from app.messages.views import Line, MessageView, Quote

# Messages of one author within this time stand under one name.
TOGETHER = timedelta(minutes=5)
_cache: Cache[Markup] = Cache(most=24_000_000)


def fragment(row: Row, locale: Locale) -> Markup:
    """The HTML of one message (a row of LINES) in that locale."""
    # Its time is in the key too: in a database that was restored, the same numbers may be another message's.
    key = (*row[:KEY], locale.language, locale.time_zone)
    found = _cache.get(key)
    return _cache.keep(key, made(line(row), locale)) if found is None else found


def fragments(rows: list[Row], locale: Locale) -> Markup:
    """The HTML of them all, in that locale: in one piece, for each piece that a template writes costs a step in every
    template around it."""
    language, zone, get = locale.language, locale.time_zone, _cache.get
    return Markup("".join([get((*row[:KEY], language, zone)) or fragment(row, locale) for row in rows]))


def made(line: Line, locale: Locale) -> Markup:
    """The fragment, made anew."""
    message, _author, at, _kind, quoted_change = line
    begins_day = at is None or not _same_day(at, message.created_at, locale)
    html = _template(locale.language).render(
        message=message,
        locale=locale,
        paper=False,
        continues=continues(line) and not begins_day,
        begins_day=begins_day,
        quoted_change=quoted_change,
        # What was changed after it was sent may be quoted on pages that are open.
        now_quoted=_quoted(message) if message.edited_at or message.deleted_at else None,
    )
    return Markup(html)


def continues(line: Line) -> bool:
    """Whether a message stands under the name of the one right before it (where no day begins with it)."""
    message, author, at, kind, _quoted_change = line
    return (
        author == message.author.id
        and at is not None
        and message.created_at - at < TOGETHER
        and kind == message.kind != "system"
    )


def _quoted(message: MessageView) -> Quote:
    deleted = message.deleted_at is not None
    return quotes.quote(message.id, message.position, message.author, message.body, deleted)


@lru_cache
def _template(language: str) -> Template:
    return environment(language).get_template("messages/_message.html")


def _same_day(one: datetime, other: datetime, locale: Locale) -> bool:
    return i18n.day_key(one, locale) == i18n.day_key(other, locale)
