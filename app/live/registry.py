"""Which streams are open, over all processes: written once at connect, so that a person has at most so many of them.

A process says twice a minute that it lives; what a killed one left behind is swept by the others. The tables are
unlogged: after a crash of Postgres they are empty, and each process writes its open streams again.
"""

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from app.core import database
from app.core.database import Row
from app.people.presence import PLAIN, Choice, Present, ShownTo

ALIVE = "90 seconds"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
WHEREABOUTS = f"""
    SELECT p.id, p.username, p.name, s.choice, s.shown_to, s.active_at, s.plain_until, EXISTS (
        SELECT FROM live_stream l JOIN live_process a ON a.id = l.process AND a.seen_at > now() - interval '{ALIVE}'
        WHERE l.person = p.id
    ) AS streams
    FROM person p LEFT JOIN presence s ON s.person = p.id
"""


class Found(NamedTuple):
    """Someone, and whether they are there."""

    present: Present
    here: bool


async def open_stream(process: str, person: int, most: int) -> tuple[int, list[int]]:
    """Writes a stream down; gives its number and the oldest streams of that person that are too many now.

    Raises ForeignKeyViolationError when the process is not written down (any more): `say_alive`, then try again.
    """
    # Drawn here: the sequence of an unlogged table begins anew after a crash, with numbers that open streams have.
    number = secrets.randbits(62)
    await database.fetch("INSERT INTO live_stream (id, process, person) VALUES ($1, $2, $3)", number, process, person)
    rows = await database.fetch(
        f"""
        DELETE FROM live_stream WHERE id IN (
            SELECT s.id FROM live_stream s JOIN live_process p ON p.id = s.process
            WHERE s.person = $1 AND p.seen_at > now() - interval '{ALIVE}'
            ORDER BY s.opened_at DESC, s.id DESC OFFSET $2
        ) RETURNING id
        """,
        person,
        most,
    )
    return number, [row["id"] for row in rows]


async def close_stream(number: int) -> None:
    """Forgets a stream that ended."""
    await database.fetch("DELETE FROM live_stream WHERE id = $1", number)


async def say_alive(process: str) -> bool:
    """Says that this process lives; whether nobody knew (any more): then its streams are to be written again."""
    return bool(
        await database.fetch_value(
            """
            INSERT INTO live_process (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now() RETURNING xmax = 0
            """,
            process,
        )
    )


async def write_again(process: str, streams: list[tuple[int, int]]) -> None:
    """The open streams of this process, as (number, person): a crash of Postgres has forgotten them."""
    with suppress(
        asyncpg.ForeignKeyViolationError
    ):  # a person was deleted meanwhile; their stream ends within the second
        await database.fetch(
            """
            INSERT INTO live_stream (id, process, person)
            SELECT t.id, $1, t.person FROM unnest($2::bigint[], $3::bigint[]) AS t (id, person)
            ON CONFLICT DO NOTHING
            """,
            process,
            [number for number, _person in streams],
            [person for _number, person in streams],
        )


async def keep_only(process: str, streams: list[int]) -> None:
    """Forgets what this process no longer has: the database may have been away when a stream of it ended."""
    await database.fetch(
        "DELETE FROM live_stream WHERE process = $1 AND id <> ALL($2) AND opened_at < now() - interval '30 seconds'",
        process,
        streams,
    )


async def forget(process: str) -> None:
    """The process ends in good order."""
    await database.fetch("DELETE FROM live_process WHERE id = $1", process)


async def count() -> int:
    """How many streams are open, over all processes that live."""
    return int(
        await database.fetch_value(
            f"""
            SELECT count(*) FROM live_stream s JOIN live_process p ON p.id = s.process
            WHERE p.seen_at > now() - interval '{ALIVE}'
            """
        )
    )


async def whereabouts(people: list[int]) -> dict[int, Found]:
    """These people, those whose account is open."""
    rows = await database.fetch(f"{WHEREABOUTS} WHERE p.id = ANY($1) AND p.deactivated_at IS NULL", people)
    return {row["id"]: _found(row) for row in rows}


async def write_activity(active: dict[int, datetime]) -> None:
    """When these people last did something."""
    if active:
        people = sorted(active)  # in one order, so that two processes do not wait for each other for ever
        await database.fetch(_ACTIVITY.format(1, 2), people, [active[person] for person in people])


async def here_by_pages(person: int) -> None:
    """They read a page without scripts."""
    await database.fetch(
        """
        INSERT INTO presence (person, active_at, plain_until)
        SELECT id, now(), now() + $2 FROM person WHERE id = $1 AND deactivated_at IS NULL
        ON CONFLICT (person) DO UPDATE SET active_at = now(), plain_until = excluded.plain_until
        """,
        person,
        PLAIN,
    )


_ACTIVITY = """
    INSERT INTO presence AS s (person, active_at)
    SELECT t.person, t.at FROM unnest(${0}::bigint[], ${1}::timestamptz[]) AS t (person, at)
    JOIN person p ON p.id = t.person AND p.deactivated_at IS NULL
    ON CONFLICT (person) DO UPDATE SET active_at = greatest(s.active_at, excluded.active_at)
"""


async def beat(process: str, active: dict[int, datetime], asked: list[int]) -> tuple[bool, dict[int, Found]]:
    """One statement twice a minute: the process lives, these people did something, what a killed process left is swept.

    Gives whether nobody knew of this process (any more), and where those are who are asked about, whose stream was
    swept, or who came lately: the hint of it may be lost."""
    people = sorted(active)
    rows = await database.fetch(
        f"""
        WITH here AS (
            INSERT INTO live_process (id) VALUES ($1)
            ON CONFLICT (id) DO UPDATE SET seen_at = now() RETURNING xmax = 0 AS fresh
        ), acted AS ({_ACTIVITY.format(2, 3)}
        ), dead AS (
            SELECT id FROM live_process WHERE seen_at < now() - interval '{ALIVE}'
        ), lost AS (
            DELETE FROM live_stream l USING dead WHERE l.process = dead.id RETURNING l.person
        ), swept AS (
            DELETE FROM live_process p USING dead WHERE p.id = dead.id
        )
        SELECT w.*, here.fresh FROM here LEFT JOIN (
            {WHEREABOUTS} WHERE p.deactivated_at IS NULL AND p.id IN (
                SELECT unnest($4::bigint[]) UNION SELECT person FROM lost
                UNION SELECT person FROM live_stream WHERE opened_at > now() - interval '1 minute'
            )
        ) w ON true
        """,
        process,
        people,
        [active[person] for person in people],
        asked,
    )
    return rows[0]["fresh"], {row["id"]: _found(row) for row in rows if row["id"] is not None}


def _found(row: Row) -> Found:
    active_at = row["active_at"] or NEVER
    plain_until = None if row["streams"] else row["plain_until"]
    here = row["streams"] or (plain_until is not None and plain_until > datetime.now(UTC))
    choice: Choice
    shown_to: ShownTo
    choice, shown_to = row["choice"] or "auto", row["shown_to"] or "everyone"
    present = Present(
        row["id"], row["username"], row["name"], choice, shown_to, active_at, plain_until if here else None
    )
    return Found(present, here)
