"""Jobs and mails that were given up: kept until an administrator runs them again or drops them."""

from datetime import datetime
from typing import Any

import msgspec

from app.core import database
from app.core.errors import NotFound

KEPT = "90 days"


class DeadLetter(msgspec.Struct):
    """`about` holds the numbers that the job names (a person, a change), never its texts: those may be addresses."""

    id: int
    job: str
    about: dict[str, int]
    error: str
    tries: int
    first_at: datetime
    last_at: datetime


async def write(job: int, error: str) -> None:
    """The job becomes a dead letter, in one statement: it is always one of the two."""
    await database.fetch(
        """
        WITH gone AS (DELETE FROM pgqueuer WHERE id = $1 RETURNING *)
        INSERT INTO dead_letter (job, payload, error, tries, first_at)
        SELECT entrypoint, coalesce(payload, ''), $2, attempts + 1, created FROM gone
        """,
        job,
        error,
    )


async def add(job: str, payload: bytes, error: str, tries: int, first_at: datetime) -> None:
    """Writes one of what was no job before: run again, it becomes this one."""
    await database.fetch(
        "INSERT INTO dead_letter (job, payload, error, tries, first_at) VALUES ($1, $2, $3, $4, $5)",
        job,
        payload,
        error,
        tries,
        first_at,
    )


async def listed(before: int | None, limit: int) -> list[DeadLetter]:
    """The newest, or those before that one."""
    rows = await database.fetch(
        "SELECT * FROM dead_letter WHERE id < coalesce($1, id + 1) ORDER BY id DESC LIMIT $2", before, limit
    )
    return [
        DeadLetter(
            id=row["id"],
            job=row["job"],
            about=_about(row["payload"]),
            error=row["error"],
            tries=row["tries"],
            first_at=row["first_at"],
            last_at=row["last_at"],
        )
        for row in rows
    ]


async def count() -> int:
    """How many there are."""
    return int(await database.fetch_value("SELECT count(*) FROM dead_letter"))


async def take(letter: int | None) -> list[tuple[str, bytes]]:
    """Takes this one away, or all of them; gives them as (job, payload). Raises NotFound when it is not there."""
    rows = await database.fetch(
        "DELETE FROM dead_letter WHERE $1::bigint IS NULL OR id = $1 RETURNING job, payload", letter
    )
    if letter is not None and not rows:
        raise NotFound
    return [(row["job"], row["payload"]) for row in rows]


def _about(payload: bytes) -> dict[str, int]:
    try:
        event: Any = msgspec.json.decode(payload)["event"]
        return {name: value for name, value in event.items() if type(value) is int}
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return {}
