"""What waits for which browser, in the database: who sends it may be killed at any moment, or be several.

A browser is claimed by moving the moment on at which it is next tried. Whoever claims it sends without a transaction
open; if they are killed meanwhile it is tried again when that moment comes. So a notification may come twice, and never
not at all: the same tag (and Topic, on the way) puts it where the first one was.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.core import database
from app.core.database import Row
from app.core.i18n import Locale
from app.notifications import choices
from app.notifications.access import JOINED, READ, SEEN
from app.notifications.gather import LISTENS, TAKES
from app.notifications.push.devices import GOOD
from app.notifications.queries import COLUMNS
from app.notifications.views import SettingsView

LEASE = timedelta(minutes=2)
# A notification that could not be told for so long is not told any more.
GIVE_UP = timedelta(days=1)
SPREAD_AT_ONCE = 500
MOST_AT_ONCE = 20

DUE = """
    SELECT id FROM notification WHERE push_at <= now() ORDER BY push_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""
# Of these, which are locked, what has news: what came last may be gone. A browser that failed keeps its time.
SPREAD = f"""
    WITH due AS MATERIALIZED (
        SELECT n.id, n.person FROM {JOINED} WHERE n.id = ANY($1) AND (x.id IS NULL OR x.unpushed)
    ), told AS (
        UPDATE notification n SET push_at = NULL,
               pushed_at = CASE WHEN due.id IS NULL THEN n.pushed_at ELSE now() END,
               pushed = CASE WHEN due.id IS NULL THEN n.pushed ELSE n.told END
        FROM unnest($1::bigint[]) AS w (id) LEFT JOIN due ON due.id = w.id WHERE n.id = w.id
    ), devices AS MATERIALIZED (
        SELECT s.id, s.person FROM push_subscription s WHERE s.person IN (SELECT person FROM due)
        ORDER BY s.id FOR NO KEY UPDATE
    ), woken AS (
        UPDATE push_subscription s SET retry_at = coalesce(s.retry_at, now()) FROM devices d WHERE s.id = d.id
    )
    INSERT INTO push_waiting (subscription, notification)
    SELECT d.id, due.id FROM due JOIN devices d ON d.person = due.person
    ON CONFLICT DO NOTHING
"""
CLAIM = f"""
    WITH due AS MATERIALIZED (
        SELECT id FROM push_subscription WHERE retry_at <= now() ORDER BY retry_at LIMIT $1
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE push_subscription s SET retry_at = now() + $2::interval FROM due, session e
    WHERE s.id = due.id AND e.id = s.session
    RETURNING s.id, s.endpoint, s.p256dh, s.auth, s.failures, {GOOD} AND e.person = s.person AS good
"""
BY_PUSH, BY_APP = (
    TAKES.format(channel=channel, usual="everything").replace("g.kind", "n.kind").replace("s.", "d.")
    for channel in ("push", "app")
)
# All that waits for a browser $1, or of that the notification $2, with whether its person may and wants to
# be told of it at this moment.
WAITING = f"""
    SELECT {COLUMNS}, n.in_app, n.in_app AND {BY_APP} AS on_page, n.pushed_at, d.push_shows, d.quiet_from, d.quiet_to,
           d.language, d.time_zone,
           coalesce(
               d.good AND d.person = n.person AND {BY_PUSH} AND NOT {READ} AND {LISTENS} AND {SEEN}, false
           ) AS may
    FROM {JOINED} JOIN push_waiting w ON w.notification = n.id
    JOIN (
        SELECT b.id, b.person, o.language, o.time_zone, o.deactivated_at IS NULL AND {GOOD} AS good,
               g.push, g.app, coalesce(g.push_shows, 'text') AS push_shows, g.quiet_from, g.quiet_to
        FROM push_subscription b JOIN session e ON e.id = b.session JOIN person o ON o.id = b.person
        LEFT JOIN notification_settings g ON g.person = b.person
    ) d ON d.id = w.subscription
    WHERE w.subscription = $1 AND ($2::bigint IS NULL OR n.id = $2)
    ORDER BY n.updated_at, n.id LIMIT {MOST_AT_ONCE}
"""


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that was claimed."""

    id: int
    endpoint: str
    p256dh: str
    auth: str
    failures: int


class Waiting(NamedTuple):
    """What a browser is to be told now, as rows for `queries.view`, in which language; or until when it is left alone,
    since its person has quiet hours."""

    rows: list[Row]
    locale: Locale
    quiet_until: datetime | None


async def spread() -> None:
    """Hands what is due to every browser of its person.

    It is locked before one looks whether it has news: what it grows by at this moment would be overlooked otherwise."""
    async with database.transaction():
        due = [row["id"] for row in await database.fetch(DUE, SPREAD_AT_ONCE)]
        if due:
            await database.fetch(SPREAD, due)


async def claim(most: int) -> list[Device]:
    """Browsers whose turn it is; those that are signed out meanwhile go."""
    rows = await database.fetch(CLAIM, most, LEASE)
    for row in rows:
        if not row["good"]:
            await remove(row["id"])
    return [Device(*row[:5]) for row in rows if row["good"]]


async def waiting(device: Device, number: int | None = None) -> Waiting:
    """What it is to be told at this moment, or that notification alone, if it is still to be told. What its person has
    read or may not see any more waits no longer."""
    rows = await database.fetch(WAITING, device.id, number)
    stale = [row["id"] for row in rows if not row["may"]]
    if stale:
        await _drop(device, stale)
    fresh = [row for row in rows if row["may"]]
    if not fresh:
        return Waiting([], Locale("en", "UTC"), None)
    one = fresh[0]
    hours = SettingsView(quiet_from=one["quiet_from"], quiet_to=one["quiet_to"])
    now = datetime.now(UTC)
    end = choices.quiet_until(hours, one["time_zone"], now)
    again = choices.after_quiet(end, now) if end is not None else None
    return Waiting(fresh, Locale(one["language"], one["time_zone"]), again)


async def told(device: Device, row: Row) -> None:
    """Its service took that notification, and is well.

    Where it grew while it was on its way it waits again only if it was spread anew meanwhile: else the time of that is
    still to come, a minute after the last."""
    await database.fetch(
        """
        DELETE FROM push_waiting w USING notification n
        WHERE w.subscription = $1 AND w.notification = $2 AND n.id = w.notification
          AND (n.pushed_at = $3 OR n.updated_at = $4)
        """,
        device.id,
        row["id"],
        row["pushed_at"],
        row["updated_at"],
    )
    await database.fetch("UPDATE push_subscription SET failures = 0, last_used_at = now() WHERE id = $1", device.id)


async def done(device: Device) -> None:
    """It is left alone until more waits for it.

    Its row is locked before one looks whether something waits: what is handed to it at this moment would be overlooked
    otherwise, and wait for the next."""
    async with database.transaction():
        await database.fetch("SELECT FROM push_subscription WHERE id = $1 FOR NO KEY UPDATE", device.id)
        await database.fetch(
            """
            UPDATE push_subscription s
            SET retry_at = CASE WHEN EXISTS (SELECT FROM push_waiting w WHERE w.subscription = s.id) THEN now() END
            WHERE s.id = $1
            """,
            device.id,
        )


async def postpone(device: Device, until: datetime) -> None:
    """It is tried then, without any fault of its own."""
    await database.fetch("UPDATE push_subscription SET retry_at = $2 WHERE id = $1", device.id, until)


async def failed(device: Device, wait: timedelta, failures: int) -> None:
    """It failed so often in a row and is tried again after the wait; what waited too long is given up."""
    await database.fetch(
        "UPDATE push_subscription SET retry_at = now() + $2::interval, failures = $3 WHERE id = $1",
        device.id,
        wait,
        failures,
    )
    await database.fetch(
        "DELETE FROM push_waiting WHERE subscription = $1 AND created_at < now() - $2::interval", device.id, GIVE_UP
    )


async def remove(number: int) -> None:
    """The browser is told nothing more."""
    await database.fetch("DELETE FROM push_subscription WHERE id = $1", number)


async def _drop(device: Device, numbers: list[int]) -> None:
    await database.fetch(
        "DELETE FROM push_waiting WHERE subscription = $1 AND notification = ANY($2)", device.id, numbers
    )
