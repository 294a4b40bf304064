"""Who has received and who has read what: two marks for each member, in conversations of up to MOST people.

`read` is the furthest that was on their screen, or that they wrote; a conversation that is marked unread again was read
all the same. `delivered` is the furthest that a page or a stream of theirs was given. Who tells nobody of it
(`presence.tells_receipts`) has no marks for others, nor have two between whom there is a block.
"""

from typing import NamedTuple

from app.accounts.avatars import address
from app.accounts.views import Me
from app.conversations.access import HERE
from app.conversations.queries import TAKES_PART
from app.conversations.views import ReceiptView
from app.core import database
from app.people.views import PersonCard

# In a larger one most have read everything that anyone cares about, and each message would change a mark for each.
MOST = 50
READ = "greatest(m.seen_position, m.read_position)"
DELIVERED = "greatest(m.delivered_position, m.seen_position, m.read_position)"
COUNTED = f"""
    c.kind NOT IN ('general', 'announcements')
    AND NOT EXISTS (SELECT FROM membership z WHERE z.conversation = c.id OFFSET {MOST})
"""


class Mark(NamedTuple):
    """A member, how far they are, whether they tell it, and from whom a block keeps them apart."""

    receipt: ReceiptView
    tells: bool
    apart: list[int]

    def is_for(self, viewer: int) -> bool:
        return self.tells and viewer != self.receipt.person.id and viewer not in self.apart


async def marks(conversations: list[int]) -> dict[int, list[Mark]]:
    """Of all members of each of these, in the order of their names; of what is too large, nothing."""
    rows = await database.fetch(
        f"""
        SELECT m.conversation, p.id, p.username, p.name, p.role, {address("p")} AS avatar,
               {DELIVERED} AS delivered, {READ} AS read,
               coalesce(s.tells_receipts, true) AND p.deactivated_at IS NULL AS tells, ARRAY(
                   SELECT b.blocked FROM block b WHERE b.person = p.id
                   UNION ALL SELECT b.person FROM block b WHERE b.blocked = p.id
               ) AS apart
        FROM conversation c JOIN membership m ON m.conversation = c.id JOIN person p ON p.id = m.person
        LEFT JOIN presence s ON s.person = p.id
        WHERE c.id = ANY($1) AND {HERE} AND {COUNTED} AND (c.kind <> 'support' OR {TAKES_PART})
        ORDER BY p.search_key, p.id
        """,
        conversations,
    )
    found: dict[int, list[Mark]] = {}
    for row in rows:
        person = PersonCard(row["id"], row["username"], row["name"], row["role"], row["avatar"])
        receipt = ReceiptView(person, row["delivered"], row["read"])
        found.setdefault(row["conversation"], []).append(Mark(receipt, row["tells"], row["apart"]))
    return found


async def of_others(conversation: int, me: Me) -> list[ReceiptView]:
    """What the others in it, who have proved to be together with the viewer, tell the viewer."""
    return [mark.receipt for mark in (await marks([conversation])).get(conversation, ()) if mark.is_for(me.id)]


def status(receipts: list[ReceiptView], position: int) -> str:
    """Of one's own message: read or delivered once it is by all who tell it, else sent."""
    if receipts and all(receipt.read >= position for receipt in receipts):
        return "read"
    return "delivered" if receipts and all(receipt.delivered >= position for receipt in receipts) else "sent"


async def got(me: Me, conversation: int, position: int) -> bool:
    """A page of theirs was given everything up to that position; says whether that is news."""
    if position <= _known.get((conversation, me.id), 0):
        return False
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[conversation, me.id] = position
    return bool(await write({(conversation, me.id): position}))


# What was written lately, so that a page that is looked at again costs no statement.
_known: dict[tuple[int, int], int] = {}
_MOST_KNOWN = 20_000


async def write(delivered: dict[tuple[int, int], int]) -> set[int]:
    """Moves marks of (conversation, person) forward; gives the conversations in which one moved."""
    pairs = sorted(delivered)  # in one order, so that two processes do not wait for each other for ever
    rows = await database.fetch(
        f"""
        UPDATE membership m SET delivered_position = least(t.position, c.position)
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS t (conversation, person, position)
        JOIN conversation c ON c.id = t.conversation AND {COUNTED}
        WHERE m.conversation = t.conversation AND m.person = t.person AND {DELIVERED} < t.position
        RETURNING m.conversation
        """,
        [conversation for conversation, _person in pairs],
        [person for _conversation, person in pairs],
        [delivered[pair] for pair in pairs],
    )
    return {row["conversation"] for row in rows}


async def counted(conversations: list[int]) -> set[int]:
    """Those of these that have marks at all."""
    rows = await database.fetch(f"SELECT c.id FROM conversation c WHERE c.id = ANY($1) AND {COUNTED}", conversations)
    return {row["id"] for row in rows}
