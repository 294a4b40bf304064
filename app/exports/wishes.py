"""What people may ask for, as they write it; and what is meant by it."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

import msgspec

from app.core import i18n
from app.core.errors import Invalid
from app.core.i18n import _
from app.exports.model import Format, Paper

FORMATS: dict[str, Format] = {"pdf": "pdf", "csv": "csv", "json": "json"}
PAPERS: dict[str, Paper] = {"a4": "a4", "letter": "letter"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]|$)", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1900, 9990


class Wish(msgspec.Struct, kw_only=True):
    """`conversation_id` null (in a form: empty): all of one's own data. `from` and `to` are days, by one's own clock
    and both of them in it, or moments. `paper` is for PDF. `language` is by default the one that one reads here."""

    conversation_id: int | str | None = None
    format: str = ""
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    archive: bool | str = False
    paper: str = "a4"
    language: str | None = None

    @property
    def conversation(self) -> int | None:
        """Its number; 0, which none has, for what is none."""
        given = self.conversation_id
        if given is None or given == "":
            return None
        if isinstance(given, str):
            return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
        return given if 0 < given < 2**63 else 0

    @property
    def sealed(self) -> bool:
        return self.archive in (True, "true", "on", "1")


class Meant(msgspec.Struct, frozen=True):
    """A wish that can be fulfilled: `to` is the first instant that is not in it."""

    format: Format
    paper: Paper
    language: str
    from_: datetime | None
    to: datetime | None


def checked(wish: Wish, zone: tzinfo) -> Meant:
    """What is meant, with days in that zone; raises Invalid with all that is wrong."""
    wrong = {}
    if wish.format not in FORMATS:
        wrong["format"] = _("Choose PDF, CSV or JSON.")
    if wish.paper not in PAPERS:
        wrong["paper"] = _("Choose A4 or Letter.")
    language = wish.language or i18n.current().language
    if language not in i18n.LANGUAGES:
        wrong["language"] = _("Choose one of the available languages.")
    moments: dict[str, datetime | None] = {}
    for name, given, edge in (("from", wish.from_, "first"), ("to", wish.to, "last")):
        try:
            moments[name] = _moment((given or "").strip(), edge, zone)
        except (ValueError, OverflowError):
            wrong[name] = _("Enter a date such as 2026-11-20.")
    first, after = moments.get("from"), moments.get("to")
    if not wrong and first is not None and after is not None and first >= after:
        wrong["to"] = _("The end is before the beginning.")
    if wrong:
        raise Invalid(**wrong)
    return Meant(FORMATS[wish.format], PAPERS[wish.paper], language, first, after)


def _moment(text: str, edge: str, zone: tzinfo) -> datetime | None:
    """The first instant of a range that begins so, or the first after one that ends so."""
    if not text:
        return None
    if len(text) > 40 or _DAY.match(text) is None:  # Python takes weeks and other spellings, too
        raise ValueError
    if len(text) == len("2026-11-20"):
        day = date.fromisoformat(text) + timedelta(days=edge == "last")
        found = datetime(day.year, day.month, day.day, tzinfo=zone)
    else:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo is not None else found.replace(tzinfo=zone)
        found += timedelta(microseconds=edge == "last")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError
    return found.astimezone(UTC)
