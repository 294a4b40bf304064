"""The command line: python -m app serve | worker | migrate | demo | import | verify (and `web`: one web process, which
`serve` starts).

What an operator can mend is said in a line or two on stderr, with exit code 2. Heavy packages are imported where they
are used: a wrong setting is told at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app import serving
from app.core import embedded
from app.core.settings import Settings, SettingsError, load
from app.core.supervisor import WRONG_CONFIGURATION, CannotStartError, say


def main(arguments: Sequence[str]) -> int:
    """Runs one command; gives the exit code: 0, 2 when something must be mended first, or
    1 from a worker whose database is away: starting it again may be enough."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "verify" and options.key:  # on any machine, without a Causerie
            return _verify(options.file, options.key)
        return _run(options, load(os.environ))
    except (SettingsError, CannotStartError, OSError) as error:
        say(str(error))
        return WRONG_CONFIGURATION
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app", description="Causerie: messaging that never loses a message."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the web on PORT, with the worker and the embedded Postgres")
    serve.add_argument("--web-only", action="store_true", help="no worker: it runs elsewhere")
    commands.add_parser("worker", help="run the background jobs")
    migrate = commands.add_parser("migrate", help="migrate the database")
    migrate.add_argument("--check", action="store_true", help="change nothing, only check whether it is up to date")
    demo = commands.add_parser("demo", help="fill a new instance with people, rooms and messages")
    demo.add_argument("--scale", type=float, default=1.0, help="2 makes about twice as many messages (default: 1)")
    verify = commands.add_parser("verify", help="verify that an archive of an export is authentic and complete")
    verify.add_argument("file", help="the ZIP file, as received; exit code 0: authentic, 1: not, 2: cannot be verified")
    verify.add_argument("--key", help="the public key to verify with (PEM, or a file), instead of this Causerie's own")
    bring = commands.add_parser("import", help="import a conversation from its JSON, as a new group")
    bring.add_argument("file", type=Path, help="the JSON of an export, or an archive that contains it")
    bring.add_argument("--owner", metavar="USERNAME", help="who owns the group (default: the first administrator)")
    bring.add_argument("--title", help="its title (default: the title in the file)")
    bring.add_argument(
        "--map", type=Path, metavar="FILE", help="who is who: one line each, the username there, then the one here"
    )
    bring.add_argument(
        "--match-usernames", action="store_true", help="people with the same username are the same person"
    )
    bring.add_argument("--again", action="store_true", help="even if it was imported before")
    web = commands.add_parser("web")  # no help: for `serve` alone
    web.add_argument("--fd", type=int, action="append", required=True)
    web.add_argument("--ready", type=int)
    return parser


def _run(options: argparse.Namespace, settings: Settings) -> int:
    match options.command:
        case "serve":
            return serving.serve(settings, main, with_worker=not options.web_only)
        case "web":
            _web(settings, options.fd, options.ready)
        case "worker":
            return _worker(settings)
        case "migrate":
            _migrate(settings, only_check=options.check)
        case "demo":
            _demo(settings, options.scale)
        case "verify":
            with _database(settings) as dsn:
                return _verify(options.file, dsn=dsn)
        case "import":
            _import(settings, options)
    return 0


def _web(settings: Settings, fds: list[int], ready: int | None) -> None:
    from app.core import server
    from app.main import create_app

    app = create_app(settings)

    def end_streams() -> None:
        if "hub" in app.state:  # not yet, when the signal comes during the start
            app.state.hub.close_all()

    server.serve(app, [socket.socket(fileno=fd) for fd in fds], end_streams, ready)


def _worker(settings: Settings) -> int:
    from app import worker
    from app.core import upkeep

    with _database(settings) as dsn:
        try:
            asyncio.run(upkeep.require_up_to_date(dsn))
            _until_stopped(worker.run(replace(settings, database_url=dsn)))
        except (upkeep.NotNowError, OSError) as error:
            # Whoever started it starts it again; as WRONG_CONFIGURATION this would end the web servers beside it.
            say(str(error))
            return 1
    return 0


def _migrate(settings: Settings, *, only_check: bool) -> None:
    from app.core import upkeep

    if settings.channels_url:
        asyncio.run(upkeep.require_channels(settings.channels_url))
    with _database(settings) as dsn:
        if only_check:
            asyncio.run(upkeep.require_up_to_date(dsn))
        else:
            for name in asyncio.run(upkeep.migrate(dsn)):
                say(f"applied migration {name}")


def _demo(settings: Settings, scale: float) -> None:
    from app import demo
    from app.core import upkeep

    with _database(settings) as dsn:
        asyncio.run(upkeep.migrate(dsn))
        _until_stopped(demo.fill(replace(settings, database_url=dsn), dsn, scale))


def _verify(file: str, key: str = "", dsn: str = "") -> int:
    from app.exports import asked

    return asked.verify(file, key, dsn, os.environ.get("LANG", ""))


def _import(settings: Settings, options: argparse.Namespace) -> None:
    from app.core import upkeep
    from app.exports import importing

    names = importing.read_names(options.map) if options.map else {}
    wish = importing.Wish(options.owner, options.title, names, options.match_usernames, options.again)
    with _database(settings) as dsn:
        asyncio.run(upkeep.require_up_to_date(dsn))
        _until_stopped(importing.from_command_line(dsn, settings.message_retention_days, options.file, wish))


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[str]:
    if settings.database_url:
        yield settings.database_url
    else:
        with embedded.running(settings.data_dir) as dsn:
            yield dsn


def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Runs to the end, or until SIGTERM or SIGINT cancels it: then `work` may still tidy up."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
