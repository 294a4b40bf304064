"""Asking for an export, looking how far it is, stopping it and throwing it away."""

from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.params import Parameter

from app.accounts.views import Me
from app.conversations import queries as conversations
from app.conversations.views import ConversationView
from app.core import errors, limits
from app.core.bell import Bell
from app.core.page import Form, Page, reads_without_scripts, shape_wanted
from app.core.problems import typed
from app.core.settings import Settings
from app.exports import actions, queries
from app.exports.views import ExportsView, ExportView
from app.exports.wishes import Wish

HERE = "/exports"
INDEX, SHOW, NEW = "exports/index.html", "exports/show.html", "exports/new.html"
Before = Annotated[int | None, Parameter(ge=1, le=2**62)]
Limit = Annotated[int, Parameter(ge=1, le=100)]
# A browser without scripts looks again after so many seconds.
AGAIN = "3"


@get(HERE)
async def index(me: Me, before: Before = None, limit: Limit = queries.PAGE) -> Page[ExportsView]:
    return Page(INDEX, await queries.listed(me, before, limit), extra={"first": before is None})


@get("/conversations/{conversation_id:int}/export")
async def new(conversation_id: int, me: Me) -> Page[ConversationView]:
    return Page(NEW, await conversations.conversation(conversation_id, me))


@post(HERE, status_code=202)
async def ask(data: Wish, me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell) -> Page[Any]:
    try:
        number = await actions.request(settings, me, data)
    except (errors.Invalid, errors.TooMany) as error:
        if shape_wanted(request.scope) == "json":
            raise
        wrong = error.fields if isinstance(error, errors.Invalid) else {}
        return await _refused(me, data, error.status, typed(request, wrong, error.message))
    bell.ring("e", me.id, number)
    there = f"{HERE}/{number}"
    view = await queries.one(me, number)
    return Page(SHOW, view, status=202, see_other=there, headers={"location": there})


async def _refused(me: Me, wish: Wish, status: int, form: Form) -> Page[Any]:
    """The form from which it came, with what was typed."""
    if wish.conversation is not None:
        view = await conversations.conversation(wish.conversation, me)
        return Page(NEW, view, status=status, form=form)
    return Page(INDEX, await queries.listed(me), status=status, form=form, extra={"first": True})


@get("/exports/{export_id:int}")
async def show(export_id: int, me: Me, request: Request[Any, Any, Any]) -> Page[ExportView]:
    view = await queries.one(me, export_id)
    again = view.under_way and reads_without_scripts(request.scope)
    return Page(
        SHOW,
        view,
        partial="exports/_export.html",
        extra={"each": view},
        headers={"refresh": AGAIN} if again else None,
    )


@post("/exports/{export_id:int}/cancel", status_code=200)
async def cancel(export_id: int, me: Me, settings: Settings, bell: Bell) -> Page[ExportView]:
    limits.WRITES.spend(settings, me.id)
    await actions.cancel(me, export_id)
    bell.ring("e", me.id, export_id)
    view = await queries.one(me, export_id)
    return Page(SHOW, view, see_other=f"{HERE}/{export_id}")


@delete("/exports/{export_id:int}", status_code=204)
async def remove(export_id: int, me: Me, settings: Settings, bell: Bell) -> Page[None]:
    limits.WRITES.spend(settings, me.id)
    await actions.delete(me, export_id)
    bell.ring("e", me.id, export_id)
    bell.ring("b", me.id)  # what told of it is gone too
    return Page(INDEX, None, status=204, see_other=HERE, flash="export-deleted")


HANDLERS = [index, new, ask, show, cancel, remove]
