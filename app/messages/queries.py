"""Reads of messages: history, catch-up and the live feed are one query with three conditions.

Each goes along an index of (conversation, position) or (conversation, change), so a page costs the same however long
the conversation is. They give rows, to be made into views by `lines.line` or into fragments by `render`. The caller has
proved its access.
"""

from operator import itemgetter
from typing import Any

from app.accounts.views import Me
from app.conversations.access import OF_PERSON
from app.core import database
from app.core.database import Row
from app.messages.lines import LINES, line
from app.messages.views import Author, MineView
from app.people.views import shown_name

PAGE = 50
# For the values in front of it Postgres would plan each of these anew every time, in the hope of a better plan than the
# one for any values: four times what the statement itself costs. Behind a SELECT it does not look at them, finds both
# the same, and keeps the one.
CONVERSATION, PLACE, MOST = "(SELECT $1::bigint)", "(SELECT $2::bigint)", "(SELECT $3::bigint)"
FEED = f"x.conversation = {CONVERSATION} AND x.change > {PLACE} ORDER BY x.change LIMIT {MOST}"
BEFORE = f"x.conversation = {CONVERSATION} AND x.position < {PLACE} ORDER BY x.position DESC LIMIT {MOST}"
FROM = f"x.conversation = {CONVERSATION} AND x.position >= {PLACE} ORDER BY x.position LIMIT {MOST}"
# The statement for one is run once for each, inside of one.
FEEDS = f"""
    SELECT found.* FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS asked (conversation, change)
    CROSS JOIN LATERAL (
        {LINES} WHERE x.conversation = asked.conversation AND x.change > asked.change ORDER BY x.change LIMIT {MOST}
    ) AS found
"""


async def changed_since(conversation: int, change: int, limit: int) -> list[Row]:
    """What changed after that change number, in the order of the changes: the feed."""
    return await database.fetch(f"{LINES} WHERE {FEED}", conversation, change, limit)


async def changed_in(asked: list[tuple[int, int]], limit: int) -> dict[tuple[int, int], list[Row]]:
    """The same for several conversations, each after a change number of its own, so many rows of each."""
    after = dict(asked)
    if len(asked) == 1 or len(after) < len(asked):  # twice of one: its rows would not say for which of the two they are
        return {
            (conversation, change): await changed_since(conversation, change, limit) for conversation, change in asked
        }
    found: dict[tuple[int, int], list[Row]] = {}
    for row in await database.fetch(FEEDS, list(after), list(after.values()), limit):
        conversation = row["conversation"]
        found.setdefault((conversation, after[conversation]), []).append(row)
    for rows in found.values():
        rows.sort(key=itemgetter("change"))
    return found


async def before(conversation: int, position: int, limit: int) -> list[Row]:
    """The last messages before a position, oldest first."""
    return (await _rows(BEFORE, conversation, position, limit))[::-1]


async def from_position(conversation: int, position: int, limit: int) -> list[Row]:
    """The messages from a position on, oldest first."""
    return await _rows(FROM, conversation, position, limit)


async def naming(conversation: int, people: list[int], newest: int) -> list[Row]:
    """Of so many newest messages those that show the name of one of these people, or lead to them; oldest first."""
    return await _rows(
        """
        x.conversation = $1 AND x.position > (SELECT position - $3 FROM conversation WHERE id = $1)
        AND (x.author = ANY($2) OR x.subject = ANY($2)
             OR EXISTS (SELECT FROM message q WHERE q.id = x.reply_to AND q.author = ANY($2))
             OR EXISTS (SELECT FROM mention n WHERE n.message = x.id AND n.person = ANY($2)))
        ORDER BY x.position
        """,
        conversation,
        people,
        newest,
    )


async def author(person: int) -> Author | None:
    """Someone as the feed names them; None when there is nobody of that number."""
    row = await database.fetch_row("SELECT id, username, name FROM person WHERE id = $1", person)
    return Author(row["id"], row["username"], shown_name(row["name"])) if row else None


async def one(message_id: int) -> Row | None:
    """A message with what stands before it."""
    rows = await _rows("x.id = $1", message_id)
    return rows[0] if rows else None


async def first_unread(conversation: int, read: int, me: Me) -> int | None:
    """The position of the first message after `read` that counts as unread for this person."""
    found = await database.fetch_value(
        """
        SELECT x.position FROM message x WHERE x.conversation = $1 AND x.position > $2 AND x.author <> $3
          AND x.kind <> 'system' AND x.deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM block b WHERE b.person = $3 AND b.blocked = x.author)
        ORDER BY x.position LIMIT 1
        """,
        conversation,
        read,
        me.id,
    )
    return int(found) if found is not None else None


async def mine(me: Me, before_id: int | None, limit: int) -> MineView:
    """What a person wrote, in the conversations they are still in, the newest first."""
    rows = await _rows(
        f"""
        x.author = $1 AND x.id < $2 AND x.kind <> 'system' AND x.deleted_at IS NULL
        AND EXISTS (SELECT FROM {OF_PERSON} WHERE m.conversation = x.conversation AND m.person = $1)
        ORDER BY x.id DESC LIMIT $3
        """,
        me.id,
        before_id or 2**62,
        limit + 1,
    )
    messages = [line(row).message for row in rows[:limit]]
    return MineView(messages, messages[-1].id if len(rows) > limit else None)


async def _rows(condition: str, *args: Any) -> list[Row]:
    return await database.fetch(f"{LINES} WHERE {condition}", *args)
