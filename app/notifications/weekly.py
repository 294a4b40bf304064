"""The weekly summary, for who wants one: on Monday at eight in the morning, by the clock on their wall."""

from datetime import UTC, datetime, timedelta

from app.conversations import lines
from app.conversations.views import ConversationItem
from app.core import database, i18n
from app.core.i18n import _, ngettext
from app.core.periodic import every
from app.core.settings import Settings
from app.core.text import apart, headline
from app.notifications import letters
from app.notifications.addressees import Addressee
from app.notifications.letters import Content, Letter, Line

HOUR = 8
MOST = 20
PEOPLE = 500
LOOK = timedelta(hours=1)
# Whoever has more conversations than so many pages of the sidebar is told of the latest.
MOST_PAGES = 5


def register() -> None:
    """Says who does the work; called once by the worker."""

    @every(LOOK, name="weekly summaries")
    async def summaries(_due: datetime) -> bool:
        return await write_due(datetime.now(UTC))


async def write_due(now: datetime) -> bool:
    """Makes the mails of those for whom it is Monday, and who had none this week; whether there may be more of them.
    Whoever has chosen it since the last look begins with the next Monday. Stands inside a transaction."""
    await database.fetch("UPDATE notification_settings SET weekly_at = NULL WHERE NOT weekly AND weekly_at IS NOT NULL")
    rows = await database.fetch(
        """
        SELECT s.person, s.weekly_at, p.time_zone FROM notification_settings s JOIN person p ON p.id = s.person
        WHERE s.weekly AND p.deactivated_at IS NULL
          AND (s.weekly_at IS NULL OR s.weekly_at < $1::timestamptz - interval '6 days 20 hours')
        ORDER BY s.weekly_at NULLS FIRST LIMIT $2 FOR NO KEY UPDATE OF s SKIP LOCKED
        """,
        now,
        PEOPLE,
    )
    mondays = {row["person"]: last_monday(now, row["time_zone"]) for row in rows}
    began = {row["person"]: row["weekly_at"] or last_monday(now - LOOK, row["time_zone"]) for row in rows}
    due = [person for person, monday in mondays.items() if began[person] < monday]
    moved = [row["person"] for row in rows if row["weekly_at"] is None or row["person"] in set(due)]
    await database.fetch(
        """
        UPDATE notification_settings s SET weekly_at = w.monday
        FROM unnest($1::bigint[], $2::timestamptz[]) AS w (person, monday) WHERE s.person = w.person
        """,
        moved,
        [mondays[person] for person in moved],
    )
    await database.fetch("INSERT INTO mail_waiting (person, kind) SELECT unnest($1::bigint[]), 'weekly'", due)
    return len(rows) == PEOPLE and bool(moved)


def last_monday(now: datetime, time_zone: str) -> datetime:
    """When it was last Monday at eight there."""
    there = now.astimezone(i18n.zone(time_zone))
    monday = (there - timedelta(days=there.weekday())).replace(hour=HOUR, minute=0, second=0, microsecond=0, fold=0)
    return (monday if monday.astimezone(UTC) <= now else monday - timedelta(days=7)).astimezone(UTC)


async def made(settings: Settings, who: Addressee) -> Letter | None:
    """The mail, in the language of its reader; None when there is nothing to tell, or it is not wanted any more."""
    if not await database.fetch_value("SELECT weekly FROM notification_settings WHERE person = $1", who.id):
        return None
    i18n.use(who.locale)
    found = await _unread(who.id)
    if not found:
        return None
    many = len(found)
    content = Content(
        ngettext(
            "Your week: unread messages in %(num)d conversation",
            "Your week: unread messages in %(num)d conversations",
            many,
        )
        % {"num": many},
        lines=[_line(settings, item) for item in found[:MOST]],
        left_out=max(0, many - MOST),
    )
    return letters.written(settings, "weekly", who.id, who.locale, content)


async def _unread(person: int) -> list[ConversationItem]:
    """Their conversations with something to read, but for those that they have muted or put away."""
    found: list[ConversationItem] = []
    after = ""
    for _page in range(MOST_PAGES):
        page = await lines.sidebar_of(person, after, beyond=False)
        found += [item for item in page.conversations if item.unread and item.muted_until is None]
        if page.next is None:
            break
        after = page.next
    return found


def _line(settings: Settings, item: ConversationItem) -> Line:
    """The sidebar counts to a hundred, and no further."""
    many, title = item.unread, apart(headline(item.title))
    if many >= 100:
        words = _("%(title)s: more than %(num)d unread") % {"title": title, "num": 99}
    else:
        words = ngettext("%(title)s: %(num)d unread", "%(title)s: %(num)d unread", many) % {"title": title, "num": many}
    return Line(words, f"{settings.base_url}/conversations/{item.id}")
