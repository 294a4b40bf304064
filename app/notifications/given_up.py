"""Mails that could not be sent: given up, which an administrator can have sent after all, or late.

What was given up stays as it is, for what it tells is bound to it; a dead letter has its number and the reason.
Run again, it is made anew of what is still to be told at that moment, under the key that it had. Whose dead letter was
dropped is never sent, and swept in the end.
"""

from datetime import datetime

import msgspec
import structlog

from app.core import database, dead_letters, jobs, sweeps

log = structlog.get_logger()
LATE = "5 minutes"


class MailGivenUp(msgspec.Struct):
    """A mail to that person was refused for good, or too long for now. Done again: it waits to be sent once more."""

    mail: int
    person: int


class LateMails(msgspec.Struct):
    """`many` mails about notifications should have gone, the oldest `since` then. `error` is what went wrong at the
    last try, at `failed_at`; without one nobody has tried."""

    many: int
    since: datetime
    error: str | None
    failed_at: datetime | None


async def give_up(event: MailGivenUp, error: str, tries: int, since: datetime) -> None:
    """Keeps the mail for an administrator; of one that is not wanted any more nothing is kept. `error` is the name of
    what went wrong, without the words of the server: they quote the address."""
    log.error("a mail was given up", error=error, person=event.person, tries=tries)
    async with database.transaction():
        kept = await database.fetch(
            "UPDATE mail_waiting SET given_up_at = now() WHERE id = $1 AND given_up_at IS NULL RETURNING id", event.mail
        )
        if kept:
            await dead_letters.add(*jobs.written(event), error, tries, since)


async def again(event: MailGivenUp) -> None:
    """It waits to be sent, with all its time before it; done twice as once. A weekly summary tells of today: beside
    another one that waits it would be the same mail."""
    await database.fetch(
        """
        UPDATE mail_waiting w
        SET given_up_at = NULL, at = now(), since = now(), tries = 0, error = NULL, failed_at = NULL
        WHERE w.id = $1 AND w.given_up_at IS NOT NULL AND NOT (w.kind = 'weekly' AND EXISTS (
            SELECT FROM mail_waiting o WHERE o.person = w.person AND o.kind = 'weekly' AND o.given_up_at IS NULL
        ))
        """,
        event.mail,
    )


async def late() -> LateMails | None:
    """What should have gone some minutes ago; None when nothing should. What waits for the end of quiet hours is not
    late."""
    row = await database.fetch_row(
        f"""
        SELECT count(*) AS many, min(since) AS since,
               (array_agg(error ORDER BY failed_at DESC NULLS LAST))[1] AS error, max(failed_at) AS failed_at
        FROM mail_waiting WHERE given_up_at IS NULL AND since < now() - interval '{LATE}'
          AND (error IS NOT NULL OR at < now() - interval '{LATE}')
        """
    )
    return LateMails(**dict(row)) if row is not None and row["many"] else None


async def sweep() -> bool:
    """Deletes some of those whose dead letters are swept already; whether there may be more."""
    return await sweeps.sweep(
        "mail_waiting", f"given_up_at < now() - interval '{dead_letters.KEPT}' - interval '1 day'"
    )
