"""Reads of conversations and their members, each through the viewer's membership."""

from typing import Any, NamedTuple

from app.accounts.avatars import address
from app.accounts.views import Me
from app.conversations import access, permission
from app.conversations.access import HERE, OF_PERSON, Access
from app.conversations.lines import COLUMNS, ITEM, item
from app.conversations.views import (
    ConversationView,
    MembersView,
    MemberView,
    PanelView,
)
from app.core import database
from app.core.errors import Forbidden, NotFound
from app.people.access import visible
from app.people.views import PersonCard, is_gone

MEMBERS = 50
LATELY = 1000  # messages
# Of a support conversation: who asked, and who of the team looks after it. The others of the team come in by looking,
# and nobody is told that they looked.
TAKES_PART = "(NOT m.of_team OR m.person = (SELECT assignee FROM conversation WHERE id = m.conversation))"
# Their cards, where `q` owns the conversation and `a` is its assignee.
ASKED = f"""
    q.id AS q_id, q.username AS q_username, q.name AS q_name, q.role AS q_role, {address("q")} AS q_avatar,
    a.id AS a_id, a.username AS a_username, a.name AS a_name, a.role AS a_role, {address("a")} AS a_avatar
"""
CARD = ("id", "username", "name", "role", "avatar")


def many(conversation: str) -> str:
    """How many are in it, as a column."""
    return f"""
        CASE {conversation}.kind WHEN 'support' THEN (
            SELECT count(*) FROM membership m WHERE m.conversation = {conversation}.id AND {TAKES_PART}
        ) ELSE (SELECT count(*) FROM membership x WHERE x.conversation = {conversation}.id) END AS members
    """


async def ids(person: int) -> dict[int, int]:
    """The conversations of a person, each with its head (the number of its newest change)."""
    rows = await database.fetch(f"SELECT c.id, c.change FROM {OF_PERSON} WHERE m.person = $1", person)
    return {row["id"]: row["change"] for row in rows}


async def heads(conversations: list[int]) -> tuple[dict[int, int], set[int]]:
    """The newest change of each of these that still exists, and which of them people leave without a word in the feed
    (the team, of what it is asked): asked for watched conversations, once a second."""
    rows = await database.fetch(
        f"SELECT c.id, c.change, c.kind FROM conversation c WHERE c.id = ANY($1) AND {HERE}", conversations
    )
    return {row["id"]: row["change"] for row in rows}, {row["id"] for row in rows if row["kind"] == "support"}


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


async def opened(conversation_id: int, me: Me) -> tuple[Access, ConversationView]:
    """The access of a member together with what they see, in one query; raises NotFound."""
    row = await _row(conversation_id, me)
    if row is None:  # a newcomer to the general room; or another request of theirs was first at this moment
        await access.join_by_looking(me, conversation_id)
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
            SELECT {COLUMNS}, c.created_at, c.everyone_writes, c.assignee, c.closed_at FROM {OF_PERSON}
            WHERE m.person = $1 AND m.conversation = $2
        )
        SELECT i.*, {many("i")}, q.role AS owner_role, {ASKED} FROM ({ITEM}) i
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
        SELECT p.id, p.username, p.name, p.role, m.joined_at, {address("p")}
        FROM membership m JOIN person p ON p.id = m.person
        WHERE m.conversation = $1 AND p.deactivated_at IS NULL ORDER BY m.person LIMIT $2
        """,
        may.conversation,
        MEMBERS,
    )
    return [MemberView(r[0], r[1], r[2], r[3], may.kind == "group" and r[0] == may.owner, r[4], r[5]) for r in rows]


async def members(may: Access, after: str = "", limit: int = MEMBERS) -> tuple[list[MemberView], str | None]:
    """A page of the members by name, and where the next one starts."""
    key, _sep, last = after.rpartition("~")
    rows = await database.fetch(
        f"""
        SELECT p.id, p.username, p.name, p.role, m.joined_at, {address("p")}, p.search_key
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
    found = [MemberView(r[0], r[1], r[2], r[3], r[0] == owner, r[4], r[5]) for r in rows[:limit]]
    more = f"{rows[limit - 1]['search_key']}~{found[-1].id}" if len(rows) > limit else None
    return found, more


