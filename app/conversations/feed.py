"""Reads for the feed, which asks for many people at once and proves by them who may be told what.

Not for a person's request: those go through their membership, in `queries`.
"""

from typing import NamedTuple

from app.conversations.access import HERE, OF_PERSON, Access
from app.conversations.queries import ASKED, MEMBERS, TAKES_PART, asked, glance, many
from app.conversations.views import PanelView
from app.core import database
from app.people.access import visible

LATELY = 1000  # messages


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


async def panel(conversation_id: int) -> PanelView | None:
    """The title and the members; None when deleted or direct."""
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
    """Where the names of these people stand, as (kind, conversation, viewer): in those of the
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
