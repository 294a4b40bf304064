"""Audits, for administrators: finding a conversation, exporting it, and the record of all that were."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import Parameter

from app.accounts.views import Me
from app.core import errors
from app.core.bell import Bell
from app.core.page import Form, Page, shape_wanted
from app.core.problems import typed
from app.core.settings import Settings
from app.exports import audits, queries, rooms
from app.exports.audits import AuditsView, AuditWish
from app.exports.rooms import Room, RoomsView
from app.exports.views import ExportView

Before = Annotated[int | None, Parameter(ge=1, le=2**62)]
Limit = Annotated[int, Parameter(ge=1, le=100)]
Query = Annotated[str, Parameter(max_length=200)]
NEW = "exports/audit.html"


@get("/admin/audits")
async def index(me: Me, before: Before = None, limit: Limit = audits.PAGE) -> Page[AuditsView]:
    """Who exported which conversation of others, when and why; administrators alone."""
    return Page("exports/audits.html", await audits.listed(me, before, limit))


@get("/admin/conversations")
async def find(me: Me, q: Query = "", before: Before = None, limit: Limit = rooms.PAGE) -> Page[RoomsView]:
    """All conversations, by words of the title and @usernames of members; never what is in them. For administrators."""
    return Page("exports/rooms.html", await rooms.found(me, q, before, limit))


@get("/admin/conversations/{conversation_id:int}/audit")
async def new(conversation_id: int, me: Me) -> Page[Room]:
    return Page(NEW, await rooms.one(me, conversation_id))


@post("/admin/conversations/{conversation_id:int}/audit", status_code=202)
async def make(
    conversation_id: int, data: AuditWish, me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell
) -> Page[Any]:
    """Exports it; the members are told so, with the reason. It needs the password (`current`)."""
    try:
        number = await audits.audit(settings, me, conversation_id, data)
    except (errors.Invalid, errors.TooMany) as error:
        if shape_wanted(request.scope) == "json":
            raise
        wrong = error.fields if isinstance(error, errors.Invalid) else {}
        return await _refused(me, conversation_id, error.status, typed(request, wrong, error.message))
    bell.ring("c", conversation_id)
    bell.ring("e", me.id, number)
    there = f"/exports/{number}"
    view: ExportView = await queries.one(me, number)
    return Page("exports/show.html", view, status=202, see_other=there, headers={"location": there})


async def _refused(me: Me, conversation: int, status: int, form: Form) -> Page[Any]:
    return Page(NEW, await rooms.one(me, conversation), status=status, form=form)


HANDLERS = [index, find, new, make]
