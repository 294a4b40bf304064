"""What a mail tells of notifications: read when it is sent, by what its reader may see at that moment."""

import html

from markupsafe import Markup

from app.core import database, i18n
from app.core.database import Row
from app.core.i18n import _, ngettext
from app.core.settings import Settings
from app.core.text import apart, headline
from app.messages import markup, unread
from app.messages.unread import MOST_COUNTED, Stretch, Unread
from app.notifications import letters, queries
from app.notifications.addressees import Addressee
from app.notifications.due import TO_TELL, WITH_WISHES
from app.notifications.letters import Content, Letter, Line, Said, Section
from app.people.views import shown_name

# Of a conversation so many messages, of each so many characters; in one mail so many conversations, and other lines.
MOST_TEXTS = 5
LONGEST = 500
MOST_SECTIONS = 20
MOST_LINES = 20


async def made(settings: Settings, mail: int, who: Addressee) -> Letter | None:
    """The mail, in the language of its reader; None when there is nothing to tell any more."""
    i18n.use(who.locale)
    rows = await database.fetch(
        f"""
        SELECT {queries.COLUMNS}, n.position,
               (SELECT f.position FROM message f WHERE f.id = n.message) AS first
        FROM {WITH_WISHES} WHERE n.mail = $1 AND n.person = $2 AND {TO_TELL} ORDER BY n.updated_at, n.id
        """,
        mail,
        who.id,
    )
    of: dict[int, list[Row]] = {}
    for row in rows:
        of.setdefault(row["conversation"] or 0, []).append(row)
    others = of.pop(0, [])
    content = Content("")
    shown = dict(list(of.items())[:MOST_SECTIONS])
    content.left_out = len(of) - len(shown)
    places = {each: min(row["first"] or row["position"] for row in told) for each, told in shown.items()}
    found = await unread.since(who.id, places, MOST_TEXTS, LONGEST)
    for conversation, told in shown.items():
        stretch = found.get(conversation)
        content.seen += [each.id for each in stretch.messages] if stretch else []
        # Deleted meanwhile, all that there was.
        if stretch is not None or any(row["kind"] == "invitation" for row in told):
            content.sections.append(_section(settings, conversation, told, stretch))
    content.lines = [_line(settings, row) for row in others[:MOST_LINES]]
    if not content.sections and not content.lines:
        return None
    if len(of) == 1 and not others:
        (content.conversation,) = of
    content.subject = _subject(content, of, others)
    return letters.written(settings, "told", who.id, who.locale, content)


def _section(settings: Settings, conversation: int, told: list[Row], stretch: Stretch | None) -> Section:
    messages = stretch.messages if stretch else []
    many = stretch.many if stretch else 0
    here = f"{settings.base_url}/conversations/{conversation}"
    return Section(
        title=_title(told),
        url=f"{settings.base_url}/messages/{messages[0].id}" if messages else here,
        settings=f"{here}/settings",
        # Between two people there is nobody else who could have done it, nor another place.
        happened=[] if _is_direct(told) else [_happened(row) for row in told],
        messages=[_said(settings, each) for each in messages],
        more=min(many, MOST_COUNTED) - len(messages),
        plenty=many > MOST_COUNTED,
    )


def _said(settings: Settings, message: Unread) -> Said:
    body = _cut(message.body)
    # A word without end may be an address, and what is left of it leads elsewhere.
    whole = body == message.body or " " in body or "\n" in body
    made = markup.render(body) if whole else f"<p>{html.escape(body)}</p>"
    return Said(
        author=headline(message.author),
        at=message.created_at,
        lines=body.splitlines(),
        html=Markup(made),
        url=f"{settings.base_url}/messages/{message.id}",
    )


def _cut(body: str) -> str:
    """The beginning, up to the last whole word."""
    if len(body) <= LONGEST:
        return body
    start = body[:LONGEST]
    end = max(start.rfind(" "), start.rfind("\n"))
    return f"{start[: end if end > 0 else LONGEST].rstrip()} …"


def _line(settings: Settings, row: Row) -> Line:
    return Line(_happened(row), f"{settings.base_url}{queries.target(queries.view(row))}")


def _happened(row: Row) -> str:
    """In words, in which no name turns the direction of the rest."""
    name, title = headline(shown_name(row["name"])), headline(queries.where(row))
    return queries.told(row["kind"], row["many"], apart(name), apart(title) if title else "")


def _title(told: list[Row]) -> str:
    """Of a conversation between two the other one's name."""
    row = told[-1]
    if _is_direct(told):
        return headline(shown_name(row["name"]))
    return headline(queries.where(row))


def _is_direct(told: list[Row]) -> bool:
    return bool(told[-1]["where_kind"] == "direct")


def _subject(content: Content, of: dict[int, list[Row]], others: list[Row]) -> str:
    """Of a conversation always the same: by another subject Gmail would take a mail for the beginning of something."""
    if len(content.sections) == 1 and not content.lines:
        title = content.sections[0].title
        direct = any(_is_direct(told) for told in of.values())
        return (_("Messages from %(name)s") if direct else _("New in %(name)s")) % {"name": title}
    if not content.sections:
        if len(content.lines) == 1:
            return content.lines[0].text
        return _("News for you") if any(row["export"] for row in others) else _("News about your contacts")
    many = len(content.sections) + content.left_out
    return ngettext("New in %(num)d conversation", "New in %(num)d conversations", many) % {"num": many}
