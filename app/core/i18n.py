"""French and English: catalogues, the language of a request, and how times are written.

A `Locale` (language and time zone) is the variant in which a fragment is rendered: everyone with the same one gets the
same bytes. Catalogues are read from their .po files at start, so there is no compiled file that could be stale.
"""

import gettext as _gettext
import io
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = {"en": "English", "fr": "Français"}
CATALOGUES = Path(__file__).parent.parent / "locale"


@dataclass(frozen=True, slots=True)
class Locale:
    """A language of LANGUAGES and the name of a time zone."""

    language: str
    time_zone: str

    @property
    def zone(self) -> tzinfo:
        return zone(self.time_zone)


_current: ContextVar[Locale] = ContextVar("locale", default=Locale("en", "UTC"))


def use(locale: Locale) -> None:
    """The rest of this request speaks so."""
    _current.set(locale)


def current() -> Locale:
    return _current.get()


def _(message: str) -> str:
    """The message in the language of this request."""
    return catalogue(_current.get().language).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The form for that count, in the language of this request."""
    return catalogue(_current.get().language).ngettext(one, many, count)


@lru_cache
def catalogue(language: str) -> _gettext.NullTranslations:
    """The translations into a language; English is the text itself."""
    path = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if language not in LANGUAGES or not path.exists():
        return _gettext.NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return _gettext.GNUTranslations(compiled)


@lru_cache(maxsize=700)
def zone(name: str) -> tzinfo:
    """The time zone of that name; UTC when there is none (a stored name may be retired one day)."""
    return ZoneInfo(name if is_zone(name) else "UTC")


def is_zone(name: str) -> bool:
    return name in _zones()


@lru_cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zones() -> list[str]:
    """The names to choose from: a place each, without the historical and technical ones."""
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(name for name in _zones() if name.startswith(regions))]


def choose_language(cookie: str | None, accept: str | None) -> str:
    """The language for someone not signed in: what they chose, else the first of theirs that we speak (RFC 9110)."""
    if cookie in LANGUAGES:
        return str(cookie)
    wishes = []
    for part in (accept or "")[:500].split(","):
        tag, _sep, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        language = tag.split("-")[0].lower()
        if language in LANGUAGES and weight > 0:
            wishes.append((weight, language))
    return max(wishes, key=lambda wish: wish[0])[1] if wishes else "en"


def clock(moment: datetime, locale: Locale) -> str:
    """14:05, in their zone."""
    return moment.astimezone(locale.zone).strftime("%H:%M")


def day(moment: datetime, locale: Locale) -> str:
    """Friday, 20 November 2026, in their zone. Never "today": a page that stays open would lie."""
    pattern = "EEEE d MMMM y" if locale.language == "fr" else "EEEE, d MMMM y"
    return format_date(moment.astimezone(locale.zone), pattern, locale=locale.language)


def day_key(moment: datetime, locale: Locale) -> str:
    """2026-11-20, in their zone."""
    return moment.astimezone(locale.zone).date().isoformat()


def stamp(moment: datetime, locale: Locale) -> str:
    """20 Nov 2026, 14:05, in their zone."""
    local = moment.astimezone(locale.zone)
    return f"{_short_date(local.date(), locale.language)}, {local:%H:%M}"


def number(count: int, locale: Locale) -> str:
    """12,345, as one writes it there."""
    return str(format_decimal(count, locale=locale.language))


def size(count: int, locale: Locale) -> str:
    """3.4 MB, as one writes it there."""
    gettext = catalogue(locale.language).gettext
    if count < 1000:
        return catalogue(locale.language).ngettext("%(num)d byte", "%(num)d bytes", count) % {"num": count}
    thousands, words = (count / 1e6, gettext("%(size)s MB")) if count >= 1e6 else (count / 1e3, gettext("%(size)s KB"))
    number = format_decimal(thousands, format="#,##0.#" if thousands < 10 else "#,##0", locale=locale.language)
    return words % {"size": number}


@lru_cache(maxsize=1000)
def _short_date(day: date, language: str) -> str:
    return format_date(day, "d MMM y", locale=language)
