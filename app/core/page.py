"""One answer, many representations.

A handler returns `Page(template, view)`; the format is chosen last: `Accept: application/json` gives the view itself,
an htmx request its partial, anything else the whole page. The view struct is the template's context and the JSON alike.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.types import ASGIApp, Receive, Scope, Send
from markupsafe import Markup

from app.core import i18n
from app.core.templates import environment

T = TypeVar("T")
Shape = Literal["json", "partial", "page"]
# What surrounds a whole page (the sidebar of a person): the composition root says how it is found.
Shell = Callable[[Scope], Awaitable[Mapping[str, Any]]]
# What is put into a page or a partial last, and is the reader's own; see there likewise.
Finish = Callable[[bytes, Any], Awaitable[bytes]]
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Form:
    """What someone typed and what is wrong with it, so that a refused form comes back as it was."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    message: str = ""


def header(scope: Scope, name: bytes) -> str:
    """A request header, empty when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def path_without_secrets(scope: Scope) -> str:
    """The path, for the log: a code or a secret in it lets its holder in somewhere. Of what other programs post it is
    the last part, and that is known before the route is, for what is refused at the door."""
    path: str = scope["path"]
    if scope.get("state", {}).get("from_program"):
        return path.rstrip("/").rpartition("/")[0] + "/(hidden)"
    code = scope.get("path_params", {}).get("code")
    return path.replace(code, "(hidden)") if code else path


def shape_wanted(scope: Scope) -> Shape:
    """What the client can use: JSON for those who ask for it (or who speak it and do not mind), else HTML."""
    if scope.get("state", {}).get("from_program"):  # whatever it says: nobody looks at it
        return "json"
    accept = header(scope, b"accept")
    if "text/html" in accept:
        return "partial" if header(scope, b"hx-request") == "true" else "page"
    # Who wants a stream has no use for a page in its place, least of all for one to log in.
    if any(kind in accept for kind in ("application/json", "application/problem+json", "text/event-stream")):
        return "json"
    if header(scope, b"hx-request") == "true":
        return "partial"
    is_program = header(scope, b"authorization")[:7].lower() == "bearer "
    speaks_json = is_program or header(scope, b"content-type").startswith("application/json")
    return "json" if speaks_json and not scope.get("state", {}).get("from_form") else "page"


class Page(Response[T]):
    """An answer with a view; `see_other` is where a plain form goes after its work, `extra` is for templates alone.

    `pieces` are too: HTML that is made already, by name, for one place each. It goes in when all else is bytes, for a
    template would copy most of a page five times."""

    def __init__(
        self,
        template: str,
        view: T,
        *,
        partial: str | None = None,
        status: int = 200,
        see_other: str | None = None,
        flash: str | None = None,
        form: Form | None = None,
        extra: Mapping[str, Any] | None = None,
        pieces: Mapping[str, bytes] | None = None,
        headers: dict[str, str] | None = None,
        cookies: list[Cookie] | None = None,
    ) -> None:
        super().__init__(content=view, status_code=status)
        self.template = template
        self.partial = partial
        self.see_other = see_other
        self.flash = flash
        self.form = form or Form()
        self.extra = extra or {}
        self.pieces = {name: piece for name, piece in (pieces or {}).items() if piece}
        self.extra_headers = headers or {}
        self.set_cookies = cookies or []

    def to_asgi_response(self, request: Request[Any, Any, Any], **_: Any) -> ASGIApp:  # type: ignore[override]
        return self.answer

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Writes the representation that the request asked for."""
        shape = shape_wanted(scope)
        status, headers, body = self.status_code or 200, dict(self.extra_headers), b""
        cookies = list(self.set_cookies)
        # Only what is ASCII may stand in a header; what is escaped already stays so.
        there = quote(self.see_other, safe="/:?#[]@!$&'()*+,;=%~") if self.see_other is not None else None
        if shape == "json":
            problem = status >= 400
            headers["content-type"] = "application/problem+json" if problem else "application/json"
            body = b"" if status == 204 else _encoder.encode(self.content)
        elif there is not None and (shape == "page" or self.partial is None):
            # A plain form moves on by 303. htmx has no partial to swap here, so it is told to go there.
            if shape == "page":
                status, headers["location"] = 303, there
            else:
                status, headers["hx-redirect"] = 200, there
            if self.flash:
                cookies.append(_flash_cookie(scope, self.flash, 60))
        else:
            headers["content-type"] = "text/html; charset=utf-8"
            status = 200 if status == 204 else status
            body = await self._html(scope, shape, cookies)
        await write(scope, send, status, headers, body, cookies)

    async def _html(self, scope: Scope, shape: Shape, cookies: list[Cookie]) -> bytes:
        context: dict[str, Any] = {
            "view": self.content,
            "form": self.form,
            "me": scope.get("user"),
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "locale": i18n.current(),
            "shell": None,
            "flash": None,
            "finish": scope["litestar_app"].state.get("finish"),
            "heartbeat": scope["litestar_app"].state.settings.heartbeat_seconds,
            **self.extra,
            **{name: _mark(name) for name in self.pieces},
        }
        if shape == "partial" and self.partial:
            return await self._render(self.partial, context)
        shell: Shell | None = scope["litestar_app"].state.get("shell")
        # What failed may be the very thing that the surroundings are made of.
        if shell is not None and scope.get("user") is not None and (self.status_code or 200) < 500:
            context["shell"] = await shell(scope)
        request_cookies = _cookies(scope)
        if "flash" in request_cookies:
            context["flash"] = request_cookies["flash"]
            cookies.append(_flash_cookie(scope, "", 0))
        return await self._render(self.template, context)

    async def _render(self, template: str, context: dict[str, Any]) -> bytes:
        made = environment(i18n.current().language).get_template(template).render(context).encode()
        for name, piece in self.pieces.items():
            # In the first place alone: what someone typed into a form, which comes back below, may look like another.
            made = made.replace(_mark(name).encode(), piece, 1)
        finish: Finish | None = context["finish"]
        return await finish(made, context["me"]) if finish is not None and context["me"] is not None else made


