"""Deliveries are sent: claimed with a lease, checked, signed, and tried again with growing waits.

Each delivery is on its own: one that fails does not hold up those after it, so they may arrive in another order than
they happened. `change` of the message says which is later.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import structlog

from app.core import database, outside
from app.core.settings import Settings
from app.messages import queries
from app.messages.lines import line
from app.notifications.push.hosts import Host, Hosts
from app.notifications.webhooks import access, signing
from app.notifications.webhooks.following import JOINED, LEFT
from app.notifications.webhooks.views import Room, Told

if TYPE_CHECKING:
    import aiohttp

log = structlog.get_logger()
MINUTE, HOUR = 60, 3600
# Waits after each try, in seconds: eleven tries within four days.
WAITS = (10, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR)
DAYS_OF_FAILURE = 3
# Longer than any call may take: what is claimed longer than that was claimed by a worker that is dead.
LEASE_SECONDS = 60
# To one subscription, so that a slow one leaves room for the others.
AT_ONCE_EACH = 4
# Nor do all subscriptions of one owner, or to one host, take all the room there is.
AT_ONCE_OWNER, AT_ONCE_HOST = 8, 4
# As `outside.check_url` wrote it.
_HOST = "substring(s.url FROM '//([^/?#]+)')"
KEPT_ANSWER = 1024
# For one subscription.
MOST_WAITING = 10_000
# Of the subscription `s`.
_TOO_LONG = f"coalesce(s.failing_since < now() - {DAYS_OF_FAILURE} * interval '1 day', false)"
_json = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send."""

    id: int
    subscription: int
    message: int
    event: str
    key: UUID
    tries: int
    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try. `gone`: it said that it wants no more."""

    delivered: bool
    status: int | None = None
    problem: str | None = None
    answer: str | None = None
    took_ms: int | None = None
    gone: bool = False


async def claim(most: int) -> list[Claimed]:
    """Takes up to so many deliveries that are due, the oldest first; of each subscription, owner and host a few."""
    rows = await database.fetch(
        f"""
        WITH busy AS MATERIALIZED (
            SELECT s.id, s.owner, {_HOST} AS host FROM delivery o JOIN subscription s ON s.id = o.subscription
            WHERE o.state = 'waiting' AND o.claimed_until IS NOT NULL AND o.claimed_until > now()
        ), next AS (
            SELECT d.id, d.due_at, s.url, s.secret, s.owner, {_HOST} AS host
            FROM subscription s CROSS JOIN LATERAL (
                SELECT d.id, d.due_at FROM delivery d
                WHERE d.subscription = s.id AND d.state = 'waiting' AND d.due_at <= now()
                  AND (d.claimed_until IS NULL OR d.claimed_until <= now())
                ORDER BY d.due_at LIMIT greatest(0, {AT_ONCE_EACH} - (SELECT count(*) FROM busy b WHERE b.id = s.id))
            ) d WHERE s.disabled_at IS NULL
        ), of_host AS (
            SELECT n.*, row_number() OVER (PARTITION BY n.host ORDER BY n.due_at, n.id)
                + (SELECT count(*) FROM busy b WHERE b.host = n.host) AS rank FROM next n
        ), of_owner AS (
            SELECT n.*, row_number() OVER (PARTITION BY n.owner ORDER BY n.due_at, n.id)
                + (SELECT count(*) FROM busy b WHERE b.owner = n.owner) AS of_theirs
            FROM of_host n WHERE n.rank <= {AT_ONCE_HOST}
        ), chosen AS MATERIALIZED (
            SELECT n.id, n.url, n.secret FROM of_owner n WHERE n.of_theirs <= {AT_ONCE_OWNER}
            ORDER BY n.due_at, n.id LIMIT $1
        ), due AS MATERIALIZED (
            SELECT d.id, n.url, n.secret FROM chosen n JOIN delivery d ON d.id = n.id
            WHERE d.state = 'waiting' AND (d.claimed_until IS NULL OR d.claimed_until <= now())
            FOR UPDATE OF d SKIP LOCKED
        )
        UPDATE delivery d SET claimed_until = now() + {LEASE_SECONDS} * interval '1 second' FROM due WHERE d.id = due.id
        RETURNING d.id, d.subscription, d.message, d.event, d.key, d.tries, due.url, due.secret
        """,
        most,
    )
    return [Claimed(*row) for row in rows]


async def send(settings: Settings, calling: "aiohttp.ClientSession", claimed: Claimed, host: Host) -> None:
    """Sends one, and writes down what came of it. What it tells is read, and the right to tell it asked, only now."""
    row = await database.fetch_row(
        f"""
        SELECT coalesce({access.still_may(settings.role_policy)}, false), r.id, r.kind, r.title FROM subscription s
        JOIN person p ON p.id = s.owner LEFT JOIN conversation c ON c.id = s.conversation
        JOIN message x ON x.id = $2 JOIN conversation r ON r.id = x.conversation
        WHERE s.id = $1
        """,
        claimed.subscription,
        claimed.message,
    )
    if row is None:  # gone at this moment, and the delivery with it
        return
    may, *room = row
    if not may:
        await _switch_off(claimed)
    elif (body := await _body(claimed, Room(*room))) is not None:
        await _settle(claimed, await _call(settings, calling, claimed, body, host))


async def _body(claimed: Claimed, room: Room) -> bytes | None:
    row = await queries.one(claimed.message)
    if row is None:
        return None
    message = line(row).message
    member = (message.subject or message.author) if claimed.event in (JOINED, LEFT) else None
    told = Told(event=claimed.event, delivery=claimed.key, conversation=room, message=message, member=member)
    return _json.encode(told)


async def _call(
    settings: Settings, calling: "aiohttp.ClientSession", claimed: Claimed, body: bytes, host: Host
) -> Outcome:
    timestamp = int(time.time())
    headers = {
        "content-type": "application/json",
        signing.EVENT: claimed.event,
        signing.DELIVERY: str(claimed.key),
        signing.TIMESTAMP: str(timestamp),
        signing.SIGNATURE: signing.sign(claimed.secret, timestamp, body),
    }
    began = time.monotonic()
    try:
        answer = await outside.post(calling, settings, claimed.url, body, headers)
    except Exception as error:
        problem = outside.failure(error)
        if problem is None:  # a fault of ours: it is tried again like any other, and somebody is to know
            log.exception("webhook not sent", subscription=claimed.subscription)
        if problem == "time":  # others wait for the room that it takes; what is refused takes none
            host.was_silent()
        return Outcome(False, problem=problem or "fault", took_ms=_since(began))
    host.answered()
    said = answer.body[:KEPT_ANSWER].decode("utf-8", "replace").replace("\0", "\ufffd")
    return Outcome(200 <= answer.status < 300, answer.status, None, said, _since(began), answer.status == 410)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


async def _settle(claimed: Claimed, outcome: Outcome) -> None:
    """Writes down what came of it, when it is tried again, and when it is enough. Whose lease was over meanwhile is
    being sent by another: what that one finds holds, unless this one got through."""
    wait = WAITS[claimed.tries] * random.uniform(0.9, 1.1) if claimed.tries < len(WAITS) else None
    state = "delivered" if outcome.delivered else "waiting" if wait is not None and not outcome.gone else "failed"
    await database.fetch(
        f"""
        WITH tried AS (
            UPDATE delivery d SET tries = $3 + 1, tried_at = now(), claimed_until = NULL,
                state = CASE WHEN $2 = 'waiting' AND {_TOO_LONG} THEN 'failed' ELSE $2 END,
                due_at = now() + $4 * interval '1 second', took_ms = $5, status = $6, problem = $7, answer = $8
            FROM subscription s WHERE d.id = $1 AND s.id = d.subscription AND d.state = 'waiting'
              AND (d.tries = $3 OR $2 = 'delivered') RETURNING d.subscription
        ), told AS (
            UPDATE subscription s SET failing_since = CASE WHEN $2 = 'delivered' THEN NULL
                    ELSE coalesce(s.failing_since, now()) END,
                disabled_at = CASE WHEN $2 <> 'delivered' AND ($9 OR {_TOO_LONG}) THEN coalesce(s.disabled_at, now())
                    ELSE s.disabled_at END,
                disabled_reason = CASE WHEN s.disabled_at IS NOT NULL OR $2 = 'delivered' THEN s.disabled_reason
                    WHEN $9 THEN 'gone' WHEN {_TOO_LONG} THEN 'failing' END
            FROM tried WHERE s.id = tried.subscription
            -- Most change nothing, and would wait for each other.
            AND (s.failing_since IS NOT NULL OR $2 <> 'delivered') RETURNING s.id, s.disabled_at
        )
        UPDATE delivery d SET state = 'failed', problem = 'off' FROM told
        WHERE d.subscription = told.id AND told.disabled_at IS NOT NULL AND d.state = 'waiting' AND d.id <> $1
        """,
        claimed.id,
        state,
        claimed.tries,
        wait or 0,
        outcome.took_ms,
        outcome.status,
        outcome.problem,
        outcome.answer,
        outcome.gone,
    )


async def _postpone(claimed: Claimed, seconds: float) -> None:
    """Its host rests: that is no try."""
    await database.fetch(
        """
        UPDATE delivery SET claimed_until = NULL, due_at = now() + $3 * interval '1 second'
        WHERE id = $1 AND tries = $2 AND state = 'waiting'
        """,
        claimed.id,
        claimed.tries,
        seconds * random.uniform(1.0, 1.1),
    )


async def switch_off_those_behind() -> None:
    """A program to which so much waits never comes after: its deliveries would grow without an end."""
    await database.fetch(
        """
        WITH off AS (
            UPDATE subscription s SET disabled_at = now(), disabled_reason = 'behind'
            WHERE s.disabled_at IS NULL AND $1::bigint < (
                SELECT count(*) FROM (
                    SELECT FROM delivery d WHERE d.subscription = s.id AND d.state = 'waiting' LIMIT $1::bigint + 1
                ) waiting
            ) RETURNING s.id
        )
        UPDATE delivery d SET state = 'failed', problem = 'off' FROM off
        WHERE d.subscription = off.id AND d.state = 'waiting'
        """,
        MOST_WAITING,
    )


async def _switch_off(claimed: Claimed) -> None:
    """Nothing leaves any more: whoever set it up has no right to it now."""
    await database.fetch(
        """
        WITH off AS (
            UPDATE subscription SET disabled_at = coalesce(disabled_at, now()),
                disabled_reason = coalesce(disabled_reason, 'right') WHERE id = $1
        )
        UPDATE delivery SET state = 'dropped', problem = 'right', claimed_until = NULL
        WHERE subscription = $1 AND state = 'waiting'
        """,
        claimed.subscription,
    )


class Sender:
    """Sends what is due, so many at once."""

    def __init__(self, settings: Settings, calling: "aiohttp.ClientSession") -> None:
        self.settings = settings
        self.calling = calling
        self.hosts = Hosts()
        self.under_way: set[asyncio.Task[None]] = set()
        # Set when there may be something to send, or room for it.
        self.awake = asyncio.Event()

    async def begin(self) -> int:
        """Begins to send as many as there is room for; gives how many."""
        room = outside.AT_ONCE - len(self.under_way)
        claimed = await claim(room) if room > 0 else []
        for each in claimed:
            task = asyncio.create_task(self._send(each))
            self.under_way.add(task)
            task.add_done_callback(self._done)
        return len(claimed)

    async def finish(self) -> None:
        """Waits for what is under way."""
        await asyncio.gather(*self.under_way)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.under_way.discard(task)
        self.awake.set()

    async def _send(self, claimed: Claimed) -> None:
        try:
            async with self.hosts.turn(claimed.url) as host:
                if rest := host.rest():
                    await _postpone(claimed, rest)
                else:
                    await send(self.settings, self.calling, claimed, host)
        except Exception as error:  # its lease ends, and it is sent again
            log.warning("webhook delivery broke off", error=type(error).__name__)
