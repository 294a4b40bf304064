"""The lines of the sidebar: a person's conversations as they stand in their list."""

from datetime import UTC, datetime

import msgspec

from app.accounts.avatars import address
from app.accounts.views import Me
from app.conversations import access
from app.conversations.access import HERE, NOT_LISTED, OF_PERSON
from app.conversations.views import MOST_BEYOND, ConversationItem, ConversationsView
from app.core import database
from app.core.errors import BadRequest
from app.core.i18n import _
from app.people.views import PersonCard, shown_name

SIDEBAR = 100
# An opened direct conversation shows to the other one when there is something in it; so do the announcements.
SHOWN = "(c.kind NOT IN ('direct', 'announcements') OR c.position > 0 OR c.owner = m.person)"
MUTED = "coalesce(m.muted_until > now(), false)"
# Put away; what comes later brings it back, unless it is muted.
ARCHIVED = f"(m.archived_position IS NOT NULL AND (c.position <= m.archived_position OR {MUTED}))"


# Exact to 100 and no further: what is shown above is "99+". Own and system messages never count, nor what those wrote
# whom one has blocked.
def _unread(condition: str) -> str:
    return f"""
        (SELECT count(*) FROM (
            SELECT FROM message x WHERE x.conversation = i.id AND x.position > i.read_position
              AND x.deleted_at IS NULL AND x.author <> i.person AND x.kind <> 'system' AND {condition} LIMIT 100
        ) AS counted)
    """


NOT_BLOCKED = "NOT EXISTS (SELECT FROM block b WHERE b.person = i.person AND b.blocked = x.author)"
UNREAD = f"""
    CASE WHEN i.position <= i.read_position THEN 0
         WHEN EXISTS (SELECT FROM block b WHERE b.person = i.person) THEN {_unread(NOT_BLOCKED)}
         ELSE {_unread("true")} END
"""
ITEM = f"""
    SELECT i.*, o.id AS other, o.username, o.name, o.role, o.avatar,
           {UNREAD} AS unread
    FROM items i
    LEFT JOIN LATERAL (
        SELECT p.id, p.username, p.name, p.role, {address("p")} AS avatar
        FROM membership x JOIN person p ON p.id = x.person
        WHERE i.kind = 'direct' AND x.conversation = i.id AND x.person <> i.person LIMIT 1
    ) o ON true
"""
COLUMNS = f"""
    c.id, c.kind, c.title, c.owner, c.position, c.change, c.last_activity_at, m.read_position, m.person, m.pinned,
    CASE WHEN {MUTED} THEN m.muted_until END AS muted_until, {ARCHIVED} AS archived
"""


# What a person ($1) is shown after a place in their list: whether it is pinned there, when something was done, which.
AFTER = f"m.person = $1 AND {SHOWN} AND (m.pinned, c.last_activity_at, c.id) < ($2, $3, $4)"
IN_ORDER = "ORDER BY m.pinned DESC, c.last_activity_at DESC, c.id DESC"


async def sidebar(me: Me, after: str = "", limit: int = SIDEBAR, beyond: bool = True) -> ConversationsView:
    """The person's conversations, the pinned ones first, by last activity; `after` is the `next` of the page before.
    Without `beyond` it is not counted what is unread after the last one, which takes a statement of its own."""
    view = await sidebar_of(me.id, after, limit, beyond)
    if after or any(line.kind == "general" for line in view.conversations):
        return view
    # Where all lines are shown and this one is not, another request of theirs brought them in at this moment.
    if await access.join_general(me.id) or view.next is None:
        return await sidebar_of(me.id, after, limit, beyond)
    return view


async def sidebar_of(person: int, after: str = "", limit: int = SIDEBAR, beyond: bool = True) -> ConversationsView:
    """The same by the person's id, for the feed."""
    return await _page(person, f"NOT {ARCHIVED}", after, limit, beyond)


