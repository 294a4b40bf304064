"""A conversation as the pieces of a book: each message by the template of the pages, under its month and its day."""

from bisect import bisect_right
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from babel.dates import format_date
from babel.numbers import format_decimal
from markupsafe import Markup

from app.core import i18n
from app.core.i18n import Locale, _, ngettext
from app.core.templates import environment
from app.exports.formats.pdf.book import Piece
from app.exports.formats.pdf.paper import for_paper, in_margin, printable, runs_to_the_left
from app.exports.formats.pdf.writing import Front
from app.exports.model import Order, Source
from app.messages import render
from app.messages.lines import line
from app.messages.views import Line, MessageView

# A text of so many characters of HTML may be divided between two pages; a shorter one goes to the next as a whole.
LONG = 600


class Transcript:
    """A conversation as what a book is about."""

    def __init__(self, source: Source) -> None:
        self._source, self._head = source, source.head
        self.order, self.made_at = self._head.order, self._head.read_at
        self.name, self.count = f"conversation-{self._head.conversation_id}", self._head.count

    def front(self) -> Front:
        """The title page."""
        head, locale = self._head, self.order.locale
        members = ", ".join(member.name for member in head.members)
        facts = [
            (_("Messages"), format_decimal(head.count, locale=locale.language)),
            (_("From"), moment(head.first_at, locale)),
            (_("To"), moment(head.last_at, locale)),
            (_("Date range"), chosen(self.order)),
            (_("Members (%(count)d)") % {"count": len(head.members)}, members),
            (_("Exported by"), f"{self.order.by.name} (@{self.order.by.username})"),
            (_("Exported on"), moment(head.read_at, locale)),
            (_("Times"), zone_name(head.read_at, locale)),
            (_("Address"), f"{head.instance}/conversations/{head.conversation_id}"),
        ]
        lead = ngettext("A conversation with one message", "A conversation with %(num)s messages", head.count)
        lead = lead % {"num": format_decimal(head.count, locale=locale.language)}
        return Front(head.title, lead, [fact for fact in facts if fact[1]], [])

    async def pieces(self) -> AsyncIterator[list[Piece]]:
        """All messages, a stretch of the source at a time."""
        locale = self.order.locale
        template = environment(locale.language).get_template("exports/pdf/_piece.html")
        month = day = None
        said, printed = "", _Printed()
        async for rows in self._source.stretches():
            found = []
            for row in rows:
                message, here = printed.then(line(row))
                today = message.created_at.astimezone(locale.zone).date()
                begins_day, begins_month = today != day, (today.year, today.month) != month
                day, month = today, (today.year, today.month)
                said = i18n.day(message.created_at, locale) if begins_day else said
                rtl = runs_to_the_left(message.body)
                # The time of what stands under another's name begins its first line. Where it cannot (there is a
                # quote, or code, or a text from right to left) the name is said again.
                begins = message.quote is None and not rtl and not message.html.startswith("<pre")
                continues = not begins_day and begins and render.continues(here)
                clock = i18n.clock(message.created_at, locale)
                time = in_margin(clock, bold=not continues)
                html = template.render(
                    message=message,
                    time=clock if message.kind == "system" else time,
                    html=Markup(for_paper(message.html, time if continues else "")),
                    locale=locale,
                    month=month_name(message.created_at, locale) if begins_month else None,
                    day=said if begins_day else None,
                    continues=continues,
                    rtl=rtl,
                    long=len(message.html) > LONG,
                    leads=message.quote is not None and printed.has(message.quote.position),
                )
                name = f"day-{message.id}" if begins_day else f"message-{message.id}"
                found.append(Piece(name, printable(html), said))
            yield found


class _Printed:
    """What is in the file so far. What stands before a message in the conversation may not be: it is of another time,
    before the range or, where a clock was set back, also in the midst of it."""

    def __init__(self) -> None:
        # The places, as stretches without a gap.
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._last: MessageView | None = None

    def then(self, read: Line) -> tuple[MessageView, Line]:
        """This is the next one: the message, and it after the one that stands before it here."""
        message, last = read.message, self._last
        if last is not None and last.position == message.position - 1:
            self._lasts[-1] = message.position
        else:
            self._firsts.append(message.position)
            self._lasts.append(message.position)
        self._last = message
        if last is None:
            return message, Line(message, None, None, None)
        return message, Line(message, last.author.id, last.created_at, last.kind)

    def has(self, position: int) -> bool:
        """Whether the message of that place is in it."""
        stretch = bisect_right(self._firsts, position) - 1
        return stretch >= 0 and position <= self._lasts[stretch]


def moment(at: datetime | None, locale: Locale) -> str:
    """Friday, 20 November 2026, 14:05; empty for none."""
    return "" if at is None else f"{i18n.day(at, locale)}, {i18n.clock(at, locale)}"


def chosen(order: Order) -> str:
    """The range that was asked for, in words; empty for all. Its end is the first instant after it."""
    last = order.to - timedelta(microseconds=1) if order.to else None
    since = i18n.stamp(order.from_, order.locale) if order.from_ else ""
    until = i18n.stamp(last, order.locale) if last else ""
    if since and until:
        return _("from %(since)s to %(until)s") % {"since": since, "until": until}
    return (
        _("since %(since)s") % {"since": since} if since else _("until %(until)s") % {"until": until} if until else ""
    )


def zone_name(moment: datetime, locale: Locale) -> str:
    """Europe/Paris (UTC+01:00 on the day of the export)"""
    offset = moment.astimezone(locale.zone).strftime("%z")
    return _("%(zone)s (UTC%(offset)s on the day of the export)") % {
        "zone": locale.time_zone,
        "offset": f"{offset[:3]}:{offset[3:5]}",
    }


def month_name(moment: datetime, locale: Locale) -> str:
    """November 2026, in their zone, with a capital as a heading has one."""
    name = format_date(moment.astimezone(locale.zone), "LLLL y", locale=locale.language)
    return name[:1].upper() + name[1:]
