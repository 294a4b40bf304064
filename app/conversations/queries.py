"""Reads of conversations, each through the viewer's membership."""

from datetime import UTC, datetime

from app.accounts.views import Me
from app.conversations import access, permission
from app.conversations.access import HERE, OF_PERSON, Access
from app.conversations.views import (
    ConversationItem,
    ConversationsView,
    ConversationView,
    MembersView,
    MemberView,
    PanelView,
)
from app.core import database
from app.core.errors import BadRequest, Forbidden, NotFound
from app.core.i18n import _
from app.people.views import PersonCard

SIDEBAR = 100
MEMBERS = 50
# An opened direct conversation shows to the other one when there is something in it.
SHOWN = "(c.kind <> 'direct' OR c.position > 0 OR c.owner = m.person)"
# Exact to 100 and no further: what is shown above is "99+". Own and system messages never count.
UNREAD = """
    (SELECT count(*) FROM (
        SELECT FROM message x WHERE x.conversation = i.id AND x.position > i.read_position
          AND x.deleted_at IS NULL AND x.author <> i.person AND x.kind <> 'system' LIMIT 100
    ) AS counted)
"""
ITEM = f"""
    SELECT i.*, o.id AS other, o.username, o.name, o.role,
           CASE WHEN i.position > i.read_position THEN {UNREAD} ELSE 0 END AS unread
    FROM items i
    LEFT JOIN LATERAL (
        SELECT p.id, p.username, p.name, p.role FROM membership x JOIN person p ON p.id = x.person
        WHERE i.kind = 'direct' AND x.conversation = i.id AND x.person <> i.person LIMIT 1
    ) o ON true
"""
COLUMNS = "c.id, c.kind, c.title, c.owner, c.position, c.change, c.last_activity_at, m.read_position, m.person"


async def sidebar(me: Me, after: str = "", limit: int = SIDEBAR) -> ConversationsView:
    """The person's conversations by last activity; `after` is the `next` of the page before."""
    view = await sidebar_of(me.id, after, limit)
    if after or any(line.kind == "general" for line in view.conversations):
        return view
    # Where all lines are shown and this one is not, another request of theirs brought them in at this moment.
    if await access.join_general(me.id) or view.next is None:
        return await sidebar_of(me.id, after, limit)
    return view


async def sidebar_of(person: int, after: str = "", limit: int = SIDEBAR) -> ConversationsView:
    """The same by the person's id, for the feed."""
    before, last = _cursor(after)
    rows = await database.fetch(
        f"""
        WITH items AS MATERIALIZED (
            SELECT {COLUMNS} FROM {OF_PERSON}
            WHERE m.person = $1 AND {SHOWN} AND (c.last_activity_at, c.id) < ($2, $3)
            ORDER BY c.last_activity_at DESC, c.id DESC LIMIT $4
        )
        {ITEM} ORDER BY i.last_activity_at DESC, i.id DESC
        """,
        person,
        before,
        last,
        limit + 1,
    )
    shown = [item(row) for row in rows[:limit]]
    more = f"{shown[-1].last_activity_at.isoformat()}~{shown[-1].id}" if len(rows) > limit else None
    return ConversationsView(shown, more)


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


async def ids(person: int) -> dict[int, int]:
    """The conversations of a person, each with its head (the number of its newest change)."""
    rows = await database.fetch(f"SELECT c.id, c.change FROM {OF_PERSON} WHERE m.person = $1", person)
    return {row["id"]: row["change"] for row in rows}


async def heads(conversations: list[int]) -> dict[int, int]:
    """The newest change of each of these that still exists: asked for watched conversations, once a second."""
    rows = await database.fetch(
        f"SELECT c.id, c.change FROM conversation c WHERE c.id = ANY($1) AND {HERE}", conversations
    )
    return {row["id"]: row["change"] for row in rows}


async def newest_membership() -> int:
    """The highest number of a membership so far."""
    return int(await database.fetch_value("SELECT coalesce(max(id), 0) FROM membership"))


async def entered_since(membership: int, people: list[int]) -> list[tuple[int, int]]:
    """The (person, conversation) of those of these people who are in one by a membership with a higher number."""
    rows = await database.fetch(
        f"""
        SELECT m.person, m.conversation FROM {OF_PERSON} WHERE m.id > $1 AND m.person = ANY($2)
        """,
        membership,
        people,
    )
    return [(row["person"], row["conversation"]) for row in rows]


async def general() -> int:
    """The id of the general room."""
    return int(await database.fetch_value("SELECT id FROM conversation WHERE kind = 'general'"))


async def conversation(conversation_id: int, me: Me) -> ConversationView:
    """The conversation as the viewer sees it; raises NotFound."""
    return (await opened(conversation_id, me))[1]


async def require_writer(conversation_id: int, me: Me) -> None:
    """Raises NotFound for who is not in it, Forbidden with the reason for who may only read."""
    view = await conversation(conversation_id, me)
    if view.why_not is not None:
        raise Forbidden(view.why_not)


