"""Tables that know nothing of chat."""

from piccolo.columns import UUID, BigSerial, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table


class RateLimit(Table, tablename="rate_limit"):
    """How often something was tried in the present window; unlogged, for a crash may forget it."""

    key = Text(primary_key=True)
    tries = Integer()
    window_ends = Timestamptz()


class DeadLetter(Table, tablename="dead_letter"):
    """A job that was given up after all its tries, as it was: an administrator may run it again."""

    id = BigSerial(primary_key=True)
    job = Text()
    payload = Bytea()
    # The name of the error alone: its words may quote addresses.
    error = Text()
    tries = Integer()
    first_at = Timestamptz()
    last_at = Timestamptz()


class PeriodicTask(Table, tablename="periodic_task"):
    """When a piece of work that comes round is next due, and how it went."""

    name = Text(primary_key=True)
    due_at = Timestamptz()
    done_at = Timestamptz(null=True, default=None)
    failures = Integer(default=0)
    error = Text(null=True, default=None)


class WorkerProcess(Table, tablename="worker_process"):
    """A worker that said lately that it lives."""

    id = UUID(primary_key=True)
    seen_at = Timestamptz()


class MailSent(Table, tablename="mail_sent"):
    """A mail that its server has taken, by a digest of the key of what it tells: it is not sent again."""

    key = Text(primary_key=True)
    sent_at = Timestamptz()


class JobDone(Table, tablename="job_done"):
    """A job, by its key, whose work is done and committed: a second run does nothing."""

    key = Text(primary_key=True)
    done_at = Timestamptz()
