"""Asking the staff, and the queue in which the staff sees what is asked."""

from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, put
from litestar.params import Parameter

from app.accounts.views import Me
from app.conversations import queries, queue, support
from app.conversations.views import ConversationView, SupportView
from app.core import errors, limits
from app.core.bell import Bell
from app.core.page import Page, shape_wanted
from app.core.problems import typed
from app.core.settings import Settings

Show = Annotated[str, Parameter(query="show")]
Limit = Annotated[int, Parameter(ge=1, le=100)]


class Who(msgspec.Struct):
    """Nobody named: oneself."""

    username: str = ""


@get("/support")
async def index(me: Me, show: Show = "open", after: str = "", limit: Limit = queue.PAGE) -> Page[SupportView]:
    view = await queue.listed(me, show, after, limit)
    return Page("conversations/support.html", view, partial="conversations/_support_rows.html")


@get("/support/new")
async def new(me: Me) -> Page[None]:
    return Page("conversations/ask.html", None)


async def ask(
    title: str, body: str, me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell
) -> Page[ConversationView]:
    """The answer of POST /conversations to whoever asks the staff; refused, its form is another than that of groups."""
    try:
        await limits.spend(settings, (limits.SUPPORT_PERSON, str(me.id)))
        conversation = await support.ask(settings, me, title, body)
    except (errors.Invalid, errors.TooMany) as error:
        if shape_wanted(request.scope) == "json":
            raise
        wrong = error.fields if isinstance(error, errors.Invalid) else {}
        form = typed(request, wrong, error.message)
        refused: Any = None
        return Page("conversations/ask.html", refused, status=error.status, form=form)
    bell.ring("p", me.id)
    view = await queries.conversation(conversation, me)
    return Page("conversations/ask.html", view, status=201, see_other=f"/conversations/{conversation}")


@put("/conversations/{conversation_id:int}/assignee", opt={"form": "conversations/assign.html"})
async def assign(conversation_id: int, data: Who, me: Me, settings: Settings, bell: Bell) -> Page[ConversationView]:
    limits.WRITES.spend(settings, me.id)
    other = await support.assign(me, conversation_id, data.username)
    bell.ring("p", other)
    return await _told(me, conversation_id, bell)


@delete("/conversations/{conversation_id:int}/assignee", status_code=200)
async def unassign(conversation_id: int, me: Me, settings: Settings, bell: Bell) -> Page[ConversationView]:
    limits.WRITES.spend(settings, me.id)
    await support.unassign(me, conversation_id)
    return await _told(me, conversation_id, bell)


@put("/conversations/{conversation_id:int}/closed")
async def close(conversation_id: int, me: Me, settings: Settings, bell: Bell) -> Page[ConversationView]:
    limits.WRITES.spend(settings, me.id)
    await support.close(me, conversation_id)
    return await _told(me, conversation_id, bell)


@delete("/conversations/{conversation_id:int}/closed", status_code=200)
async def reopen(conversation_id: int, me: Me, settings: Settings, bell: Bell) -> Page[ConversationView]:
    limits.WRITES.spend(settings, me.id)
    await support.reopen(me, conversation_id)
    return await _told(me, conversation_id, bell)


async def _told(me: Me, conversation: int, bell: Bell) -> Page[ConversationView]:
    bell.ring("c", conversation)
    view = await queries.conversation(conversation, me)
    return Page("conversations/assign.html", view, see_other=f"/conversations/{conversation}?latest=true#end")


HANDLERS = [index, new, assign, unassign, close, reopen]