async def panel(conversation_id: int) -> PanelView | None:
    """For the feed, which has proved who may see it: the title and the members; None when deleted or direct."""
    row = await database.fetch_row(
        f"""
        SELECT c.id, c.kind, c.title, c.owner, c.closed_at, {many("c")}, {ASKED} FROM conversation c
        LEFT JOIN person q ON q.id = c.owner LEFT JOIN person a ON a.id = c.assignee
        WHERE c.id = $1 AND c.deleted_at IS NULL AND c.kind <> 'direct'
        """,
        conversation_id,
    )
    if row is None:
        return None
    may = Access(conversation_id, row["kind"], row["owner"], 0, 0, 0, 0)
    people = await glance(may, row["members"])
    return PanelView(
        id=row["id"], kind=row["kind"], title=row["title"], members=row["members"], people=people, **asked(row)
    )


async def strangers(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of these (person, conversation) where the person is not in it."""
    rows = await database.fetch(
        """
        SELECT t.person, t.conversation FROM unnest($1::bigint[], $2::bigint[]) AS t (person, conversation)
        WHERE NOT EXISTS (SELECT FROM membership m WHERE m.conversation = t.conversation AND m.person = t.person)
        """,
        [person for person, _conversation in pairs],
        [conversation for _person, conversation in pairs],
    )
    return [(row["person"], row["conversation"]) for row in rows]


async def among(conversation_id: int, people: list[int]) -> set[int]:
    """Those of these people who are in the conversation."""
    rows = await database.fetch(
        "SELECT person FROM membership WHERE conversation = $1 AND person = ANY($2)", conversation_id, people
    )
    return {row["person"] for row in rows}


async def where_shown(people: list[int], conversations: list[int], viewers: list[int]) -> list[tuple[str, int, int]]:
    """For the feed: where the names of these people stand, as (kind, conversation, viewer): in those of the
    conversations in which they are, or wrote lately (the viewer is 0), and in the sidebars of these viewers."""
    rows = await database.fetch(
        f"""
        SELECT c.kind, c.id, 0::bigint AS viewer FROM conversation c JOIN (
            SELECT m.conversation FROM membership m WHERE m.person = ANY($1) AND m.conversation = ANY($2)
            UNION
            SELECT w.conversation FROM unnest($1::bigint[]) AS p (id), LATERAL (
                SELECT x.conversation FROM message x WHERE x.author = p.id ORDER BY x.id DESC LIMIT {LATELY}
            ) w WHERE w.conversation = ANY($2)
        ) f ON f.conversation = c.id AND {HERE}
        UNION ALL
        SELECT c.kind, c.id, o.person FROM membership m
        JOIN conversation c ON c.id = m.conversation AND c.kind = 'direct' AND {HERE}
        JOIN membership o ON o.conversation = c.id AND o.person <> m.person AND o.person = ANY($3)
        WHERE m.person = ANY($1)
        """,
        people,
        conversations,
        viewers,
    )
    return [(row["kind"], row["id"], row["viewer"]) for row in rows]


async def some_members(conversation_id: int) -> list[int]:
    """Those whom a page may show beside the conversation, and more; of the team, nobody who only looked."""
    rows = await database.fetch(
        f"""
        SELECT m.person FROM membership m JOIN conversation c ON c.id = m.conversation
        WHERE m.conversation = $1 AND (c.kind <> 'support' OR {TAKES_PART}) ORDER BY m.person LIMIT $2
        """,
        conversation_id,
        4 * MEMBERS,
    )
    return [row["person"] for row in rows]


class Typist(NamedTuple):
    """Someone who types, and who of those that were asked about may know."""

    conversation: int
    person: int
    username: str
    name: str
    told: list[int]


async def typists(signals: list[tuple[int, int]], viewers: list[int]) -> list[Typist]:
    """For each (conversation, person) who is still in it and may be seen: which of the viewers, who must be in it too,
    is to be told. In one query for all."""
    rows = await database.fetch(
        f"""
        SELECT t.conversation, p.id, p.username, p.name, ARRAY(
            SELECT v.person FROM membership v WHERE v.conversation = t.conversation AND v.person = ANY($3)
              AND v.person <> p.id AND {visible("v.person")}
        ) AS told
        FROM unnest($1::bigint[], $2::bigint[]) AS t (conversation, person)
        JOIN membership m ON m.conversation = t.conversation AND m.person = t.person
        JOIN conversation c ON c.id = m.conversation AND {HERE}
        JOIN person p ON p.id = t.person
        """,
        [conversation for conversation, _person in signals],
        [person for _conversation, person in signals],
        viewers,
    )
    return [Typist(*row) for row in rows]


async def members_page(conversation_id: int, me: Me, after: str = "") -> MembersView:
    """The page of the members of a conversation; raises NotFound."""
    may, view = await opened(conversation_id, me)
    people, more = await members(may, after)
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    return MembersView(**fields, people=people, next=more)
