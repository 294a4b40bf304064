"""From the messages of a file to those of a group, by way of a table that goes with its transaction."""

import uuid
from collections.abc import Callable
from typing import Any

from app.conversations import history
from app.conversations.actions import LONGEST_TITLE
from app.core import database, text
from app.exports.importing.document import Document, Incoming, Someone
from app.exports.importing.wish import CannotImportError, DamagedError, Imported, Wish

BATCH = 2000
_KEYS = uuid.UUID("6d1f4c5e-54a5-4f0e-9d55-0a6b5a1a3c77")
COLUMNS = (
    "place", "given", "author", "kind", "event", "subject", "body", "answers", "created_at", "edited_at", "deleted_at",
    "of_team", "mentions_all", "names", "usernames", "key",
)  # fmt: skip
INCOMING = """
    CREATE TEMP TABLE incoming (
        place bigint PRIMARY KEY, given bigint NOT NULL, author bigint NOT NULL, kind text NOT NULL, event text,
        subject bigint, body text NOT NULL, answers bigint, created_at timestamptz NOT NULL, edited_at timestamptz,
        deleted_at timestamptz, of_team boolean NOT NULL, mentions_all boolean NOT NULL, names text[], usernames text[],
        key uuid, id bigint
    ) ON COMMIT DROP
"""
WHO = "CREATE TEMP TABLE who (given bigint PRIMARY KEY, username text NOT NULL, person bigint NOT NULL) ON COMMIT DROP"


async def prepare() -> None:
    """Makes the tables of this transaction."""
    await database.fetch(INCOMING)
    await database.fetch(WHO)


async def read(document: Document, wish: Wish, done: Imported, told: Callable[[int, int], None]) -> dict[int, Someone]:
    """Puts all messages into the table of this transaction; gives who is in them."""
    people: dict[int, Someone] = {}
    usernames: dict[str, int] = {}

    def met(someone: Someone) -> int:
        known = people.setdefault(someone.id, someone)
        if known.username != someone.username:
            raise DamagedError(f"Person {someone.id} is both {known.username!r} and {someone.username!r}.")
        if usernames.setdefault(someone.username, someone.id) != someone.id:
            raise DamagedError(f"Two people are called {someone.username!r}.")
        # A file says it of authors and members, and not of those to whom something happened.
        if someone.bot and not known.bot:
            people[someone.id] = someone
        return someone.id

    for each in document.conversation.members:
        met(each)
    source = f"{document.causerie.instance}/{document.conversation.id}"
    rows: list[tuple[Any, ...]] = []
    for message in document.messages():
        done.messages += 1
        done.left_out += len(message.reactions) + len(message.attachments)
        rows.append(_row(message, done.messages, met, source if not wish.again else None))
        if done.oldest is None:
            done.oldest = message.created_at
        if len(rows) == BATCH:
            await _copy(rows)
            rows.clear()
            told(done.messages, document.conversation.count)
    await _copy(rows)
    told(done.messages, document.conversation.count)
    await _require_new()
    return people


async def _require_new() -> None:
    """No id is there twice, each answers what was before it, and none of the messages is here already, by whatever
    author: also of another stretch of the same conversation. All messages here are looked over for it: an import may
    take its time."""
    await database.fetch("ANALYZE incoming")
    twice = await database.fetch_row(
        "SELECT given, max(place) AS place FROM incoming GROUP BY given HAVING count(*) > 1 LIMIT 1"
    )
    if twice is not None:
        raise DamagedError(f"Message {twice['place']}: the id {twice['given']} was there before.")
    # What a quote says of the place is only said; and the rows are made in their order.
    early = await database.fetch_value(
        "SELECT i.place FROM incoming i JOIN incoming q ON q.given = i.answers AND q.place >= i.place LIMIT 1"
    )
    if early is not None:
        raise DamagedError(f"Message {early}: it answers a message that comes after it.")
    here = await database.own_connection().fetchrow(
        """
        SELECT c.id, c.title, c.deleted_at IS NOT NULL AS deleted
        FROM incoming i JOIN message x ON x.key = i.key JOIN conversation c ON c.id = x.conversation LIMIT 1
        """,
        timeout=3600,
    )
    if here is not None:
        state = "which was deleted" if here["deleted"] else f"“{here['title']}”"
        raise CannotImportError(
            f"It is here already, or a part of it: conversation {here['id']}, {state}."
            " To have it once more, import it with --again. Nothing was imported."
        )


