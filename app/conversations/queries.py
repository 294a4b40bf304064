"""Reads of conversations and their members, each through the viewer's membership."""

from typing import Any

from app.accounts.avatars import address
from app.accounts.views import Me
from app.conversations import access, permission
from app.conversations.access import OF_PERSON, Access
from app.conversations.lines import COLUMNS, ITEM, item
from app.conversations.views import (
    ConversationView,
    MembersView,
    MemberView,
)
from app.core import database
from app.core.errors import Forbidden, NotFound
from app.people.views import PersonCard, is_gone

MEMBERS = 50
# Of a support conversation: who asked, and who of the team looks after it. The others of the team come in by looking,
# and nobody is told that they looked.
TAKES_PART = "(NOT m.of_team OR m.person = (SELECT assignee FROM conversation WHERE id = m.conversation))"
# Their cards, where `q` owns the conversation and `a` is its assignee.
ASKED = f"""
    q.id AS q_id, q.username AS q_username, q.name AS q_name, q.role AS q_role, {address("q")} AS q_avatar,
    a.id AS a_id, a.username AS a_username, a.name AS a_name, a.role AS a_role, {address("a")} AS a_avatar
"""
CARD = ("id", "username", "name", "role", "avatar")


# Closed accounts keep their memberships. They are few, and along an index of their own: hashed once, they are asked for
# without a look at the person of each member, of whom the general room has thousands.
NOT_CLOSED = "NOT IN (SELECT id FROM person WHERE deactivated_at IS NOT NULL)"


def many(conversation: str) -> str:
    """How many are in it, as a column: as many as `members` lists."""
    return f"""
        CASE {conversation}.kind WHEN 'support' THEN (
            SELECT count(*) FROM membership m
            WHERE m.conversation = {conversation}.id AND {TAKES_PART} AND m.person {NOT_CLOSED}
        ) ELSE (
            SELECT count(*) FROM membership x WHERE x.conversation = {conversation}.id AND x.person {NOT_CLOSED}
        ) END AS members
    """


async def general() -> int:
    """The id of the general room."""
    return int(await database.fetch_value("SELECT id FROM conversation WHERE kind = 'general'"))


async def announcements() -> int:
    """The id of the conversation in which administrators tell everyone something."""
    return int(await database.fetch_value("SELECT id FROM conversation WHERE kind = 'announcements'"))


async def conversation(conversation_id: int, me: Me) -> ConversationView:
    """The conversation as the viewer sees it; raises NotFound."""
    return (await opened(conversation_id, me))[1]


async def require_writer(conversation_id: int, me: Me) -> int:
    """Raises NotFound for who is not in it, Forbidden with the reason for who may only read. Gives how many are in."""
    view = await conversation(conversation_id, me)
    if view.why_not is not None:
        raise Forbidden(view.why_not)
    return view.members


async def opened(conversation_id: int, me: Me, *, enter: bool = True) -> tuple[Access, ConversationView]:
    """The access of a member together with what they see, in one query; raises NotFound. Whoever may come in by looking
    does so by this, with `enter`."""
    row = await _row(conversation_id, me)
    if row is None and enter:  # a newcomer to the general room; or another request of theirs was first at this moment
        await access.join_by_looking(me, conversation_id)
        row = await _row(conversation_id, me)
    if row is None:
        raise NotFound
    # The last activity too: a database that was restored counts the same changes again.
    state = (row["change"], row["last_activity_at"], row["names"], row["kept_after"])
    may = Access(
        row["id"],
        row["kind"],
        row["owner"],
        me.id,
        row["read_position"],
        row["position"],
        row["change"],
        row["kept_after"],
        state,
    )
    line = item(row)
    return may, ConversationView(
        id=line.id,
        kind=line.kind,
        title=line.title,
        unread=line.unread,
        change=line.change,
        last_activity_at=line.last_activity_at,
        person=line.person,
        pinned=line.pinned,
        archived=line.archived,
        muted_until=line.muted_until,
        owner_id=row["owner"] if row["kind"] == "group" else None,
        role="owner" if may.is_owner else "member",
        members=row["members"],
        total=row["position"],
        read_position=row["read_position"],
        created_at=row["created_at"],
        everyone_writes=row["everyone_writes"],
        level=row["level"],
        why_not=permission.why_not(
            me, row["kind"], row["owner_role"], row["role"], row["everyone_writes"], is_gone(row["username"] or "")
        ),
        **asked(row),
    )


def asked(row: database.Row) -> dict[str, Any]:
    """What a support conversation shows of itself; of others, nothing."""
    if row["kind"] != "support":
        return {}
    cards = {
        name: PersonCard(*(row[f"{letter}_{column}"] for column in CARD))
        for name, letter in (("asker", "q"), ("assignee", "a"))
        if row[f"{letter}_id"] is not None
    }
    return {**cards, "closed_at": row["closed_at"]}


async def _row(conversation_id: int, me: Me) -> database.Row | None:
    return await database.fetch_row(
        f"""
        WITH items AS MATERIALIZED (
            SELECT {COLUMNS}, c.created_at, c.everyone_writes, m.level, c.assignee, c.closed_at, c.kept_after
            FROM {OF_PERSON}
            WHERE m.person = (SELECT $1::bigint) AND m.conversation = (SELECT $2::bigint) -- not planned for each anew
        )
        SELECT i.*, {many("i")}, q.role AS owner_role, {ASKED}, (SELECT change FROM names) AS names FROM ({ITEM}) i
        LEFT JOIN person q ON q.id = i.owner LEFT JOIN person a ON a.id = i.assignee
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
        f"""
        SELECT p.id, p.username, p.name, p.role, m.joined_at, {address("p")}, p.bot
        FROM membership m JOIN person p ON p.id = m.person
        WHERE m.conversation = $1 AND p.deactivated_at IS NULL ORDER BY m.person LIMIT $2
        """,
        may.conversation,
        MEMBERS,
    )
    return [MemberView(r[0], r[1], r[2], r[3], may.kind == "group" and r[0] == may.owner, *r[4:7]) for r in rows]


async def members(may: Access, after: str = "", limit: int = MEMBERS) -> tuple[list[MemberView], str | None]:
    """A page of the members by name, and where the next one starts."""
    key, _sep, last = after.rpartition("~")
    rows = await database.fetch(
        f"""
        SELECT p.id, p.username, p.name, p.role, m.joined_at, {address("p")}, p.bot, p.search_key
        FROM membership m JOIN person p ON p.id = m.person
        WHERE m.conversation = $1 AND p.deactivated_at IS NULL AND (p.search_key, p.id) > ($2, $3)
          AND {TAKES_PART if may.kind == "support" else "true"}
        ORDER BY p.search_key, p.id LIMIT $4
        """,
        may.conversation,
        key,
        int(last) if last.isdecimal() and len(last) < 19 else 0,
        limit + 1,
    )
    owner = may.owner if may.kind == "group" else None
    found = [MemberView(r[0], r[1], r[2], r[3], r[0] == owner, *r[4:7]) for r in rows[:limit]]
    more = f"{rows[limit - 1]['search_key']}~{found[-1].id}" if len(rows) > limit else None
    return found, more


async def members_page(conversation_id: int, me: Me, after: str = "") -> MembersView:
    """The page of the members of a conversation; raises NotFound."""
    may, view = await opened(conversation_id, me)
    people, more = await members(may, after)
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    return MembersView(**fields, people=people, next=more)
