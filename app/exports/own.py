"""What is kept of one person, as rows: the queries behind `person.py`. In each $1 is the person, who alone gets it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg

from app.conversations.access import HERE, NOT_LISTED, OF_PERSON
from app.conversations.lines import ARCHIVED, MUTED, SHOWN, untitled
from app.core import database
from app.core.database import Row
from app.exports.model import STRETCH, Order
from app.messages.mentions import READABLE
from app.messages.views import Author
from app.notifications.access import JOINED, MANY, SEEN
from app.people.contacts import SEEN as CONTACT_SEEN
from app.people.views import shown_name

T = TypeVar("T")


def _someone(person: str) -> str:
    return f"ROW({person}.id, {person}.username, {person}.name, {person}.bot)"


_OTHER = """
    SELECT {0} FROM membership z JOIN person o ON o.id = z.person
    WHERE z.conversation = c.id AND z.person <> $1 LIMIT 1
"""
# What a conversation `c` is called: its kind, its title and, of a direct one, the other's name; see `_value`.
_CALLED = f"ROW(c.kind, c.title, CASE WHEN c.kind = 'direct' THEN ({_OTHER.format('o.name')}) END)"

SESSIONS = """
    SELECT id, device, address, created_at, last_used_at, expires_at, ended_at FROM session WHERE person = $1
    ORDER BY id
"""
TOKENS = """
    SELECT t.id, p.username, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at
    FROM access_token t JOIN person p ON p.id = t.person WHERE p.id = $1 OR p.bot_owner = $1 ORDER BY t.id
"""
# Not the addresses: whoever has one can send there.
DEVICES = """
    SELECT s.id, e.device, s.created_at, s.last_used_at FROM push_subscription s JOIN session e ON e.id = s.session
    WHERE s.person = $1 ORDER BY s.id
"""
BOTS = "SELECT id, username, name, created_at, deactivated_at FROM person WHERE bot_owner = $1 ORDER BY id"
# Of an address that is told only whose it is: what comes after that may be all that is needed to write there.
WEBHOOKS = """
    SELECT id, 'in', conversation, name, '{}'::text[], created_at, used_at, NULL::timestamptz FROM webhook
    WHERE maker = $1
    UNION ALL
    SELECT id, 'out', conversation, coalesce(substring(url from '^[a-z]+://[^/?#]+'), ''),
           string_to_array(events, ' '), created_at, NULL, disabled_at FROM subscription WHERE owner = $1
    ORDER BY 2, 1
"""
CONTACTS = f"""
    SELECT c.id, {_someone("p")},
           CASE WHEN c.accepted_at IS NOT NULL THEN 'accepted' WHEN c.asker = $1 THEN 'asked_by_me'
                ELSE 'asked_by_them' END,
           c.verified, c.created_at, c.accepted_at
    {CONTACT_SEEN} ORDER BY c.id
"""
BLOCKS = f"""
    SELECT {_someone("p")}, b.created_at FROM block b JOIN person p ON p.id = b.blocked
    WHERE b.person = $1 ORDER BY b.id