async def archived(me: Me, after: str = "", limit: int = SIDEBAR) -> ConversationsView:
    """What the person has put away, in the same order. No title counts it, so nothing beyond it is counted either."""
    view = await _page(me.id, f"{ARCHIVED} AND m.archived_position < {NOT_LISTED}", after, limit, beyond=False)
    return msgspec.structs.replace(view, archived=True)


async def _page(person: int, condition: str, after: str, limit: int, beyond: bool) -> ConversationsView:
    pinned, before, last = _cursor(after)
    rows = await database.fetch(
        f"""
        WITH items AS MATERIALIZED (
            SELECT {COLUMNS} FROM {OF_PERSON}
            WHERE {AFTER} AND {condition}
            {IN_ORDER} LIMIT $5
        )
        {ITEM} ORDER BY i.pinned DESC, i.last_activity_at DESC, i.id DESC
        """,
        person,
        pinned,
        before,
        last,
        limit + 1,
    )
    shown = [item(row) for row in rows[:limit]]
    end = shown[-1] if len(rows) > limit else None
    more = f"{end.last_activity_at.isoformat()}~{end.id}{'~pinned' if end.pinned else ''}" if end else None
    unread = await _unread_beyond(person, condition, end) if end and beyond else {}
    return ConversationsView(shown, more, unread_beyond=unread)


async def _unread_beyond(person: int, condition: str, end: ConversationItem) -> dict[int, int]:
    """What is unread in the conversations after that line, by conversation. A hundred that have any are enough for a
    sum that is shown as 99+."""
    rows = await database.fetch(
        f"""
        WITH items AS MATERIALIZED (
            SELECT {COLUMNS} FROM {OF_PERSON}
            WHERE {AFTER} AND {condition}
              AND c.position > m.read_position AND NOT {MUTED}
            {IN_ORDER}
        )
        SELECT i.id, u.unread FROM items i
        CROSS JOIN LATERAL (SELECT {UNREAD} AS unread OFFSET 0) u WHERE u.unread > 0 LIMIT {MOST_BEYOND}
        """,
        person,
        end.pinned,
        end.last_activity_at,
        end.id,
    )
    return {row["id"]: row["unread"] for row in rows}


async def item_rows(people: list[int], conversations: list[int]) -> dict[tuple[int, int], database.Row]:
    """The sidebar lines of these (person, conversation) pairs, for those that are members; one query for all.

    Rows, to be made into views by `item` in the language of each reader."""
    rows = await database.fetch(
        f"""
        WITH items AS MATERIALIZED (
            SELECT {COLUMNS} FROM unnest($1::bigint[], $2::bigint[]) AS w (person, conversation)
            JOIN membership m ON m.person = w.person AND m.conversation = w.conversation
            JOIN conversation c ON c.id = m.conversation AND {HERE} WHERE {SHOWN}
        )
        {ITEM}
        """,
        people,
        conversations,
    )
    return {(row["person"], row["id"]): row for row in rows}


def item(row: database.Row) -> ConversationItem:
    """A sidebar line; a direct conversation is called by the other one's name."""
    person = None
    if row["other"]:
        person = PersonCard(row["other"], row["username"], shown_name(row["name"]), row["role"], row["avatar"])
    title = person.name if person else row["title"] or untitled(row["kind"])
    return ConversationItem(
        id=row["id"],
        kind=row["kind"],
        title=title,
        unread=row["unread"],
        change=row["change"],
        last_activity_at=row["last_activity_at"],
        person=person,
        pinned=row["pinned"],
        archived=row["archived"],
        muted_until=row["muted_until"],
    )


def untitled(kind: str) -> str:
    """What a conversation without a title is called, in the language of this request (or stream)."""
    names = {"general": _("General"), "announcements": _("Announcements"), "support": _("Support request")}
    return names.get(kind) or _("Just you")


def _cursor(after: str) -> tuple[bool, datetime, int]:
    if not after:
        return True, datetime(9999, 1, 1, tzinfo=UTC), 0
    moment, last, *pinned = after.split("~") + ([] if "~" in after else [""])
    try:
        return bool(pinned), datetime.fromisoformat(moment), int(last)
    except ValueError as error:
        raise BadRequest(_("The request is malformed.")) from error
