"""What a person has not read of some conversations, for a mail that tells of it."""

from datetime import datetime
from typing import NamedTuple

from app.conversations.access import OF_PERSON
from app.core import database
from app.people.views import shown_name

# More are counted as so many and more.
MOST_COUNTED = 100


class Unread(NamedTuple):
    """A message that was not read, with the beginning of its text."""

    id: int
    author: str
    body: str
    created_at: datetime


class Stretch(NamedTuple):
    """The first unread messages of a conversation, and how many there are, up to MOST_COUNTED and one."""

    messages: list[Unread]
    many: int


async def since(person: int, places: dict[int, int], most: int, length: int) -> dict[int, Stretch]:
    """What that person may see at this moment and has not read, in each of these conversations from a position on: the
    first so many messages, so many characters of each (and one more, if there are more). What was marked unread again
    has been read. Who is not in a conversation, or has nothing to read there, gets nothing of it. One statement for
    all."""
    rows = await database.fetch(
        f"""
        SELECT x.conversation, x.id, a.name, x.body, x.created_at, x.many
        FROM unnest($2::bigint[], $3::bigint[]) AS w (conversation, position)
        JOIN ({OF_PERSON}) ON m.conversation = w.conversation AND m.person = $1
        CROSS JOIN LATERAL (
            SELECT y.*, count(*) OVER () AS many, row_number() OVER (ORDER BY y.position) AS place FROM (
                SELECT x.id, x.conversation, x.position, x.author, left(x.body, $5) AS body, x.created_at
                FROM message x
                WHERE x.conversation = w.conversation AND x.position >= w.position
                  AND x.position > greatest(m.seen_position, m.read_position)
                  AND x.author <> $1 AND x.kind <> 'system' AND x.deleted_at IS NULL
                  AND NOT EXISTS (
                      SELECT FROM block b JOIN person a ON b.blocked IN (a.id, a.bot_owner)
                      WHERE b.person = $1 AND a.id = x.author
                  )
                ORDER BY x.position LIMIT {MOST_COUNTED + 1}
            ) y
        ) x
        JOIN person a ON a.id = x.author
        WHERE x.place <= $4 ORDER BY x.conversation, x.position
        """,
        person,
        list(places),
        list(places.values()),
        most,
        length + 1,
    )
    found: dict[int, Stretch] = {}
    for row in rows:
        stretch = found.setdefault(row["conversation"], Stretch([], row["many"]))
        stretch.messages.append(Unread(row["id"], shown_name(row["name"]), row["body"], row["created_at"]))
    return found
