"""Who is asking: the middleware that reads each request's tokens and lets nobody in who must be signed in."""

from collections.abc import Callable, Mapping
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.accounts import sessions, tokens
from app.accounts.sessions import Tokens
from app.accounts.views import Me
from app.core import i18n
from app.core.errors import Forbidden, Unauthorized
from app.core.i18n import _
from app.core.page import header, request_cookies
from app.core.settings import Settings


class Identify(ASGIMiddleware):
    """Sets `scope["user"]` to Me or None. A browser whose access token is over is renewed on the way, unseen.

    Whatever route is not marked public needs someone signed in. That is asked here and not by a guard: Litestar copies
    the handler for each guard of each request, a twentieth of what a send costs.
    """

    scopes = (ScopeType.HTTP, ScopeType.ASGI)

    def __init__(self, settings: Settings, ended: Callable[[int], None], needed: Mapping[str, str]) -> None:
        """`needed`: of each route the scope that a token needs, see `app/scopes.py`."""
        self.settings = settings
        self.ended = ended
        self.needed = needed

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        me = await self._person(scope)
        scope["user"] = me
        scope["auth"] = me.session if me else None
        if me is not None:
            i18n.use(i18n.Locale(me.language, me.time_zone))
            if me.scopes is not None:
                self._require_scope(scope, me.scopes)
        else:
            opt = scope["route_handler"].opt
            if not opt.get("public") and not opt.get("anonymous"):
                raise Unauthorized
        await next_app(scope, receive, send)

    def _require_scope(self, scope: Scope, scopes: frozenset[str]) -> None:
        """Raises Forbidden with the reason for what the token is not for; so for every route of which nobody said."""
        method: str = scope["method"]  # type: ignore[typeddict-item]
        needed = self.needed.get(f"{method} {scope['path_template']}", "account")
        if needed == "account":
            raise Forbidden(_("Access tokens cannot do this. Log in to do it."))
        if needed != "open" and needed not in scopes:
            raise Forbidden(_("This token cannot do that: it lacks the scope “%(scope)s”.") % {"scope": needed})

    async def _person(self, scope: Scope) -> Me | None:
        if scope["route_handler"].opt.get("anonymous"):
            return None
        given = header(scope, b"authorization")
        if given[:7].lower() == "bearer ":
            token = given[7:].strip()
            if token.startswith(tokens.PREFIX):
                return await tokens.person_of(self.settings, token)
            return await sessions.person_of(self.settings, token)
        cookies = request_cookies(scope)
        access, refresh = (
            cookies.get(cookie_name(self.settings, "access")),
            cookies.get(cookie_name(self.settings, "refresh")),
        )
        me = await sessions.person_of(self.settings, access) if access else None
        if me is None and refresh:
            renewed = await sessions.refresh(self.settings, refresh, self.ended)
            if renewed is None:
                # What goes on beside a page (a try of its outbox, its feed) may be answered after a new log-in, and
                # would take away the cookies of that one.
                if header(scope, b"sec-fetch-mode") in ("", "navigate"):
                    scope["state"]["cookies"] = signed_out(self.settings)
                return None
            scope["state"]["cookies"] = signed_in(self.settings, renewed)
            me = await sessions.person_of(self.settings, renewed.access)
        return me


def current_person(request: Request[Any, Any, Any], bell: object) -> Me:
    """The `me` that handlers take; raises Unauthorized when nobody is signed in.

    It names the bell, and the bell the settings, so that Litestar makes them one after the other: for two that do not
    depend on each other it starts a task group, which costs more than all three.
    """
    me = request.scope.get("user")
    if not isinstance(me, Me):
        raise Unauthorized
    return me


def cookie_name(settings: Settings, name: str) -> str:
    """With https `__Host-`: no other host of the domain can set it."""
    return f"__Host-{name}" if settings.secure else name


def signed_in(settings: Settings, tokens: Tokens) -> list[Cookie]:
    """The cookies that keep a browser signed in; scripts cannot read them."""
    lasts = int(sessions.LASTS.total_seconds())
    return [_cookie(settings, "access", tokens.access, lasts), _cookie(settings, "refresh", tokens.refresh, lasts)]


def signed_out(settings: Settings) -> list[Cookie]:
    return [_cookie(settings, "access", "", 0), _cookie(settings, "refresh", "", 0)]


def _cookie(settings: Settings, name: str, value: str, lasts: int) -> Cookie:
    return Cookie(
        cookie_name(settings, name),
        value=value,
        path="/",
        max_age=lasts,
        httponly=True,
        secure=settings.secure,
        samesite="lax",
    )


def client_address(request: Request[Any, Any, Any], settings: Settings) -> str:
    """Where a request comes from. X-Forwarded-For is believed for as many proxies as TRUSTED_PROXIES says, from the
    right: whatever stands further left was written by the client."""
    client = request.scope.get("client")
    direct = client[0] if client else "unknown"
    if settings.trusted_proxies:
        # All lines of that name: some proxies add a line of their own below the one that the client wrote.
        given = b",".join(value for name, value in request.scope["headers"] if name == b"x-forwarded-for")
        chain = [part.strip() for part in given.decode("latin-1").split(",") if part.strip()]
        if len(chain) >= settings.trusted_proxies:
            return chain[-settings.trusted_proxies][:60]
    return str(direct)
