"""Sending: one statement, one transaction, acknowledged after its commit.

The statement locks the sender's membership (who was removed meanwhile sends nothing), then takes the next position and
change under the conversation's row lock, then inserts. Sends that come while another to the same conversation is under
way wait for it and then share one statement: a busy room commits once for many. A lone send goes by itself.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from app.conversations.access import HERE, NOT_LISTED
from app.core import database
from app.core.errors import Conflict, Invalid
from app.core.i18n import _
from app.people.policy import Policy, writers_sql

MOST_TOGETHER = 100
# By either policy. Nobody else's role is looked up.
MAY_ANNOUNCE = """
    (c.kind <> 'announcements' OR NOT EXISTS (SELECT FROM person a WHERE a.id = ANY($2) AND a.role <> 'admin'))
"""
MAY_ANNOUNCE_ONE = MAY_ANNOUNCE.replace("ANY($2)", "$2")
# Whoever asked has more to ask after it was closed: it is opened again first, in the sight of all.
OPEN = "(c.closed_at IS NULL OR c.owner IS NULL OR c.owner <> ALL($2))"
OPEN_ONE = OPEN.replace("ALL($2)", "$2")
# One of the team who answers has it in their list from then on: see `access.join_team`.
LISTED = f"archived_position = nullif(m.archived_position, {NOT_LISTED})"
ASKER = "CASE WHEN c.kind = 'support' THEN coalesce(c.owner, 0) END AS asker"

# $1 conversation, $2 authors, $3 keys, $4 bodies, $5 reply_to. Memberships are locked in one order: no deadlock.
SEND = f"""
WITH given AS (
    SELECT * FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::bigint[])
    WITH ORDINALITY AS t (author, key, body, reply_to, n)
), gate AS MATERIALIZED (
    SELECT m.id, m.person FROM {{writers}} AND m.person = ANY($2)
    ORDER BY m.person FOR NO KEY UPDATE OF m
), fresh AS MATERIALIZED (
    SELECT g.*, row_number() OVER (ORDER BY n) AS nth FROM given g JOIN gate ON gate.person = g.author
    WHERE NOT EXISTS (SELECT FROM message x WHERE x.author = g.author AND x.key = g.key)
), bumped AS (
    UPDATE conversation c
    SET change = c.change + f.many, position = c.position + f.many, last_activity_at = clock_timestamp()
    FROM (SELECT count(*) AS many FROM fresh) f
    WHERE c.id = $1 AND {HERE} AND f.many > 0 AND {MAY_ANNOUNCE} AND {OPEN}
    RETURNING c.change - f.many AS change, c.position - f.many AS position, c.last_activity_at AS at, {ASKER}
), marked AS (
    UPDATE membership m SET read_position = b.position + f.nth, {LISTED}
    FROM bumped b, (SELECT author, max(nth) AS nth FROM fresh GROUP BY author) f, gate
    WHERE m.id = gate.id AND gate.person = f.author
)
INSERT INTO message (conversation, position, change, author, key, body, reply_to, created_at, of_team)
SELECT $1, b.position + f.nth, b.change + f.nth, f.author, f.key, f.body, f.reply_to, b.at,
       coalesce(b.asker <> f.author, false) FROM fresh f, bumped b
RETURNING id, position, change, author, key, created_at, of_team
"""

# The same for one message: no array, no window; a third less of Postgres' time.
SEND_ONE = f"""
WITH gate AS MATERIALIZED (
    SELECT m.id FROM {{writers}} AND m.person = $2 FOR NO KEY UPDATE OF m
), bumped AS (
    UPDATE conversation c SET change = c.change + 1, position = c.position + 1, last_activity_at = clock_timestamp()
    FROM gate WHERE c.id = $1 AND {HERE} AND {MAY_ANNOUNCE_ONE} AND {OPEN_ONE}
      AND NOT EXISTS (SELECT FROM message x WHERE x.author = $2 AND x.key = $3)
    RETURNING c.change, c.position, c.last_activity_at AS at, {ASKER}
), marked AS (
    UPDATE membership m SET read_position = b.position, {LISTED} FROM bumped b, gate WHERE m.id = gate.id
)
INSERT INTO message (conversation, position, change, author, key, body, reply_to, created_at, of_team)
SELECT $1, b.position, b.change, $2, $3, $4, $5, b.at, coalesce(b.asker <> $2, false) FROM bumped b
RETURNING id, position, change, author, key, created_at, of_team
"""


# Who may write, of those in the conversation. Where everyone may, nothing more is looked up.
WRITERS: dict[Policy, str] = {
    "open": "membership m WHERE m.conversation = $1",
    "school": f"""
        membership m JOIN person a ON a.id = m.person JOIN conversation c ON c.id = m.conversation
        WHERE m.conversation = $1 AND {writers_sql("school")}
    """,
}
SENDS = {policy: SEND.format(writers=writers) for policy, writers in WRITERS.items()}
SENDS_ONE = {policy: SEND_ONE.format(writers=writers) for policy, writers in WRITERS.items()}


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that is kept: the database has committed it. `again` when an earlier send had put it there."""

    id: int
    position: int
    change: int
    created_at: datetime
    again: bool = False
    of_team: bool = False


