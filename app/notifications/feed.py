"""What open pages and programs are told of notifications, for the live feed; the composition root brings the two
together."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from app.core import i18n
from app.core.database import Row
from app.core.i18n import Locale
from app.core.templates import environment
from app.notifications import choices, queries
from app.notifications.views import NoticeView, SettingsView

_json = msgspec.json.Encoder()
# The data of an event for one person: with the number of the notification that came, or 0; as JSON or as HTML.
Write = Callable[[int, int, bool, Locale], str]


async def read(pairs: list[tuple[int, int]]) -> tuple[dict[int, int], Write]:
    """Looks up, for these (person, notification or 0), what they may see at this moment, in two statements for all: how
    much each has not read, and what gives the data of an event."""
    counts = await queries.unread(list({person for person, _number in pairs}))
    numbers = [number for _person, number in pairs if number]
    rows = await queries.fresh(numbers) if numbers else {}

    def write(person: int, number: int, json: bool, locale: Locale) -> str:
        i18n.use(locale)
        notice, row = NoticeView(counts.get(person, 0)), rows.get(number)
        if row is not None and row["whose"] == person:
            notice.notification, notice.quiet = queries.view(row), _is_quiet(row)
        if json:
            return _json.encode(notice).decode()
        template = environment(locale.language).get_template("notifications/_notice.html")
        return template.render(notice=notice, locale=locale)

    return {person: counts.get(person, 0) for person, _number in pairs}, write


def _is_quiet(row: Row) -> bool:
    hours = SettingsView(quiet_from=row["quiet_from"], quiet_to=row["quiet_to"])
    return choices.quiet_until(hours, row["time_zone"], datetime.now(UTC)) is not None
