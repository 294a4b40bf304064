"""Messages: the timeline of a conversation, sending, editing, deleting."""

from typing import Annotated, Any
from uuid import uuid4

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.params import Parameter

from app.accounts.views import Me
from app.conversations import access as conversation_access
from app.conversations import actions as conversations
from app.conversations import permission, receipts
from app.conversations import queries as conversation_queries
from app.core import errors, i18n, limits
from app.core.bell import Bell
from app.core.database import Row
from app.core.page import Form, Page, reads_without_scripts, shape_wanted
from app.core.problems import typed
from app.core.settings import Settings
from app.messages import access, actions, queries, quotes, render, retention, seen, timeline
from app.messages.lines import line
from app.messages.stretch import Stretch
from app.messages.timeline import Wish
from app.messages.views import HistoryView, MessageView, MineView, SeenView, TimelineView

Position = Annotated[int | None, Parameter(ge=0, le=2**62)]
From = Annotated[int | None, Parameter(query="from", ge=0, le=2**62)]
Limit = Annotated[int, Parameter(ge=1, le=100)]


class NewMessage(msgspec.Struct):
    body: str = ""
    key: str = ""
    reply_to: int | None = None


class Edit(msgspec.Struct):
    body: str = ""


@get("/conversations/{conversation_id:int}")
async def show(
    conversation_id: int,
    me: Me,
    request: Request[Any, Any, Any],
    bell: Bell,
    settings: Settings,
    before: Position = None,
    from_: From = None,
    latest: bool = False,
    reply_to: Position = None,
) -> Page[TimelineView]:
    """With `reply_to` its composer answers that message; to a script that asks for it so, that part of it alone."""
    if reply_to is not None and shape_wanted(request.scope) == "partial":
        draft: Any = MessageDraft(conversation_id)
        answered = await _replies_to(conversation_id, reply_to, me)
        return Page("conversations/show.html", draft, partial="conversations/_reply.html", extra=answered)
    view, shown = await timeline.show(conversation_id, me, Wish(before, from_, latest))
    if view.at_end and view.unread and await receipts.got(me, conversation_id, view.total):
        bell.ring("m", conversation_id)
    if shape_wanted(request.scope) == "json":
        view.messages = [line(row).message for row in shown.rows]
        view.receipts = await seen.told(conversation_id, me, view.messages)
        return Page("conversations/show.html", view)
    if view.unread and view.at_end and reads_without_scripts(request.scope):
        # A browser with scripts says itself what came on its screen; without them the page that it asked for is it.
        await conversations.mark_read(me, conversation_id, view.total)
        bell.ring("r", me.id, conversation_id)
    answered = await _replies_to(conversation_id, reply_to, me)
    extra = {**_around(settings, view, shown, me), **answered}
    return Page("conversations/show.html", view, form=_fresh(), extra=extra, pieces=_pieces(view, shown))


@get("/conversations/{conversation_id:int}/messages")
async def history(
    conversation_id: int,
    me: Me,
    request: Request[Any, Any, Any],
    settings: Settings,
    before: Position = None,
    after: Position = None,
    from_: From = None,
    limit: Limit = 50,
) -> Page[HistoryView]:  # what JSON gets; the page has a view of its own
    if shape_wanted(request.scope) == "json":
        return Page("conversations/show.html", await timeline.history(conversation_id, me, before, after, limit))
    view: Any
    view, shown = await timeline.show(conversation_id, me, Wish(before, from_), limit)
    return Page(
        "conversations/show.html",
        view,
        partial="conversations/_stretch.html",
        form=_fresh(),
        extra={**_around(settings, view, shown, me), "end": "older" if before is not None else "newer"},
        pieces=_pieces(view, shown),
    )


@post("/conversations/{conversation_id:int}/messages")
async def send(
    conversation_id: int,
    data: NewMessage,
    me: Me,
    request: Request[Any, Any, Any],
    settings: Settings,
    bell: Bell,
) -> Page[MessageView]:  # what JSON gets; the page has views of its own
    partial = "conversations/_composer.html"
    draft: Any = MessageDraft(conversation_id)
    here = f"/conversations/{conversation_id}"
    try:
        limits.WRITES.spend(settings, me.id)
        message = await actions.send(settings, me, conversation_id, data.body, data.key, data.reply_to)
    except (errors.Invalid, errors.Conflict, errors.TooMany) as error:
        shape = shape_wanted(request.scope)
        if shape == "json":
            raise
        wrong = error.fields if isinstance(error, errors.Invalid) else {}
        form = typed(request, wrong, error.message)
        view, extra, pieces = draft, _rendered([]), {}
        if shape == "page":  # the whole page again, with what was typed
            view, shown = await timeline.show(conversation_id, me, Wish(latest=True))
            extra, pieces = _around(settings, view, shown, me), _pieces(view, shown)
        extra |= await _replies_to(conversation_id, data.reply_to, me)
        return Page(
            "conversations/show.html",
            view,
            partial=partial,
            status=error.status,
            form=form,
            extra=extra,
            pieces=pieces,
        )
    bell.ring("c", conversation_id)
    if shape_wanted(request.scope) == "partial":
        # With the fresh composer goes the message, for a page whose stream is cut at this moment.
        row = await queries.one(message.id)
        return Page(
            "conversations/show.html",
            draft,
            partial=partial,
            status=201,
            form=_fresh(),
            extra=_rendered([row] if row else []),
        )
    return Page("conversations/show.html", message, status=201, see_other=f"{here}?latest=true#end")


