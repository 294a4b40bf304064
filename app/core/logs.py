"""Structured logs on stderr: lines for people in development, JSON in production. No secret is ever passed to them."""

import logging
import sys
from typing import Any

import msgspec
import structlog

_json = msgspec.json.Encoder(enc_hook=str)
# A field of one of these names never reaches a log, whoever passes it by mistake.
SECRET = ("password", "token", "secret", "cookie", "authorization", "dsn", "email")


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
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                sort_keys=False,
                # The richer formatters print local variables, keys and passwords among them.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s", force=True)


def _without_secrets(_logger: Any, _method: str, event: Any) -> Any:
    for key in list(event):
        if any(word in key.lower() for word in SECRET):
            event[key] = "(hidden)"
    return event


def _dumps(value: Any, **_: Any) -> str:
    return _json.encode(value).decode()