"""
CONVERSATIONS = f"""
    SELECT c.id, c.kind, {_CALLED}, CASE WHEN c.kind = 'direct' THEN ({_OTHER.format(_someone("o"))}) END,
           CASE WHEN c.kind = 'group' AND c.owner = m.person THEN 'owner' ELSE 'member' END,
           m.joined_at, m.read_position, m.pinned, {ARCHIVED} AND m.archived_position < {NOT_LISTED},
           CASE WHEN {MUTED} THEN m.muted_until END, m.level, m.of_team
    FROM {OF_PERSON} WHERE m.person = $1 AND {SHOWN} ORDER BY c.id
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows that may be many, read along an index: `key` are the columns that put them in order, and the attributes of
    the struct that they become. What was imported has a later id than its time: there is no index of anyone's messages
    by time, for which each send would pay.
    """

    columns: str
    source: str
    moment: str
    key: dict[str, str]

    @property
    def ranged(self) -> str:
        """The rows in the range $2 to $3."""
        return f"""
            {self.source} AND ($2::timestamptz IS NULL OR {self.moment} >= $2)
            AND ($3::timestamptz IS NULL OR {self.moment} < $3)
        """

    @property
    def stretch(self) -> str:
        """Those after the key $5, …, at most $4 of them, in their order."""
        columns = ", ".join(self.key.values())
        given = ", ".join(f"${number}" for number in range(5, 5 + len(self.key)))
        return f"SELECT {self.columns} FROM {self.ranged} AND ({columns}) > ({given}) ORDER BY {columns} LIMIT $4"


MESSAGES = Stream(
    f"""
    x.id, x.conversation, CASE WHEN c.id IS NOT NULL THEN {_CALLED} END, x.position, x.body, x.reply_to, x.created_at,
    x.edited_at, x.deleted_at, x.of_team, x.mentions_all
    """,
    # What they wrote is theirs, also where they are no longer in; what it is called there is not.
    f"""
    message x JOIN conversation k ON k.id = x.conversation
    LEFT JOIN ({OF_PERSON}) ON m.person = $1 AND m.conversation = x.conversation
    WHERE x.author = $1 AND x.kind <> 'system' AND x.position > k.kept_after
    """,
    "x.created_at",
    {"id": "x.id"},
)
MENTIONS = Stream(
    f"x.id, x.conversation, {_CALLED}, {_someone('a')}, x.created_at",
    f"""
    mention n JOIN message x ON x.id = n.message JOIN person a ON a.id = x.author
    JOIN membership m ON m.person = $1 AND m.conversation = x.conversation
    JOIN conversation c ON c.id = m.conversation AND {HERE}
    WHERE n.person = $1 AND {READABLE} AND x.position > c.kept_after
    """,
    "x.created_at",
    {"message_id": "n.message"},
)
# As much as their page shows, and what went by mail or push alone; what they were told of again is of that time. Each
# is looked at by itself: were all joined at once, Postgres might look at every one and sort them for each stretch.
NOTIFICATIONS = Stream(
    """
    o.id, o.kind, w.many, w.who, o.conversation, o.created_at, o.updated_at, o.read_at, o.mailed_at, o.pushed_at
    """,
    f"""
    notification o CROSS JOIN LATERAL (
        SELECT {MANY} AS many, {_someone("p")} AS who FROM {JOINED} WHERE n.id = o.id AND {SEEN} OFFSET 0
    ) w
    WHERE o.person = $1
    """,
    "o.updated_at",
    {"updated_at": "o.updated_at", "id": "o.id"},
)


async def profile(person: int) -> Row | None:
    """Who they are, without the picture; None when their account was closed."""
    return await database.fetch_row(
        """
        SELECT p.id, p.username, p.name, p.email, e.email, p.role, p.about, p.language, p.time_zone, p.created_at,
               p.updated_at
        FROM person p LEFT JOIN email_change e ON e.person = p.id AND e.expires_at > now()
        WHERE p.id = $1 AND p.deactivated_at IS NULL
        """,
        person,
    )


async def picture(person: int) -> tuple[str, str, bytes] | None:
    """Its file name, its type and what is in it."""
    data = await database.fetch_value("SELECT bytes FROM avatar WHERE person = $1", person)
    return ("picture.webp", "image/webp", data) if data is not None else None  # see `core/thumbnail.py`


async def settings(person: int) -> Row:
    """Of presence and of notifications; where nothing was chosen, what holds then."""
    row = await database.fetch_row(
        """
        SELECT coalesce(s.choice, 'auto'), coalesce(s.shown_to, 'everyone'), coalesce(s.tells_receipts, true),
               s.active_at, coalesce(n.app, 'everything'), coalesce(n.mail, 'mentions'),
               coalesce(n.push, 'everything'), coalesce(n.push_shows, 'text'), coalesce(n.weekly, false),
               n.quiet_from, n.quiet_to, r.last_at
        FROM person p LEFT JOIN presence s ON s.person = p.id LEFT JOIN notification_settings n ON n.person = p.id
        LEFT JOIN mail_refused r ON r.person = p.id WHERE p.id = $1
        """,
        person,
    )
    assert row is not None
    return row


async def listed(kind: type[T], sql: str, person: int) -> list[T]:
    """All rows of one of the statements above."""
    return [_made(kind, row) for row in await database.fetch(sql, person)]


async def count(stream: Stream, order: Order) -> int:
    """How many rows are in the range of the order."""
    return int(await database.fetch_value(f"SELECT count(*) FROM {stream.ranged}", order.by.id, order.from_, order.to))


async def stretches(
    connection: asyncpg.Connection, kind: type[T], stream: Stream, order: Order
) -> AsyncIterator[list[T]]:
    """The rows in the range of the order, so many at a time."""
    after: list[Any] = [
        0 if column.endswith((".id", ".message")) else datetime.min.replace(tzinfo=UTC)
        for column in stream.key.values()
    ]
    while True:
        rows = await connection.fetch(stream.stretch, order.by.id, order.from_, order.to, STRETCH, *after)
        if rows:
            found = [_made(kind, row) for row in rows]
            after = [getattr(found[-1], name) for name in stream.key]
            yield found
        if len(rows) < STRETCH:
            return


def _made(kind: type[T], row: Row) -> T:
    return kind(*(_value(each) for each in row))


def _value(given: Any) -> Any:
    """A row in a row is somebody (id, username, name, bot) or what a conversation is called (kind, title, name)."""
    if isinstance(given, datetime) and given.tzinfo is None:
        return given.replace(tzinfo=UTC)  # "infinity", as asyncpg gives it
    if not isinstance(given, tuple):
        return given
    if len(given) == 4:
        return Author(given[0], given[1], shown_name(given[2]), bot=given[3])
    kind, title, name = given
    return shown_name(name) if name is not None else title or untitled(kind)
