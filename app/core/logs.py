"""Structured logs on stderr: lines for people in development, JSON in production. No secret is ever passed to them."""

import logging
import re
import sys
from functools import lru_cache
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
        _printable,
    ]
    if env == "production":
        shared += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_dumps)]
    elif sys.stderr.isatty():
        # The richer formatters print local variables, keys and passwords among them.
        plain = structlog.dev.plain_traceback
        shared += [structlog.dev.ConsoleRenderer(sort_keys=False, exception_formatter=plain)]
    else:
        shared += [structlog.processors.format_exc_info, _line]
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s", force=True)


def _line(_logger: Any, _method: str, event: Any) -> str:
    """A line for people, without colours: at a tenth of what structlog's own takes for one."""
    moment, level, name = event.pop("timestamp"), event.pop("level"), event.pop("event")
    trace = event.pop("exception", None)
    rest = " ".join([f"{key}={value}" for key, value in event.items()])
    line = f"{moment} [{level:<9}] {name:<30} {rest}"
    return f"{line}\n{trace}" if trace else line


def _without_secrets(_logger: Any, _method: str, event: Any) -> Any:
    for key in event:
        if _is_secret(key):
            event[key] = "(hidden)"
    return event


@lru_cache(maxsize=500)
def _is_secret(key: str) -> bool:
    return _SECRET.search(key) is not None


def _printable(_logger: Any, _method: str, event: Any) -> Any:
    """An address may hold line breaks and escapes: it must not write lines of its own, or paint the terminal."""
    for key, value in event.items():
        if type(value) is str and not value.isprintable():
            event[key] = value.encode("unicode_escape").decode()
    return event


def _dumps(value: Any, **_: Any) -> str:
    return _json.encode(value).decode()
