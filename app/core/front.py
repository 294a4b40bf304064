"""The front door: what is true of every request, before any route is looked for.

It gives the request an id and logs it, refuses what no handler should ever see (foreign sites, huge bodies, foreign
charsets), turns plain forms into the JSON that the handlers take, and puts the security headers on every answer.
"""

import asyncio
import re
import time
import unicodedata
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import msgspec
import structlog
from litestar import Litestar, Request
from litestar.enums import HttpMethod, ScopeType
from litestar.routes import ASGIRoute, HTTPRoute
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Message, Receive, Scope, Send
from litestar.utils import normalize_path

from app.core import cors, errors, i18n, problems
from app.core.i18n import _
from app.core.page import header, path_without_secrets, request_cookies, write
from app.core.settings import Settings
from app.core.uploads import is_upload

LARGEST_BODY = 64 * 1024
SECONDS_FOR_BODY = 20
MOST_FIELDS = 200
LONGEST_TARGET = 8 * 1024
MOST_PARAMETERS = 20
SAFE = ("GET", "HEAD", "OPTIONS")
SIGNED_IN = ("access", "refresh", "__Host-access", "__Host-refresh")
FORM = "application/x-www-form-urlencoded"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")

log = structlog.get_logger()
_json = msgspec.json.Encoder()


