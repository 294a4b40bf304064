"""Pages of other origins that may call us: those that CORS_ORIGINS names, and with a token alone.

A browser sends the cookies of whoever is signed in to any site that asks nicely; a token it never sends by itself. So
here a request from another origin has no cookies, whatever it came with, gets none, and is not told that it might
(`Access-Control-Allow-Credentials`). What comes by cookies is refused from other sites as ever.
"""

from litestar.types import HTTPScope, Scope

from app.core.page import header
from app.core.settings import Settings

PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "Authorization, Accept, Content-Type, Last-Event-ID, X-Request-ID",
    "access-control-max-age": "600",
}
# What a page may read of an answer beside what every page may.
EXPOSED = b"Retry-After, X-Request-ID"


def let_in(scope: Scope, settings: Settings) -> bool:
    """Whether this is a request with a token from a page of one of those origins."""
    return _origin(scope, settings) != "" and header(scope, b"authorization")[:7].lower() == "bearer "


def is_preflight(scope: Scope, settings: Settings) -> bool:
    """Whether a browser asks if a page of one of those origins may send such a request."""
    if scope["method"] != "OPTIONS" or not _origin(scope, settings):  # type: ignore[typeddict-item]
        return False
    wanted = [each.strip().lower() for each in header(scope, b"access-control-request-headers").split(",")]
    return header(scope, b"access-control-request-method") != "" and "authorization" in wanted


def without_cookies(scope: HTTPScope) -> HTTPScope:
    """The same request, as if it had come without."""
    kept = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    return {**scope, "headers": kept}


def headers(scope: Scope, settings: Settings, allowed: bool) -> list[tuple[bytes, bytes]]:
    """What every answer says beside its own, for caches and for the browser of a page that is `allowed` to read it."""
    if not settings.cors_origins:
        return []
    told = [(b"vary", b"Origin")]
    if allowed:
        told += [
            (b"access-control-allow-origin", _origin(scope, settings).encode()),
            (b"access-control-expose-headers", EXPOSED),
        ]
    return told


def _origin(scope: Scope, settings: Settings) -> str:
    """Where the request comes from, if that is one of those origins: compared as a whole, never by a part of it."""
    if not settings.cors_origins:
        return ""
    origin = header(scope, b"origin")
    return origin if origin in settings.cors_origins else ""