def _row(message: Incoming, place: int, met: Callable[[Someone], int], source: str | None) -> tuple[Any, ...]:
    """In the order of COLUMNS. The key makes sure that a message is brought here once, as it makes sure of sends."""
    return (
        place,
        message.id,
        met(message.author),
        message.kind,
        message.event,
        met(message.subject) if message.subject is not None else None,
        message.title if message.kind == "system" else message.body,
        message.reply_to,
        message.created_at,
        message.edited_at,
        message.deleted_at,
        message.of_team,
        message.mentions_all,
        [each.name for each in message.mentions] or None,
        [each.username for each in message.mentions] or None,
        uuid.uuid5(_KEYS, f"{source}/{message.id}") if source is not None else None,
    )


async def _copy(rows: list[tuple[Any, ...]]) -> None:
    await database.own_connection().copy_records_to_table("incoming", records=rows, columns=COLUMNS)


async def write(document: Document, owner: int, wish: Wish, done: Imported) -> None:
    """Makes the group of what was read."""
    title = text.one_line(wish.title or document.conversation.title)[:LONGEST_TITLE]
    done.title = title if not text.is_blank(title) else document.conversation.kind
    done.conversation = group = await database.fetch_value(
        """
        INSERT INTO conversation (kind, title, owner, position, change, created_at)
        VALUES ('group', $1, $2, $3, $3, coalesce($4, now())) RETURNING id
        """,
        done.title,
        owner,
        done.messages,
        done.oldest,
    )
    await database.fetch(
        """
        UPDATE incoming i SET id = n.id FROM (
            SELECT place, nextval(pg_get_serial_sequence('message', 'id')) AS id
            FROM (SELECT place FROM incoming ORDER BY place) AS ordered
        ) n WHERE n.place = i.place
        """
    )
    await database.fetch("CREATE INDEX ON incoming (given)")
    await database.fetch("ANALYZE incoming")
    for start in range(0, done.messages, BATCH):
        await _insert(group, start)
    done.unanswered = await database.fetch_value(
        """
        SELECT count(*) FROM incoming i WHERE i.answers IS NOT NULL
          AND NOT EXISTS (SELECT FROM incoming q WHERE q.given = i.answers)
        """
    )
    last = done.messages + 1
    await history.record(group, owner, "imported", body=document.causerie.instance)
    members = [each.id for each in document.conversation.members]
    await database.fetch(
        """
        INSERT INTO membership (conversation, person, read_position)
        SELECT $1, p.id, $4 FROM person p
        WHERE p.id = $2 OR p.deactivated_at IS NULL AND p.id IN (SELECT person FROM who WHERE given = ANY($3))
        """,
        group,
        owner,
        members,
        last,
    )
    # Nobody is told of what was said elsewhere long ago: whoever follows the feed begins after it.
    await database.fetch("INSERT INTO notified (conversation, change, position) VALUES ($1, $2, $2)", group, last)


async def _insert(group: int, start: int) -> None:
    """The next messages, whose replies are to what is there already; a statement at a time that does not last long."""
    await database.fetch(
        """
        INSERT INTO message (
            id, conversation, position, change, author, key, kind, body, event, subject, reply_to, created_at,
            edited_at, deleted_at, of_team, mentions_all
        )
        SELECT i.id, $1, i.place, i.place, a.person, i.key, i.kind, i.body, i.event, s.person, q.id, i.created_at,
               i.edited_at, i.deleted_at, i.of_team, i.mentions_all
        FROM incoming i JOIN who a ON a.given = i.author LEFT JOIN who s ON s.given = i.subject
        LEFT JOIN incoming q ON q.given = i.answers
        WHERE i.place > $2 AND i.place <= $3 ORDER BY i.place
        """,
        group,
        start,
        start + BATCH,
    )
    await database.fetch(
        """
        INSERT INTO mention (message, person, name, notified)
        SELECT i.id, w.person, n.name, true
        FROM incoming i CROSS JOIN unnest(i.names, i.usernames) AS n (name, username)
        JOIN who w ON w.username = n.username
        WHERE i.place > $1 AND i.place <= $2 ON CONFLICT DO NOTHING
        """,
        start,
        start + BATCH,
    )
