"""`serve`: everything that one machine needs, as children of one parent.

The parent holds the listening sockets, so a web process that is killed loses no connection that waits: the next one
takes it. It imports what they all need, once, and does nothing else. The children get the address of the database as
DATABASE_URL and know nothing of an embedded one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from app.core import embedded, fork
from app.core.settings import Settings
from app.core.supervisor import CannotStartError, Process, Service, Supervisor, say

BACKLOG = 2048
EVERY_IPV4 = "0.0.0.0"  # noqa: S104 (a server for other people's browsers)
PROJECT = Path(__file__).parent.parent


Command = Callable[[Sequence[str]], int]


def serve(settings: Settings, command: Command, *, with_worker: bool) -> int:
    """Runs until told to stop; gives the exit code. `command` is what a child does with its arguments. Raises
    CannotStartError or OSError, with what to mend."""
    environment = os.environ | {"DATA_DIR": str(settings.data_dir)}  # absolute: the children work in another folder
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in listen(settings.port)]
        services = []
        if settings.database_url is None:
            cluster, postgres = _start_postgres(settings.data_dir, stack)
            services.append(postgres)
            environment["DATABASE_URL"] = cluster.dsn
        else:
            _import()

        def start(*arguments: str, keep: Sequence[int] = ()) -> Process:
            title = " ".join(("python -m app", *arguments))
            work = partial(command, arguments)
            return fork.fork(work, title=title, environment=environment, folder=PROJECT, keep=keep)

        # In production migrations are a step of their own, before several processes serve.
        check = ["--check"] if settings.database_url and settings.env == "production" else []
        code = start("migrate", *check).wait()
        if code != 0:  # it has said why
            return code
        ready, announce = os.pipe()
        fds = [each.fileno() for each in sockets]
        web = ["web", *(f"--fd={fd}" for fd in fds), f"--ready={announce}"]
        for number in range(settings.web_concurrency):
            services.append(Service(f"web {number + 1}", partial(start, *web, keep=(*fds, announce))))
        if with_worker:
            services.append(Service("worker", partial(start, "worker")))
        code = Supervisor(services, {ready: _when_all_answer(settings)}).run()
        say("stopped")
        return code


def _import() -> None:
    """Everything that a child needs."""
    import pgqueuer.queries  # noqa: F401 (the worker needs it at once, the web with its first job)

    import app.core.server
    import app.core.upkeep
    import app.main
    import app.worker  # noqa: F401

    fork.keep_imports()


def listen(port: int) -> list[socket.socket]:
    """Listening sockets on every address, of IPv6 too where there is any; raises CannotStartError if one is taken.

    One socket for each family, so that addresses of IPv4 look like themselves.
    """
    sockets = []
    try:
        for family, address in ((socket.AF_INET, EVERY_IPV4), (socket.AF_INET6, "::")):
            with contextlib.suppress(_NoSuchFamilyError):
                sockets.append(_listen(family, address, port))
    except BaseException:
        for each in sockets:
            each.close()
        raise
    return sockets


class _NoSuchFamilyError(Exception):
    """This machine does not speak it."""


def _listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _NoSuchFamilyError from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise _NoSuchFamilyError from error
        raise CannotStartError(_port_problem(port, error)) from error
    return listener


def _port_problem(port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is taken by another program. Choose another one: PORT={port % 65535 + 1} make run"
        case errno.EACCES:
            return f"port {port} is for root alone. Choose one above 1023: PORT=8000 make run"
    return f"port {port} cannot be used: {error.strerror}"


def _start_postgres(data_dir: Path, stack: contextlib.ExitStack) -> tuple[embedded.Cluster, Service]:
    cluster = embedded.prepare(data_dir)
    stack.callback(cluster.close)
    process = cluster.start()
    if process is not None:
        stack.callback(cluster.stop, process)
    _import()  # beside the start of Postgres
    if process is not None:
        cluster.wait_ready(process)
    return cluster, Service(
        "postgres",
        cluster.start,
        process,
        explain=cluster.complaint,
        stop_signal=signal.SIGINT,  # fast: without waiting for its clients
        abort_signal=signal.SIGQUIT,
        last=True,
    )


def _when_all_answer(settings: Settings) -> Callable[[bytes], None]:
    """What reads the pipe on which each web process says that it answers; after the last it tells the operator."""
    waiting = settings.web_concurrency

    def heard(told: bytes) -> None:
        nonlocal waiting
        before, waiting = waiting, waiting - len(told)
        if waiting <= 0 < before:
            print(_welcome(settings), flush=True)

    return heard


def _welcome(settings: Settings) -> str:
    days = settings.message_retention_days
    kept = f"are permanently deleted after {days} days; MESSAGE_RETENTION_DAYS=0 keeps them" if days else "are kept"
    lines = [f"Causerie is running: {settings.base_url}", "", f"  Messages {kept} forever."]
    if settings.env == "development":
        lines += [
            "  Open it in a browser. The first person to sign up becomes the administrator.",
            "  To fill it with people, rooms and messages, run `make demo` in another terminal.",
            "  Press Ctrl-C to stop it.",
        ]
    return "\n".join(lines)
