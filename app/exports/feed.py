"""What open pages and programs are told of exports, for the live feed; the composition root brings the two together."""

from collections.abc import Callable

import msgspec

from app.core import i18n
from app.core.i18n import Locale
from app.core.templates import environment
from app.exports import queries
from app.exports.views import ExportGone

_json = msgspec.json.Encoder()
# The data of an event for one person: as JSON or as HTML; by a token there is none of all of a person's data.
Write = Callable[[int, int, bool, Locale, bool], str | None]


async def read(pairs: list[tuple[int, int]]) -> Write:
    """Looks up, for these (person, export), what they may see at this moment, in one statement for all; gives what
    gives the data of an event."""
    rows = await queries.of_people([export for _person, export in pairs])

    def write(person: int, export: int, json: bool, locale: Locale, by_token: bool) -> str | None:
        row = rows.get(export)
        if row is None or row["person"] != person:
            return _json.encode(ExportGone(export)).decode() if json else f'<div id="export-{export}" hidden></div>'
        if by_token and row["kind"] != "conversation":
            return None
        i18n.use(locale)
        view = queries.view(row)
        if json:
            return _json.encode(view).decode()
        return environment(locale.language).get_template("exports/_export.html").render(each=view, locale=locale)

    return write
