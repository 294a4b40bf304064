"""What the worker does, for administrators: what waits, what was given up, what comes round."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import Parameter

from app.accounts.views import Me
from app.core import database, dead_letters, jobs, limits, workers
from app.core.dead_letters import DeadLetter
from app.core.errors import NotFound
from app.core.page import Page
from app.core.settings import Settings
from app.notifications import given_up
from app.notifications.given_up import LateMails

Before = Annotated[int | None, Parameter(ge=0, le=2**62)]
Limit = Annotated[int, Parameter(ge=1, le=100)]
Number = Annotated[int, Parameter(le=2**62)]


class TaskView(msgspec.Struct):
    """Work that comes round. Due in the past: it waits for a worker. Of `failures` in a row, `error` is the last."""

    name: str
    due_at: datetime
    done_at: datetime | None
    failures: int
    error: str | None


class JobsView(msgspec.Struct):
    """`waiting` could be done now, the oldest since `waiting_since`; `in_work` are with a worker; `later` wait for
    their time or their next try. `late_mails` are those about notifications that should have gone, null while all is
    well. `letters` are the jobs that were given up, the newest first, `next` the `before` that
    shows those behind; `dead` counts all of them."""

    waiting: int
    waiting_since: datetime | None
    in_work: int
    later: int
    late_mails: LateMails | None
    worker_seen_at: datetime | None
    worker_lives: bool
    dead: int
    letters: list[DeadLetter]
    next: int | None
    tasks: list[TaskView]
    message_retention_days: int


def _require_admin(me: Me) -> None:
    """Raises NotFound: what is for administrators is not there for others."""
    if not me.is_admin:
        raise NotFound


@get("/admin/jobs")
async def index(me: Me, settings: Settings, before: Before = None, limit: Limit = 50) -> Page[JobsView]:
    """What waits, what was given up and what comes round; administrators alone."""
    _require_admin(me)
    async with database.one_connection():
        (counted,) = await database.fetch(
            """
            SELECT count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()) AS waiting,
                   min(greatest(created, execute_after))
                       FILTER (WHERE status = 'queued' AND execute_after <= now()) AS waiting_since,
                   count(*) FILTER (WHERE status = 'picked') AS in_work,
                   count(*) FILTER (WHERE status = 'queued' AND execute_after > now()) AS later,
                   (SELECT count(*) FROM dead_letter) AS dead
            FROM pgqueuer
            """
        )
        seen_at, lives = await workers.last_seen()
        late_mails = await given_up.late()
        letters = await dead_letters.listed(before, limit + 1)
        tasks = await database.fetch(
            "SELECT name, due_at, done_at, failures, error FROM periodic_task ORDER BY failures = 0, name"
        )
    view = JobsView(
        **dict(counted),
        late_mails=late_mails,
        worker_seen_at=seen_at,
        worker_lives=lives,
        letters=letters[:limit],
        next=letters[limit - 1].id if len(letters) > limit else None,
        tasks=[TaskView(**dict(task)) for task in tasks],
        message_retention_days=settings.message_retention_days,
    )
    return Page("admin/jobs.html", view)


@post("/admin/jobs/tries", status_code=204)
async def try_all(me: Me, settings: Settings) -> Page[None]:
    """Every job that was given up is tried again, as often as a new one."""
    return await _again(None, me, settings)


@post("/admin/jobs/{letter_id:int}/tries", status_code=204)
async def try_one(letter_id: Number, me: Me, settings: Settings) -> Page[None]:
    """A job that was given up is tried again, as often as a new one."""
    return await _again(letter_id, me, settings)


@delete("/admin/jobs/{letter_id:int}", status_code=204)
async def drop(letter_id: Number, me: Me, settings: Settings) -> Page[None]:
    """A job that was given up is dropped: nobody will do it."""
    _require_admin(me)
    limits.WRITES.spend(settings, me.id)
    await dead_letters.take(letter_id)
    return Page("admin/jobs.html", None, status=204, see_other="/admin/jobs", flash="job-dropped")


async def _again(letter: int | None, me: Me, settings: Settings) -> Page[None]:
    _require_admin(me)
    limits.WRITES.spend(settings, me.id)
    async with database.transaction():  # it is a dead letter or a job, whatever happens
        await jobs.enqueue(*await dead_letters.take(letter))
    return Page("admin/jobs.html", None, status=204, see_other="/admin/jobs", flash="job-tried")


HANDLERS = [index, try_all, try_one, drop]
