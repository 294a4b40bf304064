"""Structured logs on stderr: lines for people in development, JSON in production. No secret is ever passed to them."""

import logging
import re
import sys
from typing import Any

import msgspec
import structlog

_json = msgspec.json.Encoder(enc_hook=str)
# A field of one of these names never reaches a log, whoever passes it by mistake.
_SECRET = re.compile("password|token|secret|cookie|authorization|dsn|email", re.IGNORECASE)


def configure(env: str, level: str) -> None:
    """Sets up structlog and sends the standard library's loggers the same way."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_secrets,
    ]
    if env == "production":
        shared += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_dumps)]
    else:
        shared += [
            _console(
                structlog.dev.ConsoleRenderer(
                    colors=sys.stderr.isatty(),
                    sort_keys=False,
                    # The richer formatters print local variables, keys and passwords among them.
                    exception_formatter=structlog.dev.plain_traceback,
                )
            )
        ]
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s", force=True)


def _console(renderer: Any) -> Any:
    """Lines for people. Away from a terminal, that of a request is put together here: at a tenth of the cost."""
    coloured = sys.stderr.isatty()

    def render(logger: Any, method: str, event: Any) -> Any:
        if coloured or event["event"] != "request":
            return renderer(logger, method, event)
        moment, level, name = event.pop("timestamp"), event.pop("level"), event.pop("event")
        rest = " ".join([f"{key}={value}" for key, value in event.items()])
        return f"{moment} [{level:<9}] {name:<30} {rest}"

    return render


def _without_secrets(_logger: Any, _method: str, event: Any) -> Any:
    for key in event:
        if _SECRET.search(key):
            event[key] = "(hidden)"
    return event


def _dumps(value: Any, **_: Any) -> str:
    return _json.encode(value).decode()