@dataclass(slots=True)
class Draft:
    """A message that is to be sent; `done` is given its Sent, or None when the author may not."""

    author: int
    key: UUID
    body: str
    reply_to: int | None
    policy: Policy = "open"
    done: asyncio.Future[Sent | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True)
class _Queue:
    waiting: list[Draft] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


_queues: dict[int, _Queue] = {}


async def send(conversation: int, draft: Draft) -> Sent | None:
    """Keeps the message and says where; None when its author is not in the conversation. Raises Conflict when the key
    was used for another message, and what the database raises when it is unknown whether it was kept: send again."""
    queue = _queues.setdefault(conversation, _Queue())
    queue.waiting.append(draft)
    if queue.task is None:
        # A task of its own: a sender who goes away takes no other's message along, and breaks no statement.
        queue.task = asyncio.create_task(_work(conversation, queue))
    return await asyncio.shield(draft.done)


async def _work(conversation: int, queue: _Queue) -> None:
    try:
        while queue.waiting:
            batch, queue.waiting = _distinct(queue.waiting)
            try:
                await _keep(conversation, batch)
            except Exception as error:
                for draft in batch:
                    if not draft.done.done():
                        draft.done.set_exception(error)
                        draft.done.exception()  # a sender who went away does not ask
    finally:
        queue.task = None
        del _queues[conversation]


def _distinct(waiting: list[Draft]) -> tuple[list[Draft], list[Draft]]:
    """The next batch, no key twice in it (the second of a pair finds the first there), and what waits on."""
    seen: set[tuple[int, UUID]] = set()
    batch: list[Draft] = []
    rest: list[Draft] = []
    for draft in waiting:
        if len(batch) < MOST_TOGETHER and (draft.author, draft.key) not in seen:
            seen.add((draft.author, draft.key))
            batch.append(draft)
        else:
            rest.append(draft)
    return batch, rest


async def _keep(conversation: int, batch: list[Draft]) -> None:
    if len(batch) > 1:
        try:
            rows = await database.fetch(
                SENDS[batch[0].policy],  # the rules are of the instance: alike for all
                conversation,
                [draft.author for draft in batch],
                [draft.key for draft in batch],
                [draft.body for draft in batch],
                [draft.reply_to for draft in batch],
            )
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError):
            # One of them was kept by another process at this moment, or what it answers is gone, or it cannot be
            # stored: each by itself.
            rows = None
        if rows is not None:
            kept = {(row["author"], row["key"]): row for row in rows}
            for draft in batch:
                row = kept.get((draft.author, draft.key))
                await _settle(conversation, draft, row)
            return
    for draft in batch:
        try:
            rows = await database.fetch(
                SENDS_ONE[draft.policy], conversation, draft.author, draft.key, draft.body, draft.reply_to
            )
        except asyncpg.UniqueViolationError:
            rows = []
        except asyncpg.ForeignKeyViolationError:
            draft.done.set_exception(Invalid(reply_to=_("What you reply to is not there any more.")))
            draft.done.exception()
            continue
        except Exception as error:
            draft.done.set_exception(error)
            draft.done.exception()
            continue
        await _settle(conversation, draft, rows[0] if rows else None)


async def _settle(conversation: int, draft: Draft, row: database.Row | None) -> None:
    if draft.done.done():
        return
    if row is not None:
        draft.done.set_result(
            Sent(row["id"], row["position"], row["change"], row["created_at"], of_team=row["of_team"])
        )
        return
    try:
        draft.done.set_result(await earlier(conversation, draft))
    except Exception as error:
        draft.done.set_exception(error)
        draft.done.exception()


async def earlier(conversation: int, draft: Draft) -> Sent | None:
    """What the same key put there before; None when nothing, so the author may not send here."""
    row = await database.fetch_row(
        """
        SELECT x.id, x.position, x.change, x.created_at, x.conversation, x.body, x.reply_to, x.edited_at, x.deleted_at,
               EXISTS (SELECT FROM membership m WHERE m.conversation = x.conversation AND m.person = x.author) AS member
        FROM message x WHERE x.author = $1 AND x.key = $2
        """,
        draft.author,
        draft.key,
    )
    if row is None or (row["conversation"] == conversation and not row["member"]):
        return None
    # Once edited or deleted, the text that was sent is no longer known: the key alone tells.
    same = row["body"] == draft.body or row["edited_at"] or row["deleted_at"]
    if row["conversation"] != conversation or row["reply_to"] != draft.reply_to or not same:
        raise Conflict(_("This key was used for another message."))
    return Sent(row["id"], row["position"], row["change"], row["created_at"], again=True)
