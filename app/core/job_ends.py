"""How PgQueuer's jobs end here: nothing makes a job go but its work being done (or its being given up, by us)."""

from datetime import timedelta

from pgqueuer.models import Job, TracebackRecord
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries
from pgqueuer.types import JOB_STATUS, QueueEntrypoint, QueueManagerId


class Ends(Queries):
    """PgQueuer's statements, but for those that end jobs and find those whose worker died.

    A job whose worker died is a try that failed: one that kills its workers must not do so for ever.

    PgQueuer deletes a job as well when its task was cancelled (a worker that is told to stop in the midst of it), and
    when its next try could not be written down (the database was away): both would lose it.
    """

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        await self.driver.execute(
            """
            UPDATE pgqueuer SET status = 'queued', queue_manager_id = NULL, attempts = attempts + 1, updated = now()
            WHERE id = ANY(ARRAY(
                SELECT id FROM pgqueuer WHERE status = 'picked' AND heartbeat < now() - $1::interval
                FOR UPDATE SKIP LOCKED
            ))
            """,
            heartbeat_timeout,
        )
        return await super().dequeue(
            batch_size, entrypoints, queue_manager_id, global_concurrency_limit, heartbeat_timeout
        )

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]) -> None:
        done = [each for each in job_status if each[1] == "successful"]
        if done:
            await super().log_jobs(done)
        stopped = [job.id for job, status, _trace in job_status if status == "canceled"]
        if stopped:
            await self.driver.execute(
                """
                UPDATE pgqueuer SET status = 'queued', queue_manager_id = NULL, updated = now()
                WHERE id = ANY($1) AND status = 'picked'
                """,
                stopped,
            )
        # Any other one stays picked, without a sign of life from now on: it is taken up again.
