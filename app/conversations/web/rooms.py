"""Conversations: the list, new ones, their members and settings, alike for all who are in them."""

from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, patch, post, put
from litestar.params import Parameter

from app.accounts.views import Me
from app.conversations import actions, joining, lines, queries
from app.conversations.views import ConversationsView, ConversationView, MembersView
from app.conversations.web import support as asking
from app.core import limits
from app.core.bell import Bell
from app.core.errors import BadRequest
from app.core.i18n import _
from app.core.page import Page
from app.core.settings import Settings

# In a larger room someone is always typing. (Zulip's MAX_STREAM_SIZE_FOR_TYPING_NOTIFICATIONS is 100 too.)
MOST_TO_TELL = 100
Limit = Annotated[int, Parameter(ge=1, le=100)]


class NewConversation(msgspec.Struct):
    """`members` are usernames: a list, or in a form a text with commas or spaces between them. `body` is the first
    message to the staff."""

    kind: str = "group"
    title: str = ""
    members: list[str] | str = ""
    body: str = ""


class Changes(msgspec.Struct):
    """The title of a group; or of the general room, whether everyone writes in it."""

    title: str | None = None
    everyone_writes: bool | None = None


class Who(msgspec.Struct):
    username: str = ""


class Read(msgspec.Struct):
    position: int = 0


@get("/conversations")
async def index(
    me: Me, after: str = "", archived: bool = False, limit: Limit = 100, unread_beyond: bool = True
) -> Page[ConversationsView]:
    view = lines.archived(me, after, limit) if archived else lines.sidebar(me, after, limit, unread_beyond)
    return Page(
        "conversations/archived.html" if archived else "conversations/index.html",
        await view,
        partial="conversations/_sidebar_items.html",
        extra={"current": None, "language": me.language},
    )


@get("/conversations/new")
async def new(me: Me) -> Page[None]:
    return Page("conversations/new.html", None)


@post("/conversations", opt={"form": "conversations/new.html"})
async def create(
    data: NewConversation, me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell
) -> Page[ConversationView]:
    if data.kind == "support":
        return await asking.ask(data.title, data.body, me, request, settings, bell)
    names = data.members.replace(",", " ").split() if isinstance(data.members, str) else data.members
    if data.kind == "direct" and len(names) == 1:
        conversation, people = await actions.open_direct(me, names[0])
    elif data.kind == "group":
        await limits.spend(settings, (limits.GROUP_PERSON, str(me.id)))
        conversation, people = await actions.create_group(me, data.title, names)
    else:
        raise BadRequest(_("Only groups, direct conversations and support requests can be created."))
    for person in people:
        bell.ring("p", person)
    view = await queries.conversation(conversation, me)
    return Page("conversations/new.html", view, status=201, see_other=f"/conversations/{conversation}")


@get("/conversations/general")
async def general(me: Me) -> Page[ConversationView]:
    room = await queries.general()
    return Page("conversations/new.html", await queries.conversation(room, me), see_other=f"/conversations/{room}")


@get("/conversations/announcements")
async def announcements(me: Me) -> Page[ConversationView]:
    room = await queries.announcements()
    return Page("conversations/new.html", await queries.conversation(room, me), see_other=f"/conversations/{room}")


@put("/direct/{username:str}")
async def open_direct(username: str, me: Me, bell: Bell) -> Page[ConversationView]:
    conversation, people = await actions.open_direct(me, username)
    for person in people:  # the other one's line shows with the first message: their streams must know of it by then
        bell.ring("p", person)
    view = await queries.conversation(conversation, me)
    return Page("conversations/new.html", view, see_other=f"/conversations/{conversation}")


@get("/conversations/{conversation_id:int}/settings")
async def settings_page(conversation_id: int, me: Me, settings: Settings) -> Page[ConversationView]:
    view = await queries.conversation(conversation_id, me)
    code = await joining.code_of(me, conversation_id) if view.role == "owner" else None
    return Page("conversations/settings.html", view, extra={"code": code, "base_url": settings.base_url})