def security_headers(settings: Settings) -> list[tuple[bytes, bytes]]:
    """Headers for every answer: nothing inline runs, nothing from elsewhere loads, nobody frames us."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'; "
        "worker-src 'self'"
    )
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "x-frame-options": "DENY",
    }
    if settings.secure:
        headers["strict-transport-security"] = "max-age=31536000"
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def front_door(app: Litestar, inner: ASGIApp, settings: Settings) -> ASGIApp:
    """`inner` (the routes of `app`) behind the door."""
    always = security_headers(settings)
    quiet = ("/static/", "/health")
    streams = {route.path for route in app.routes if isinstance(route, ASGIRoute)}
    uploads, from_anywhere = _routes_with(app, "upload"), _routes_with(app, "from_anywhere")
    by_token = _routes_with(app, "by_token")

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await inner(scope, receive, send)
            return
        started = time.perf_counter()
        elsewhere = cors.let_in(scope, settings)
        if elsewhere:
            scope = cors.without_cookies(scope)
        given = header(scope, b"x-request-id")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {}).update(request_id=request_id)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        cookies = request_cookies(scope)
        language = i18n.choose_language(cookies.get("language"), header(scope, b"accept-language"))
        i18n.use(i18n.Locale(language, settings.time_zone))
        crossing = cors.headers(scope, settings, allowed=elsewhere or cors.is_preflight(scope, settings))
        sender = _with_headers(scope, send, [*always, (b"x-request-id", request_id.encode())], crossing, elsewhere)
        if cors.is_preflight(scope, settings):
            await write(scope, sender, 204, cors.PREFLIGHT, b"")
            return
        path = normalize_path(scope["path"])  # as the router does it: //live/ is /live
        streaming = path in streams
        if scope["method"] == "HEAD" and not streaming:
            scope["state"]["head"] = True  # for what would be costly to make
            scope = {**scope, "method": HttpMethod.GET}  # the server, which knows that it was HEAD, sends no body
        try:
            if scope["method"] != "GET" and streaming:
                raise NotAllowed
            by_cookie = any(name in cookies for name in SIGNED_IN)
            if from_anywhere.fullmatch(path):
                scope["state"]["from_program"] = True
            scope["state"]["by_token"] = by_token.fullmatch(path) is not None
            receive = await admit(scope, receive, settings, by_cookie, takes_files=uploads.fullmatch(path) is not None)
        except errors.DomainError as error:
            await _refuse(app, scope, receive, sender, error)
        else:
            try:
                await inner(scope, receive, sender)
            except Exception as error:  # the page that tells of an error failed itself
                if "status" in scope["state"]:
                    raise
                await _refuse(app, scope, receive, sender, error)
        if not scope["path"].startswith(quiet):
            user = scope.get("user")
            log.info(
                "request",
                method=scope["method"],
                path=path_without_secrets(scope),  # never the query: a reset link carries its token there
                status=scope["state"].get("status"),
                ms=round((time.perf_counter() - started) * 1000, 1),
                person=user.id if user else None,
            )

    return enter


def _routes_with(app: Litestar, option: str) -> re.Pattern[str]:
    """Matches the paths of handlers that have that option; of none, nothing."""
    return re.compile(
        "|".join(
            re.sub(r"\{[^}]*\}", "[^/]+", route.path)
            for route in app.routes
            if isinstance(route, HTTPRoute) and any(handler.opt.get(option) for handler in route.route_handlers)
        )
        or "(?!)"
    )


class NotAllowed(errors.DomainError):
    """The address is for reading only."""

    status = 405


def _with_headers(
    scope: Scope,
    send: Send,
    headers: list[tuple[bytes, bytes]],
    more: list[tuple[bytes, bytes]],
    no_cookies: bool,
) -> Send:
    """Adds `headers`, unless the answer says them itself, and `more` beside whatever it says."""

    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            scope["state"]["status"] = message["status"]
            extra = [(b"set-cookie", c.to_header(header="").encode()) for c in scope["state"].get("cookies", ())]
            said = {name for name, _value in message["headers"]}  # a page may be stricter than the house
            own = [*message["headers"], *(pair for pair in headers if pair[0] not in said), *extra]
            kept = [pair for pair in own if pair[0] != b"set-cookie"] if no_cookies else own
            message["headers"] = [*kept, *more]
        await send(message)

    return sender


async def _refuse(app: Litestar, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
    scope["litestar_app"] = app
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    response = problems.handle(request, error)
    await response.to_asgi_response(app=None, request=request)(scope, receive, send)


async def admit(
    scope: HTTPScope, receive: Receive, settings: Settings, by_cookie: bool, takes_files: bool = False
) -> Receive:
    """Checks a request and gives the `receive` to go on with; raises a DomainError for what is not let in.

    A file is let through unread to a handler that `takes_files` and bounds it, see `core/uploads`."""
    path = scope["path"]
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET:
        raise errors.BadRequest(_("This URL is too long."))
    if scope["query_string"].count(b"&") >= MOST_PARAMETERS:
        raise errors.BadRequest(_("This URL has too many parameters."))
    if "\ufffd" in path or (not path.isprintable() and any(unicodedata.category(c) == "Cc" for c in path)):
        raise errors.NotFound
    if scope["method"] in SAFE:
        return receive
    # A secret of its own lets a program in, and no cookie; likewise the token in a link, for whoever has it.
    if not scope["state"].get("from_program") and not scope["state"].get("by_token"):
        _refuse_other_sites(scope, settings, by_cookie)
    kind, _sep, parameters = header(scope, b"content-type").lower().partition(";")
    kind = kind.strip()
    if takes_files and is_upload(kind):
        scope["state"].update(input={}, from_form=kind == "multipart/form-data")
        _override_method(scope)
        return receive
    try:
        async with asyncio.timeout(SECONDS_FOR_BODY):
            body = await _read(scope, receive)
    except TimeoutError as error:
        raise errors.BadRequest(_("This took too long to arrive.")) from error
    if scope["state"].get("from_program"):
        scope["state"]["raw"] = body  # as it was signed
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]+)", parameters)
    # A client may name any codec of Python's; some take seconds for 64 KB (punycode) and would stall everyone.
    if charset and charset[1] not in ("utf-8", "utf8"):
        raise errors.UnsupportedType(_("Send the text as UTF-8."))
    if body and kind == FORM:
        body = _form_as_json(scope, body)
    elif body and kind not in ("application/json", ""):
        raise errors.UnsupportedType(_("Send a form or JSON."))
    elif not body:
        body = b"{}"  # every handler that takes data has defaults, so an empty body names the fields that lack
        scope["state"]["input"] = {}
    else:
        _remember(scope, body)
    if kind in (FORM, ""):
        _override_method(scope)
    _replace_header(scope, b"content-length", str(len(body)).encode())
    _replace_header(scope, b"content-type", b"application/json")
    return _replay(body, receive)


def _override_method(scope: HTTPScope) -> None:
    """A form can only post; where it means another method its address says so."""
    override = re.search(rb"(?:^|&)_method=(put|patch|delete)(?:&|$)", scope["query_string"], re.IGNORECASE)
    if override and scope["method"] == "POST":
        scope["method"] = HttpMethod(override[1].decode().upper())


def _refuse_other_sites(scope: HTTPScope, settings: Settings, by_cookie: bool) -> None:
    """Refuses a write that another site made the browser send.

    Browsers say where a request comes from (Sec-Fetch-Site; Origin in older ones) and pages cannot forge that. A
    request that has cookies and says neither is refused too, unless it is of a program that keeps cookies as it goes:
    no page can make a browser send JSON, or an Authorization, to another site without asking first, and naming itself.
    Those that CORS_ORIGINS names are let in, by a token: see `cors`.
    """
    if cors.let_in(scope, settings):
        return
    site = header(scope, b"sec-fetch-site")
    origin = header(scope, b"origin")
    if site:
        allowed = site in ("same-origin", "none")
    elif origin:
        allowed = origin == settings.base_url or _is_here(origin, scope, settings)
    else:
        sends_json = header(scope, b"content-type").partition(";")[0].strip().lower() == "application/json"
        allowed = not by_cookie or sends_json or header(scope, b"authorization")[:7].lower() == "bearer "
    if not allowed:
        raise errors.Forbidden(_("This request came from another site, so it was rejected."))


def _is_here(origin: str, scope: HTTPScope, settings: Settings) -> bool:
    """Whether the page is of the very host that was asked: an instance may be reached by several names."""
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    schemes = ("https",) if settings.secure else ("http", "https")
    return page.scheme in schemes and bool(page.netloc) and page.netloc == header(scope, b"host")


async def _read(scope: HTTPScope, receive: Receive) -> bytes:
    """The body; raises TooLarge as soon as it is known to be over 64 KB."""
    too_large = errors.TooLarge(_("You can send at most 64 KB at once."))
    announced = header(scope, b"content-length")
    if announced and (not announced.isdecimal() or len(announced) > 12 or int(announced) > LARGEST_BODY):
        raise too_large
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise errors.BadRequest
        chunks.append(message["body"])
        size += len(message["body"])
        if size > LARGEST_BODY:
            raise too_large
        if not message["more_body"]:
            return b"".join(chunks)


def _form_as_json(scope: HTTPScope, body: bytes) -> bytes:
    """The fields of a form as a JSON object; a field that comes twice becomes a list."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except (UnicodeError, ValueError) as error:
        raise errors.BadRequest(_("The request is malformed.")) from error
    fields: dict[str, Any] = {}
    for name, value in pairs:
        # Browsers send line breaks of a text area as CRLF (HTML, form submission); people typed one.
        typed = value.replace("\r\n", "\n")
        if name not in fields:
            fields[name] = typed
        elif isinstance(fields[name], list):
            fields[name].append(typed)
        else:
            fields[name] = [fields[name], typed]
    scope["state"].update(input=fields, from_form=True)
    return _json.encode(fields)


def _remember(scope: HTTPScope, body: bytes) -> None:
    """Keeps a JSON object for the answer to a refused request; what is no JSON is refused now."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise errors.BadRequest(_("The request is malformed.")) from error
    if not isinstance(found, dict):
        raise errors.BadRequest(_("The request is malformed."))
    scope["state"]["input"] = found


def _replace_header(scope: HTTPScope, name: bytes, value: bytes) -> None:
    kept = [(key, old) for key, old in scope["headers"] if key != name]
    scope["headers"] = [*kept, (name, value)]
    scope["state"].pop("headers", None)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> HTTPReceiveMessage | Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
