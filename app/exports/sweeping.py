"""Exports whose time is over: first the file goes, weeks later the line that says that there was one."""

from app.core import database, sweeps

# A file may be of a gigabyte, which takes a second or two, and no statement may take thirty.
BATCH = 5
FORGOTTEN = "30 days"
# Nothing takes so long: its job is gone (dropped, or a database was restored without it).
LOST = "3 days"


async def sweep() -> bool:
    """Deletes some of what nobody can have any more; whether there may be more."""
    expired = await database.fetch(
        f"""
        WITH over AS (
            SELECT id FROM export WHERE status = 'ready' AND expires_at <= now()
            ORDER BY expires_at LIMIT {BATCH} FOR NO KEY UPDATE SKIP LOCKED
        ), parts AS (
            DELETE FROM export_part p USING over WHERE p.export = over.id
        )
        UPDATE export e SET status = 'expired' FROM over WHERE e.id = over.id RETURNING e.id
        """
    )
    await database.fetch(
        f"""
        WITH lost AS (
            UPDATE export SET status = 'failed', failure = 'fault', ended_at = now(), attempt = NULL
            WHERE status IN ('queued', 'working') AND asked_at < now() - interval '{LOST}' RETURNING id
        )
        DELETE FROM export_part p USING lost WHERE p.export = lost.id
        """
    )
    forgotten = await sweeps.sweep(
        "export", f"status NOT IN ('queued', 'working', 'ready') AND asked_at < now() - interval '{FORGOTTEN}'"
    )
    return len(expired) == BATCH or forgotten