@patch("/conversations/{conversation_id:int}", opt={"form": "conversations/rename.html"})
async def change(conversation_id: int, data: Changes, me: Me, bell: Bell) -> Page[ConversationView]:
    if data.everyone_writes is not None:
        await actions.let_everyone_write(me, conversation_id, data.everyone_writes)
        bell.ring("l", conversation_id)
    else:
        await actions.rename(me, conversation_id, data.title or "")
        bell.ring("c", conversation_id)
    view = await queries.conversation(conversation_id, me)
    return Page("conversations/settings.html", view, see_other=f"/conversations/{conversation_id}")


@delete("/conversations/{conversation_id:int}", status_code=204)
async def remove(conversation_id: int, me: Me, bell: Bell) -> Page[None]:
    await actions.delete(me, conversation_id)
    bell.ring("c", conversation_id)
    return Page("conversations/new.html", None, status=204, see_other="/conversations", flash="conversation-deleted")


@get("/conversations/{conversation_id:int}/members")
async def members(conversation_id: int, me: Me, after: str = "") -> Page[MembersView]:
    view = await queries.members_page(conversation_id, me, after)
    return Page("conversations/members.html", view, partial="conversations/_members.html")


@post("/conversations/{conversation_id:int}/members", opt={"form": "conversations/add_member.html"})
async def add_member(conversation_id: int, data: Who, me: Me, settings: Settings, bell: Bell) -> Page[MembersView]:
    await limits.spend(settings, (limits.MEMBER_PERSON, str(me.id)))
    person = await actions.add_member(me, conversation_id, data.username)
    bell.ring("c", conversation_id)
    bell.ring("p", person)
    view = await queries.members_page(conversation_id, me)
    return Page("conversations/members.html", view, status=201, see_other=f"/conversations/{conversation_id}/members")


@delete("/conversations/{conversation_id:int}/members/{person_id:int}", status_code=204)
async def remove_member(conversation_id: int, person_id: int, me: Me, bell: Bell) -> Page[None]:
    out = await actions.remove_member(me, conversation_id, person_id)
    bell.ring("c", conversation_id)
    for each in out:
        bell.ring("p", each)
    there = "/conversations" if person_id == me.id else f"/conversations/{conversation_id}/members"
    flash = "left" if person_id == me.id else None
    return Page("conversations/new.html", None, status=204, see_other=there, flash=flash)


@put("/conversations/{conversation_id:int}/owner", status_code=204, opt={"form": "conversations/hand_over.html"})
async def hand_over(conversation_id: int, data: Who, me: Me, bell: Bell) -> Page[None]:
    await actions.hand_over(me, conversation_id, data.username)
    bell.ring("c", conversation_id)
    if me.policy == "school":  # who may write depends on the owner
        bell.ring("l", conversation_id)
    return Page("conversations/new.html", None, status=204, see_other=f"/conversations/{conversation_id}/members")


@put("/conversations/{conversation_id:int}/read", status_code=204)
async def read(conversation_id: int, data: Read, me: Me, bell: Bell) -> Page[None]:
    if await actions.mark_read(me, conversation_id, data.position):
        bell.ring("r", me.id, conversation_id)
    return Page("conversations/new.html", None, status=204, see_other=f"/conversations/{conversation_id}")


@post("/conversations/{conversation_id:int}/typing", status_code=204)
async def typing(conversation_id: int, me: Me, settings: Settings, bell: Bell) -> Page[None]:
    limits.TYPING.spend(settings, me.id)
    if await queries.require_writer(conversation_id, me) <= MOST_TO_TELL:
        bell.ring("t", conversation_id, me.id)
    return Page("conversations/new.html", None, status=204, see_other=f"/conversations/{conversation_id}")


HANDLERS = [
    index,
    new,
    create,
    general,
    announcements,
    open_direct,
    settings_page,
    change,
    remove,
    members,
    add_member,
    remove_member,
    hand_over,
    read,
    typing,
]