async def opened(conversation_id: int, me: Me) -> tuple[Access, ConversationView]:
    """The access of a member together with what they see, in one query; raises NotFound."""
    row = await _row(conversation_id, me)
    if row is None:  # a newcomer to the general room; or another request of theirs was first at this moment
        await access.join_general(me.id, only=conversation_id)
        row = await _row(conversation_id, me)
    if row is None:
        raise NotFound
    may = Access(row["id"], row["kind"], row["owner"], me.id, row["read_position"], row["position"], row["change"])
    line = item(row)
    return may, ConversationView(
        id=line.id,
        kind=line.kind,
        title=line.title,
        unread=line.unread,
        change=line.change,
        last_activity_at=line.last_activity_at,
        person=line.person,
        owner_id=row["owner"] if row["kind"] == "group" else None,
        role="owner" if may.is_owner else "member",
        members=row["members"],
        total=row["position"],
        read_position=row["read_position"],
        created_at=row["created_at"],
        everyone_writes=row["everyone_writes"],
        why_not=permission.why_not(me, row["kind"], row["owner_role"], row["role"], row["everyone_writes"]),
    )


async def _row(conversation_id: int, me: Me) -> database.Row | None:
    return await database.fetch_row(
        f"""
        WITH items AS MATERIALIZED (
            SELECT {COLUMNS}, c.created_at, c.everyone_writes FROM {OF_PERSON}
            WHERE m.person = $1 AND m.conversation = $2
        )
        SELECT i.*, (SELECT count(*) FROM membership x WHERE x.conversation = i.id) AS members,
               (SELECT r.role FROM person r WHERE r.id = i.owner) AS owner_role
        FROM ({ITEM}) i
        """,
        me.id,
        conversation_id,
    )


async def glance(may: Access, many: int) -> list[MemberView]:
    """The members that are shown beside a conversation: by name, or in a crowd those who have been here longest.

    By name a crowd would be sorted whole for each page; by id they come along the index.
    """
    if many <= 4 * MEMBERS:
        return (await members(may))[0]
    rows = await database.fetch(
        """
        SELECT p.id, p.username, p.name, p.role, m.joined_at FROM membership m JOIN person p ON p.id = m.person
        WHERE m.conversation = $1 AND p.deactivated_at IS NULL ORDER BY m.person LIMIT $2
        """,
        may.conversation,
        MEMBERS,
    )
    return [MemberView(r[0], r[1], r[2], r[3], may.kind == "group" and r[0] == may.owner, r[4]) for r in rows]


async def members(may: Access, after: str = "", limit: int = MEMBERS) -> tuple[list[MemberView], str | None]:
    """A page of the members by name, and where the next one starts."""
    key, _sep, last = after.rpartition("~")
    rows = await database.fetch(
        """
        SELECT p.id, p.username, p.name, p.role, m.joined_at, p.search_key
        FROM membership m JOIN person p ON p.id = m.person
        WHERE m.conversation = $1 AND p.deactivated_at IS NULL AND (p.search_key, p.id) > ($2, $3)
        ORDER BY p.search_key, p.id LIMIT $4
        """,
        may.conversation,
        key,
        int(last) if last.isdecimal() and len(last) < 19 else 0,
        limit + 1,
    )
    owner = may.owner if may.kind == "group" else None
    found = [MemberView(r[0], r[1], r[2], r[3], r[0] == owner, r[4]) for r in rows[:limit]]
    more = f"{rows[limit - 1]['search_key']}~{found[-1].id}" if len(rows) > limit else None
    return found, more


async def panel(conversation_id: int) -> PanelView | None:
    """For the feed, which has proved who may see it: the title and the members; None when deleted or direct."""
    row = await database.fetch_row(
        """
        SELECT c.id, c.kind, c.title, c.owner,
               (SELECT count(*) FROM membership x WHERE x.conversation = c.id) AS members
        FROM conversation c WHERE c.id = $1 AND c.deleted_at IS NULL AND c.kind <> 'direct'
        """,
        conversation_id,
    )
    if row is None:
        return None
    may = Access(conversation_id, row["kind"], row["owner"], 0, 0, 0, 0)
    people = await glance(may, row["members"])
    return PanelView(id=row["id"], kind=row["kind"], title=row["title"], members=row["members"], people=people)


async def among(conversation_id: int, people: list[int]) -> set[int]:
    """Those of these people who are in the conversation."""
    rows = await database.fetch(
        "SELECT person FROM membership WHERE conversation = $1 AND person = ANY($2)", conversation_id, people
    )
    return {row["person"] for row in rows}


async def members_page(conversation_id: int, me: Me, after: str = "") -> MembersView:
    """The page of the members of a conversation; raises NotFound."""
    may, view = await opened(conversation_id, me)
    people, more = await members(may, after)
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    return MembersView(**fields, people=people, next=more)


def item(row: database.Row) -> ConversationItem:
    """A sidebar line; a direct conversation is called by the other one's name."""
    person = PersonCard(row["other"], row["username"], row["name"], row["role"]) if row["other"] else None
    title = person.name if person else row["title"] or (_("General") if row["kind"] == "general" else _("Just you"))
    return ConversationItem(
        id=row["id"],
        kind=row["kind"],
        title=title,
        unread=row["unread"],
        change=row["change"],
        last_activity_at=row["last_activity_at"],
        person=person,
    )


def _cursor(after: str) -> tuple[datetime, int]:
    if not after:
        return datetime(9999, 1, 1, tzinfo=UTC), 0
    moment, _sep, last = after.partition("~")
    try:
        return datetime.fromisoformat(moment), int(last)
    except ValueError as error:
        raise BadRequest(_("It is not well-formed.")) from error
