"""Reads of notifications, each through what its person may see at this moment."""

from collections.abc import Callable
from datetime import UTC, datetime

from app.accounts.avatars import address
from app.accounts.views import Me
from app.conversations import lines
from app.core import database
from app.core.database import Row
from app.core.errors import BadRequest, NotFound
from app.core.i18n import _, ngettext
from app.messages import quotes
from app.notifications.access import JOINED, MANY, READ_IN_CENTRE, SEEN
from app.notifications.views import NotificationsView, NotificationView
from app.people.views import PersonCard, shown_name

PAGE = 30
# More are shown as so many and a plus.
MOST_COUNTED = 100
COLUMNS = f"""
    n.id, n.kind, {MANY} AS many, n.export,
    (SELECT e.title FROM export e WHERE e.id = n.export) AS taken, x.first AS message, n.created_at, n.updated_at,
    n.person AS whose, {READ_IN_CENTRE} AS read,
    p.id AS actor, p.username, p.name, p.role, {address("p")} AS avatar,
    c.id AS conversation, c.kind AS where_kind, c.title, x.deleted_at, x.kind AS message_kind, left(x.body, 480) AS body
"""


async def listed(me: Me, before: str = "", limit: int = PAGE) -> NotificationsView:
    """A page of what they were told of, the latest first; raises BadRequest for a place that is none."""
    rows = await database.fetch(
        f"""
        SELECT {COLUMNS} FROM {JOINED} WHERE n.person = $1 AND n.in_app AND {SEEN} AND (n.updated_at, n.id) < ($2, $3)
        ORDER BY n.updated_at DESC, n.id DESC LIMIT $4
        """,
        me.id,
        *_place(before),
        limit + 1,
    )
    shown = [view(row) for row in rows[:limit]]
    more = f"{shown[-1].updated_at.isoformat()}~{shown[-1].id}" if len(rows) > limit else None
    return NotificationsView(shown, (await unread([me.id])).get(me.id, 0), more)


async def one(me: Me, number: int) -> NotificationView:
    """One of theirs; raises NotFound."""
    row = await database.fetch_row(
        f"SELECT {COLUMNS} FROM {JOINED} WHERE n.person = $1 AND n.id = $2 AND n.in_app AND {SEEN}", me.id, number
    )
    if row is None:
        raise NotFound
    return view(row)


# What was read to its latest message is known without a look at any, and there is much of that.
_UNREAD = f"""
    SELECT FROM {JOINED} WHERE n.read_at IS NULL AND n.in_app
      AND (n.kind = 'invitation' OR NOT coalesce(m.read_position >= n.position, false))
      AND NOT {READ_IN_CENTRE} AND {SEEN} AND n.person =
"""
COUNT = f"SELECT count(*) FROM ({_UNREAD} $1 LIMIT {MOST_COUNTED}) AS counted"


async def unread_of(person: int) -> int:
    """How many this person has not read, up to MOST_COUNTED. Every page asks; for a list of one person Postgres would
    make a plan anew each time, which costs more than the answer."""
    return int(await database.fetch_value(COUNT, person) or 0)


async def unread(people: list[int]) -> dict[int, int]:
    """The same for each of them; who has none is left out."""
    rows = await database.fetch(
        f"""
        SELECT w.person, count(*) AS many FROM unnest($1::bigint[]) AS w (person)
        CROSS JOIN LATERAL ({_UNREAD} w.person LIMIT {MOST_COUNTED}) AS counted GROUP BY w.person
        """,
        people,
    )
    return {row["person"]: row["many"] for row in rows}


async def fresh(numbers: list[int]) -> dict[int, Row]:
    """Those of these notifications that are unread and may be seen, as rows for `view`, with the quiet hours of whose
    they are."""
    rows = await database.fetch(
        f"""
        SELECT {COLUMNS}, s.quiet_from, s.quiet_to, (SELECT time_zone FROM person w WHERE w.id = n.person) AS time_zone
        FROM {JOINED} LEFT JOIN notification_settings s ON s.person = n.person
        WHERE n.id = ANY($1) AND n.in_app AND NOT {READ_IN_CENTRE} AND {SEEN}
        """,
        numbers,
    )
    return {row["id"]: row for row in rows}


def view(row: Row) -> NotificationView:
    """A row of COLUMNS, in the language of this request (or stream)."""
    actor = PersonCard(row["actor"], row["username"], shown_name(row["name"]), row["role"], row["avatar"])
    said = row["body"] is not None and row["deleted_at"] is None and row["message_kind"] != "system"
    return NotificationView(
        id=row["id"],
        kind=row["kind"],
        title=told(row["kind"], row["many"], actor.name, where(row)),
        text=quotes.excerpt(row["body"]) if said else row["taken"] or "",
        many=row["many"],
        person=actor,
        conversation_id=row["conversation"],
        message_id=row["message"] if row["conversation"] else None,
        export_id=row["export"],
        url=f"/notifications/{row['id']}",
        read=row["read"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def target(found: NotificationView) -> str:
    """Where it leads: to the very message, or to what is to be answered."""
    if found.kind == "invitation":
        return f"/conversations/{found.conversation_id}"
    if found.export_id is not None:
        return f"/exports/{found.export_id}"
    if found.message_id is not None:
        return f"/messages/{found.message_id}"
    return "/contacts"


def where(row: Row) -> str:
    """How the conversation of a row of COLUMNS is called, empty when there is none, or none but the two."""
    if row["where_kind"] in (None, "direct"):
        return ""
    return row["title"] or lines.untitled(row["where_kind"])


def told(kind: str, many: int, name: str, title: str) -> str:
    """What happened, in words. Of several the last one's name stands for all. Between two it has no title."""
    between_two: dict[str, Callable[[], str]] = {
        "mention": lambda: ngettext("%(name)s mentioned you", "%(num)d mentions by %(name)s", many),
        "reply": lambda: ngettext("%(name)s replied to you", "%(num)d replies from %(name)s", many),
    }
    words: dict[str, Callable[[], str]] = {
        "mention": lambda: ngettext(
            "%(name)s mentioned you in %(title)s", "%(num)d mentions in %(title)s, the last by %(name)s", many
        ),
        "reply": lambda: ngettext(
            "%(name)s replied to you in %(title)s", "%(num)d replies to you in %(title)s, the last by %(name)s", many
        ),
        "direct": lambda: ngettext("%(name)s wrote to you", "%(num)d messages from %(name)s", many),
        "announcement": lambda: ngettext(
            "%(name)s posted an announcement", "%(num)d announcements, the last by %(name)s", many
        ),
        "message": lambda: ngettext(
            "%(name)s wrote in %(title)s", "%(num)d messages in %(title)s, the last by %(name)s", many
        ),
        "invitation": lambda: _("%(name)s added you to %(title)s"),
        "contact_request": lambda: _("%(name)s sent you a contact request"),
        "contact_accepted": lambda: _("%(name)s is now your contact"),
        "export": lambda: _("Your export is ready"),
        "export_failed": lambda: _("Your export failed"),
    }
    said = between_two[kind] if not title and kind in between_two else words[kind]
    return said() % {"name": name, "title": title, "num": many}


def _place(before: str) -> tuple[datetime, int]:
    if not before:
        return datetime(9999, 1, 1, tzinfo=UTC), 0
    moment, _sep, number = before.partition("~")
    try:
        at, last = datetime.fromisoformat(moment), int(number)
    except ValueError as error:
        raise BadRequest(_("The request is malformed.")) from error
    if at.tzinfo is None or not 0 <= last < 2**63:
        raise BadRequest(_("The request is malformed."))
    return at, last
