"""Which workers live: each says so a few times a minute."""

import uuid
from datetime import datetime

from app.core import database

BEAT = 15.0
ALIVE = "60 seconds"


async def say_alive(worker: uuid.UUID) -> None:
    """This worker lives now."""
    await database.fetch(
        "INSERT INTO worker_process (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()", worker
    )


async def last_seen() -> tuple[datetime | None, bool]:
    """When a worker last said that it lives, and whether that is recent. Asks the database."""
    row = await database.fetch_row(
        f"SELECT max(seen_at) AS at, max(seen_at) > now() - interval '{ALIVE}' AS lives FROM worker_process"
    )
    return (row["at"], bool(row["lives"])) if row is not None else (None, False)
