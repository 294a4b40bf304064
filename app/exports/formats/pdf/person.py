"""All that is kept of a person as the pieces of a book: a section for each kind of it."""

from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime
from typing import Any

import msgspec
from babel.numbers import format_decimal
from markupsafe import Markup

from app.core import i18n
from app.core.i18n import _, ngettext
from app.core.templates import environment
from app.exports.formats.pdf import words
from app.exports.formats.pdf.book import Piece
from app.exports.formats.pdf.conversation import LONG, chosen, moment, zone_name
from app.exports.formats.pdf.paper import for_paper, in_margin, printable, runs_to_the_left
from app.exports.formats.pdf.writing import Front
from app.exports.person import PersonData
from app.messages import markup

# What is the same in every row, or means nothing to a reader.
_LEFT_OUT = {"id", "read_position", "data", "conversation_id"}


class Dossier:
    """A person's data as what a book is about."""

    def __init__(self, data: PersonData) -> None:
        self._data, self._head = data, data.head
        self.order, self.made_at = self._head.order, self._head.read_at
        self.name, self.count = f"causerie-{self.order.by.username}", self._head.count
        self._locale = self.order.locale
        self._template = environment(self._locale.language).get_template("exports/pdf/_entry.html")
        self._number = 0
        self._day: date | None = None

    def front(self) -> Front:
        """The title page."""
        head, locale = self._head, self._locale
        messages = ngettext("%(num)s message", "%(num)s messages", head.messages)
        facts = [
            (_("Person"), f"{self._data.profile.name} (@{self._data.profile.username})"),
            (_("Date range"), chosen(self.order)),
            (_("Exported on"), moment(head.read_at, locale)),
            (_("Times"), zone_name(head.read_at, locale)),
            (_("Address"), head.instance),
        ]
        lead = messages % {"num": format_decimal(head.messages, locale=locale.language)}
        notes = [_("Secrets (passwords, keys and codes) are not included. Neither is what others wrote.")]
        return Front(_("My data"), lead, [fact for fact in facts if fact[1]], notes)

    async def pieces(self) -> AsyncIterator[list[Piece]]:
        """Everything, section by section."""
        data = self._data
        yield [self._one(_("Profile"), data.profile), self._one(_("Settings"), data.settings)]
        for section, rows in (
            (_("Sessions"), data.sessions),
            (_("Tokens"), data.tokens),
            (_("Devices with push notifications"), data.devices),
            (_("Bots"), data.bots),
            (_("Webhooks"), data.webhooks),
            (_("Contacts"), data.contacts),
            (_("Blocked people"), data.blocks),
            (_("Conversations"), data.conversations),
        ):
            yield list(self._rows(section, rows))
        async for pieces in self._stream(_("Messages"), data.messages(), self._message):
            yield pieces
        async for pieces in self._stream(_("Mentions"), data.mentions(), self._mention):
            yield pieces
        async for pieces in self._stream(_("Notifications"), data.notifications(), self._notification):
            yield pieces

    def _one(self, section: str, row: msgspec.Struct) -> Piece:
        facts = [(words.field(name), value) for name, value in self._values(row)]
        return self._piece(section=section, facts=facts, counts=False)

    def _rows(self, section: str, rows: list[Any]) -> Iterator[Piece]:
        for row in rows:
            values = dict(self._values(row))
            # Its name, or whom it is about, stands above the rest.
            title = next((values.pop(name) for name in ("title", "name", "device", "person") if name in values), "")
            facts = [(words.field(name), value) for name, value in values.items()]
            yield self._piece(section=section, title=title, facts=facts, counts=False)
            section = ""

    def _values(self, row: msgspec.Struct) -> Iterator[tuple[str, str]]:
        for name in row.__struct_fields__:
            value = getattr(row, name)
            value = value.name if name == "picture" and value is not None else value
            said = words.shown(name, value, self._locale) if name not in _LEFT_OUT else ""
            if said:
                yield name, said

    async def _stream(self, section: str, stretches: AsyncIterator[list[Any]], made: Any) -> AsyncIterator[list[Piece]]:
        self._day = None
        async for rows in stretches:
            found = []
            for row in rows:
                found.append(self._piece(section=section, **{"at": row.created_at, **made(row)}))
                section = ""
            yield found

    def _message(self, message: Any) -> dict[str, Any]:
        where = message.conversation or _("a conversation I am no longer in")
        details = [f"{_('edited')} · {i18n.stamp(message.edited_at, self._locale)}"] if message.edited_at else []
        if message.reply_to is not None:
            details.append(_("a reply"))
        if message.deleted_at is not None:
            html = Markup('<p class="quiet">%s</p>') % _("This message was deleted.")
            return {"title": where, "html": html, "details": details}
        rtl = runs_to_the_left(message.body)
        html = Markup(for_paper(markup.render(message.body)))
        return {"title": where, "html": html, "rtl": rtl, "long": len(html) > LONG, "details": details}

    def _mention(self, mention: Any) -> dict[str, Any]:
        return {"title": mention.author.name, "details": [mention.conversation]}

    def _notification(self, notification: Any) -> dict[str, Any]:
        many = ngettext("%(num)d time", "%(num)d times", notification.many) % {"num": notification.many}
        who = "" if notification.person.id == self.order.by.id else notification.person.name
        details = [each for each in (who, many) if each]
        # When they were last told: by that they are in order.
        return {"title": words.told(notification.kind), "details": details, "at": notification.updated_at}

    def _piece(self, *, section: str = "", at: datetime | None = None, counts: bool = True, **given: Any) -> Piece:
        self._number += 1
        name = f"entry-{self._number}"
        said = day = ""
        time = ""
        if at is not None:
            said = i18n.day(at, self._locale)
            today = at.astimezone(self._locale.zone).date()
            day = said if today != self._day else ""
            self._day = today
            time = in_margin(i18n.clock(at, self._locale), bold=True)
        context = {"title": "", "html": "", "rtl": False, "long": False, "facts": [], "details": [], **given}
        html = self._template.render(name=name, section=section, day=day, time=time, **context)
        return Piece(name, printable(html), said, counts)