@post("/broadcasts")
async def broadcast(data: NewMessage, me: Me, settings: Settings, bell: Bell) -> Page[MessageView]:
    """Tells everyone, those who come later too; an administrator may."""
    permission.require_announcer(me)
    limits.WRITES.spend(settings, me.id)
    room = await conversation_queries.announcements()
    message = await actions.send(settings, me, room, data.body, data.key)
    bell.ring("c", room)
    return Page("conversations/show.html", message, status=201, see_other=f"/conversations/{room}?latest=true#end")


class MessageDraft(msgspec.Struct):
    """What the composer needs to know: where it sends to."""

    id: int


@get("/messages")
async def mine(me: Me, before: Position = None, limit: Limit = 50) -> Page[MineView]:
    return Page("messages/index.html", await queries.mine(me, before, limit), partial="messages/_mine.html")


@get("/messages/{message_id:int}")
async def permalink(message_id: int, me: Me, request: Request[Any, Any, Any]) -> Page[MessageView]:
    """The message itself for a program, its fragment for a page that gives up editing, its place for everyone else."""
    may = await access.message(message_id, me)
    row = await queries.one(message_id)
    if row is None:
        raise errors.NotFound
    message = line(row).message
    if shape_wanted(request.scope) == "json":
        await seen.told(may.conversation, me, [message])
    there = f"/conversations/{may.conversation}?from={max(1, may.position - 20)}#message-{message_id}"
    return Page(
        "messages/edit.html",
        message,
        partial="messages/_changed.html",
        see_other=there,
        extra=_rendered([row]),
    )


@get("/messages/{message_id:int}/receipts")
async def receipt_page(message_id: int, me: Me) -> Page[SeenView]:
    return Page("messages/receipts.html", await seen.seen(message_id, me))


async def _mine(message_id: int, me: Me) -> MessageView:
    (await access.message(message_id, me)).require_mine()
    row = await queries.one(message_id)
    if row is None:
        raise errors.NotFound
    return line(row).message


@get("/messages/{message_id:int}/edit")
async def edit_page(message_id: int, me: Me) -> Page[MessageView]:
    return Page("messages/edit.html", await _mine(message_id, me), partial="messages/_edit.html")


@patch("/messages/{message_id:int}")
async def edit(
    message_id: int, data: Edit, me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell
) -> Page[MessageView]:
    limits.WRITES.spend(settings, me.id)
    try:
        message = await actions.edit(settings, me, message_id, data.body)
    except errors.Invalid as error:
        if shape_wanted(request.scope) == "json":
            raise
        row = await queries.one(message_id)
        assert row is not None
        form = typed(request, error.fields)
        return Page("messages/edit.html", line(row).message, partial="messages/_edit.html", status=422, form=form)
    bell.ring("c", message.conversation_id)
    return await _changed(message, me)


@get("/messages/{message_id:int}/delete")
async def delete_page(message_id: int, me: Me) -> Page[MessageView]:
    return Page("messages/delete.html", await _mine(message_id, me), partial="messages/_delete.html")


@delete("/messages/{message_id:int}", status_code=200)
async def remove(message_id: int, me: Me, bell: Bell) -> Page[MessageView]:
    message = await actions.delete(me, message_id)
    bell.ring("c", message.conversation_id)
    return await _changed(message, me)


async def _changed(message: MessageView, me: Me) -> Page[MessageView]:
    row = await queries.one(message.id)
    assert row is not None
    there = f"/conversations/{message.conversation_id}?from={max(1, message.position - 20)}#message-{message.id}"
    return Page(
        "messages/edit.html", message, partial="messages/_changed.html", see_other=there, extra=_rendered([row])
    )


async def _replies_to(conversation_id: int, message_id: int | None, me: Me) -> dict[str, Any]:
    """For templates: what the composer replies to, if that is there. Raises NotFound: who is in no conversation reads
    none of it by replying, not even in a form that was refused."""
    if message_id is None:
        return {}
    await conversation_access.member(conversation_id, me)
    return {"replies_to": await quotes.answerable(conversation_id, message_id)}


def _around(settings: Settings, view: TimelineView, shown: Stretch, me: Me) -> dict[str, Any]:
    """For templates: what stands before and after the messages."""
    last = seen.own_last(shown.rows, me) if view.at_end else None
    return {
        "kept": retention.told(settings.message_retention_days, view.kept_after),
        "receipts": seen.words(view.receipts, last["position"], view.kind == "direct") if last is not None else "",
        "fragments": "",  # where nothing is, see _pieces
        "unread": "",
    }


def _pieces(view: TimelineView, shown: Stretch) -> dict[str, bytes]:
    """The messages before the one that is marked as the first unread, and those from it on."""
    cut = count = len(shown.rows)
    if view.unread_from is not None:
        cut = next((n for n, row in enumerate(shown.rows) if row["position"] == view.unread_from), cut)
    locale = i18n.current()
    return {"fragments": shown.html(locale, 0, cut), "unread": shown.html(locale, cut, count)}


def _fresh() -> Form:
    """An empty composer with a key of its own: sent twice, its message is there once."""
    return Form(values={"key": str(uuid4())})


def _rendered(rows: list[Row]) -> dict[str, Any]:
    """For templates: these messages."""
    return {"fragments": render.fragments(rows, i18n.current())}


HANDLERS = [show, history, send, broadcast, mine, permalink, receipt_page, edit_page, edit, delete_page, remove]
