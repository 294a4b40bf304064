"""Work that runs by itself waits for a database that is away, and says so now and then: a line a second from each of a
dozen loops would fill a disk in a night."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from app.core import database

EVERY = 60.0
log = structlog.get_logger()
_said: dict[tuple[str, str], float] = {}


@contextmanager
def patience(what: str) -> Iterator[None]:
    """Work inside that fails for the database is left, to be tried again by whoever calls: `what` does it then, such as
    "mails wait". Everything else is raised."""
    try:
        yield
    except database.FAILED as error:
        say_waiting(what, error)


def say_waiting(what: str, error: BaseException) -> None:
    """Logs that `what` happens to work for the database, at most once a minute for each kind of error."""
    kind, now = type(error).__name__, time.monotonic()
    if now - _said.get((what, kind), -EVERY) >= EVERY:
        _said[what, kind] = now
        log.warning(f"{what} for the database", error=kind)