def _mark(name: str) -> Markup:
    """Where a piece goes. No text that is stored, and no address, holds it."""
    return Markup(f"\0{name}\0")


def _flash_cookie(scope: Scope, value: str, lasts: int) -> Cookie:
    secure: bool = scope["litestar_app"].state.settings.secure
    return Cookie("flash", value=value, path="/", max_age=lasts, httponly=True, secure=secure, samesite="lax")


async def write(
    scope: Scope,
    send: Send,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    cookies: list[Cookie] | None = None,
) -> None:
    """One whole response. Pages and partials share their address, so `Vary` keeps caches from mixing them up."""
    raw = [(key.encode(), value.encode("latin-1", "replace")) for key, value in headers.items()]
    if "cache-control" not in headers:
        raw.append((b"cache-control", b"private, no-cache"))
    raw.append((b"vary", b"Accept, HX-Request, Cookie, Accept-Language"))
    if status not in (204, 304):
        raw.append((b"content-length", str(len(body)).encode()))
    raw += [(b"set-cookie", cookie.to_header(header="").encode()) for cookie in cookies or []]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _cookies(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in header(scope, b"cookie").split(";"):
        name, _sep, value = part.strip().partition("=")
        found.setdefault(name, value)
    return found


def reads_without_scripts(scope: Scope) -> bool:
    """Whether this is a person's browser that runs no scripts: ours sets the cookie `scripts` as soon as it runs."""
    mode, purpose = header(scope, b"sec-fetch-mode"), header(scope, b"sec-purpose")
    return (
        shape_wanted(scope) == "page"
        and "scripts" not in _cookies(scope)
        and mode in ("", "navigate")
        and not purpose.startswith("prefetch")
    )


request_cookies = _cookies
