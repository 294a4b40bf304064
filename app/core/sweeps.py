"""What nobody needs any more, of the tables that know nothing of chat: taken away a thousand rows at a time."""

from datetime import datetime, timedelta

from app.core import database, dead_letters
from app.core.periodic import every

BATCH = 1000


async def sweep(table: str, condition: str) -> bool:
    """Deletes a batch of rows of which the condition holds; whether there may be more. Rows that somebody works on just
    now are left for the next time."""
    rows = await database.fetch(
        f"""
        DELETE FROM {table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {table} WHERE {condition} LIMIT {BATCH} FOR UPDATE SKIP LOCKED
        )) RETURNING 1
        """
    )
    return len(rows) == BATCH


def register() -> None:
    """Says what is swept; called once by the worker."""

    @every(timedelta(minutes=10), name="sweep limits")
    async def limits_that_are_over(_due: datetime) -> bool:
        return await sweep("rate_limit", "window_ends < now()")

    @every(timedelta(hours=1), name="sweep jobs")
    async def what_jobs_leave_behind(_due: datetime) -> bool:
        """PgQueuer keeps a line for each step of each job, and counts of them, for ever."""
        lines = await sweep("pgqueuer_log", "created < now() - interval '7 days'")
        counts = await sweep("pgqueuer_statistics", "created < now() - interval '7 days'")
        return lines or counts

    @every(timedelta(hours=6), name="sweep mails")
    async def mails_that_no_job_can_send_again(_due: datetime) -> bool:
        letters = await sweep("dead_letter", f"last_at < now() - interval '{dead_letters.KEPT}'")
        # Longer than any job that could send or do them again is kept.
        mails = await sweep("mail_sent", "sent_at < now() - interval '200 days'")
        return await sweep("job_done", "done_at < now() - interval '200 days'") or mails or letters

    @every(timedelta(hours=6), name="sweep workers")
    async def workers_long_gone(_due: datetime) -> bool:
        return await sweep("worker_process", "seen_at < (SELECT max(seen_at) FROM worker_process) - interval '1 day'")
