"""Sending: one statement, one transaction, acknowledged after its commit.

Sends that come while another to the same conversation is under way wait for it and then share one statement: a busy
room commits once for many. A lone send goes by itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from app.core import database
from app.core.errors import Conflict, Invalid
from app.core.i18n import _
from app.messages.statements import SENDS, SENDS_NAMING, SENDS_ONE
from app.people.policy import Policy

MOST_TOGETHER = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that is kept: the database has committed it. `again` when an earlier send had put it there."""

    id: int
    position: int
    change: int
    created_at: datetime
    again: bool = False
    of_team: bool = False
    mentions_all: bool = False


@dataclass(slots=True)
class Draft:
    """A message that is to be sent; `done` is given its Sent, or None when the author may not. `people` are those
    whom it names, by id; `every`: whether it is to all 2, if its author owns the group 1, no 0."""

    author: int
    key: UUID
    body: str
    reply_to: int | None
    policy: Policy = "open"
    people: Mapping[int, str] = field(default_factory=dict)
    every: int = 0
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
            rows = await _insert(conversation, batch)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError):
            # One of them was kept by another process at this moment, or what it answers is gone, or it cannot be
            # stored: each by itself.
            rows = None
        if rows is not None:
            kept = {(row["author"], row["key"]): row for row in rows}
            for draft in batch:
                await _settle(conversation, draft, kept.get((draft.author, draft.key)))
            return
    for draft in batch:
        try:
            rows = await _insert(conversation, [draft])
        except asyncpg.UniqueViolationError:
            rows = []
        except asyncpg.ForeignKeyViolationError:
            draft.done.set_exception(Invalid(reply_to=_("The message you are replying to no longer exists.")))
            draft.done.exception()
            continue
        except Exception as error:
            draft.done.set_exception(error)
            draft.done.exception()
            continue
        await _settle(conversation, draft, rows[0] if rows else None)


async def _insert(conversation: int, batch: list[Draft]) -> list[database.Row]:
    policy = batch[0].policy  # the rules are of the instance: alike for all
    named = [(draft.author, draft.key, person, name) for draft in batch for person, name in draft.people.items()]
    rows = [(each.author, each.key, each.body, each.reply_to, each.every) for each in batch]
    if named:
        return await database.fetch(SENDS_NAMING[policy], conversation, *_columns(rows), *_columns(named))
    if len(rows) > 1:
        return await database.fetch(SENDS[policy], conversation, *_columns(rows))
    return await database.fetch(SENDS_ONE[policy], conversation, *rows[0])


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def _settle(conversation: int, draft: Draft, row: database.Row | None) -> None:
    if draft.done.done():
        return
    if row is not None:
        told = {"of_team": row["of_team"], "mentions_all": row["mentions_all"]}
        draft.done.set_result(Sent(row["id"], row["position"], row["change"], row["created_at"], **told))
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
        raise Conflict(_("This key has already been used for another message."))
    return Sent(row["id"], row["position"], row["change"], row["created_at"], again=True)
