"""Errors as answers: the form that was refused, an error page, a fragment, or `application/problem+json` (RFC 9457)."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from app.core import database, errors
from app.core.i18n import _
from app.core.page import Form, Page, path_without_secrets, shape_wanted

log = structlog.get_logger()
SECRETS = ("password", "current")


class Problem(msgspec.Struct, omit_defaults=True):
    """What went wrong: the JSON of RFC 9457, and what an error page shows."""

    title: str
    status: int
    detail: str = ""
    errors: dict[str, str] = {}
    request_id: str = ""


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer for any exception; what is not foreseen is logged with its trace and shown without."""
    known = as_domain_error(error)
    if known is None:
        log.exception("unhandled", path=path_without_secrets(request.scope), exc_info=error)
        return answer(request, Problem(_("Something went wrong on our side"), 500, _("The error has been logged.")))
    # Without a message it is the guard that asks who this is; with one it is the log-in form that was not believed.
    if isinstance(known, errors.Unauthorized) and not known.message and shape_wanted(request.scope) != "json":
        return _to_login(request)
    problem = Problem(
        title=title(known.status),
        status=known.status,
        detail=known.message,
        errors=known.fields if isinstance(known, errors.Invalid) else {},
    )
    headers = {k: v for k, v in (getattr(error, "headers", None) or {}).items() if k == "allow"}
    if isinstance(known, errors.TooMany):
        headers["retry-after"] = str(known.retry_after)
    elif isinstance(known, errors.Unavailable):
        headers["retry-after"] = "2"
    elif isinstance(known, errors.Unauthorized):
        headers["www-authenticate"] = "Bearer"
    return answer(request, problem, headers)


def answer(request: Request[Any, Any, Any], problem: Problem, headers: dict[str, str] | None = None) -> Response[Any]:
    """The refused form again where the handler names one (`opt={"form": template}`), else an error page."""
    problem.request_id = request.scope["state"].get("request_id", "")
    handler = request.scope.get("route_handler")
    opt: dict[str, Any] = handler.opt if handler is not None else {}
    outside = request.scope.get("user") is None
    if "form" in opt and (problem.status in (400, 401, 409, 413, 422, 429) or (problem.status == 503 and outside)):
        return Page(
            opt["form"],
            problem,
            partial=opt.get("form_partial"),
            status=problem.status,
            form=typed(request, problem.errors, "" if problem.errors else problem.detail or problem.title),
            headers=headers,
        )
    return Page("errors/show.html", problem, partial="errors/_error.html", status=problem.status, headers=headers)


def typed(request: Request[Any, Any, Any], wrong: dict[str, str], message: str = "") -> Form:
    """What the person typed, without the secrets, with what is wrong beside it."""
    given = request.scope["state"].get("input", {})
    # What is chosen among several (boxes of one name) is one text: the choices, with spaces between them.
    texts = {k: " ".join(e for e in v if isinstance(e, str)) if isinstance(v, list) else v for k, v in given.items()}
    values = {k: v for k, v in texts.items() if isinstance(v, str) and not any(s in k for s in SECRETS)}
    return Form(values=values, errors=wrong, message=message)


def title(status: int) -> str:
    """What such an error is called, in the reader's language."""
    return {
        400: _("This request could not be understood"),
        401: _("Please log in"),
        403: _("This is not allowed"),
        404: _("This page does not exist"),
        405: _("This cannot be done here"),
        409: _("This conflicts with something that already exists"),
        413: _("This is too large"),
        415: _("This type of content is not accepted"),
        422: _("Something needs to be corrected"),
        429: _("Too many attempts"),
        503: _("Causerie is temporarily unavailable"),
    }.get(status) or HTTPStatus(status).phrase


def as_domain_error(error: Exception) -> errors.DomainError | None:
    """The domain error that an exception of a library stands for; None when it is a fault of ours."""
    if isinstance(error, errors.DomainError):
        return error
    if isinstance(error, ValidationException):
        fields = [e for e in (error.extra or []) if isinstance(e, dict) and "key" in e]
        invalid = errors.Invalid(_("Some fields are missing or invalid."))
        invalid.fields = {str(e["key"]): str(e["message"]) for e in fields}
        return invalid
    if isinstance(error, HTTPException):
        known = errors.DomainError("" if error.status_code == 404 else str(error.detail))
        known.status = error.status_code
        return known if error.status_code < 500 else None
    if isinstance(
        error, asyncpg.DataError | asyncpg.UntranslatableCharacterError | asyncpg.CharacterNotInRepertoireError
    ):
        return errors.BadRequest(_("This contains a number or a character that cannot be stored."))
    if isinstance(error, UnicodeError | RecursionError | msgspec.DecodeError):
        return errors.BadRequest(_("The request is malformed."))
    if isinstance(error, asyncpg.DeadlockDetectedError):  # the one of two that lost: nothing of it was done
        log.warning("deadlock")
        return errors.Unavailable(_("Someone else changed this at the same moment. Please try again."))
    if isinstance(error, database.UNAVAILABLE):
        log.warning("unavailable", error=type(error).__name__)
        return errors.Unavailable(_("The database is not responding. Nothing is lost: please try again in a moment."))
    return None


def _to_login(request: Request[Any, Any, Any]) -> Response[Any]:
    """To the log-in page and back again; only our own paths are followed, see `accounts/web`."""
    scope = request.scope
    # As it was asked for: a decoded path could hold a `?` or `#` of its own.
    here = scope["raw_path"].decode("latin-1")
    here += f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    there = "/auth/login" + (f"?next={quote(here)}" if scope["method"] == "GET" and here != "/" else "")
    return Page("errors/show.html", Problem(title(401), 401), see_other=there)
