"""What an administrator sees of conversations that they are not in: what is needed to find the one that an audit is
about, and nothing that was said in it."""

import msgspec

from app.accounts.views import Me
from app.conversations import lines
from app.conversations.access import Access
from app.conversations.queries import NOT_CLOSED
from app.core import database
from app.core.database import Row
from app.core.errors import NotFound
from app.core.text import storable
from app.exports.model import Order
from app.people.views import shown_name

PAGE = 50
# Of a direct conversation, those who are in it are its name.
NAMES = """
    CASE WHEN c.kind = 'direct' THEN (
        SELECT array_agg(p.name ORDER BY p.id) FROM membership m JOIN person p ON p.id = m.person
        WHERE m.conversation = c.id
    ) END AS names
"""

COUNTED = f"(SELECT count(*) FROM membership m WHERE m.conversation = c.id AND m.person {NOT_CLOSED}) AS members"


class Room(msgspec.Struct):
    """A conversation: what it is called, of which kind it is, and how many are in it."""

    id: int
    kind: str
    title: str
    members: int


class RoomsView(msgspec.Struct):
    """Conversations, the newest first; `next` is the `before` that goes on, null at the end; `q` what was looked
    for."""

    rooms: list[Room]
    next: int | None
    q: str = ""


def require_admin(me: Me) -> None:
    """Raises NotFound: what is for administrators is not there for others."""
    if not me.is_admin:
        raise NotFound


async def found(me: Me, q: str, before: int | None, limit: int = PAGE) -> RoomsView:
    """Those whose title holds the words of `q`, and in which are all whose @usernames are in it."""
    require_admin(me)
    words = q.lower().split() if storable(q) else ["\ufffd"]
    names = sorted({word[1:] for word in words if word.startswith("@") and len(word) > 1})
    title = " ".join(word for word in words if not word.startswith("@"))
    rows = await database.fetch(
        f"""
        WITH page AS (
            SELECT c.id, c.kind, c.title FROM conversation c
            WHERE c.deleted_at IS NULL AND c.id < coalesce($1, c.id + 1)
              AND ($2 = '' OR strpos(lower(c.title), $2) > 0)
              AND (cardinality($3::text[]) = 0 OR c.id IN (
                SELECT m.conversation FROM membership m JOIN person p ON p.id = m.person
                WHERE p.username = ANY($3) GROUP BY m.conversation HAVING count(*) = cardinality($3)
              ))
            ORDER BY c.id DESC LIMIT $4
        )
        SELECT c.id, c.kind, c.title, {NAMES}, {COUNTED}
        FROM page c ORDER BY c.id DESC
        """,
        before,
        title,
        names,
        limit + 1,
    )
    shown = [_room(row) for row in rows[:limit]]
    return RoomsView(shown, shown[-1].id if len(rows) > limit else None, q)


async def one(me: Me, number: int) -> Room:
    """One of them; raises NotFound."""
    require_admin(me)
    row = await database.fetch_row(
        f"""
        SELECT c.id, c.kind, c.title, {NAMES}, {COUNTED}
        FROM conversation c WHERE c.id = $1 AND c.deleted_at IS NULL
        """,
        number,
    )
    if row is None:
        raise NotFound
    return _room(row)


async def audited(order: Order) -> tuple[Access, str, str]:
    """What an audit may read: all that is there, of the conversation that was recorded for this very export, by whoever
    recorded it, as long as they are an administrator. Also its kind and what it is called. Raises NotFound.

    A block between two takes the conversation from both of them, but not from an audit: it may be the reason for it."""
    row = await database.fetch_row(
        f"""
        SELECT c.id, c.kind, c.title, c.owner, c.position, c.change, c.kept_after, {NAMES}
        FROM audit a
        JOIN export e ON e.id = a.export AND e.kind = 'audit'
        JOIN person p ON p.id = a.person AND p.role = 'admin' AND p.deactivated_at IS NULL
        JOIN conversation c ON c.id = a.conversation AND c.deleted_at IS NULL
        WHERE a.export = $1 AND a.person = $2 AND a.conversation = $3
        """,
        order.id,
        order.by.id,
        order.conversation,
    )
    if row is None:
        raise NotFound
    may = Access(
        conversation=row["id"],
        kind=row["kind"],
        owner=row["owner"],
        person=order.by.id,
        read_position=row["position"],
        position=row["position"],
        change=row["change"],
        kept_after=row["kept_after"],
    )
    return may, row["kind"], _title(row)


def _room(row: Row) -> Room:
    return Room(row["id"], row["kind"], _title(row), row["members"])


def _title(row: Row) -> str:
    if row["names"]:
        return " · ".join(shown_name(name) for name in row["names"])
    return row["title"] or lines.untitled(row["kind"])
