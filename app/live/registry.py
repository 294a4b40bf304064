"""Which streams are open, over all processes: written once at connect, so that a person has at most so many of them.

A process says twice a minute that it lives; what a killed one left behind is swept by the others. The tables are
unlogged: after a crash of Postgres they are empty, and each process writes its open streams again.
"""

import secrets

import asyncpg

from app.core import database

ALIVE = "90 seconds"


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


async def say_alive(process: str, streams: list[tuple[int, int]]) -> None:
    """Says that this process lives; `streams` are its (number, person), written again if a crash forgot them."""
    fresh = await database.fetch_value(
        """
        INSERT INTO live_process (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now() RETURNING xmax = 0
        """,
        process,
    )
    if fresh and streams:
        try:
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
        except asyncpg.ForeignKeyViolationError:
            return  # a person was deleted meanwhile; their stream ends within the second
    await database.fetch(f"DELETE FROM live_process WHERE seen_at < now() - interval '{ALIVE}'")


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
