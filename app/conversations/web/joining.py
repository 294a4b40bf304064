"""The code of a group, and coming in by it."""

import msgspec
from litestar import delete, get, post, put

from app.accounts.views import Me
from app.conversations import joining, queries
from app.conversations.views import CodeView, ConversationView, InvitationView
from app.core.bell import Bell
from app.core.page import Page


class NewCode(msgspec.Struct):
    """`lasts`: day, week, month or ever. `uses`: for so many people; nothing for all."""

    lasts: str = "week"
    uses: int | str | None = None


@put("/conversations/{conversation_id:int}/code", opt={"form": "conversations/code.html"})
async def renew(conversation_id: int, data: NewCode, me: Me) -> Page[CodeView]:
    view = await joining.renew(me, conversation_id, data.lasts, data.uses)
    there = f"/conversations/{conversation_id}/settings"
    return Page("conversations/code.html", view, see_other=there, flash="code-made")


@delete("/conversations/{conversation_id:int}/code", status_code=204)
async def withdraw(conversation_id: int, me: Me) -> Page[None]:
    await joining.withdraw(me, conversation_id)
    there = f"/conversations/{conversation_id}/settings"
    return Page("conversations/code.html", None, status=204, see_other=there, flash="code-withdrawn")


@get("/join/{code:str}")
async def invitation(code: str, me: Me) -> Page[InvitationView]:
    view = await joining.invitation(me, code)
    inside = f"/conversations/{view.conversation_id}" if view.conversation_id else None
    return Page("conversations/join.html", view, see_other=inside)


@post("/join/{code:str}")
async def join(code: str, me: Me, bell: Bell) -> Page[ConversationView]:
    conversation = await joining.join(me, code)
    bell.ring("c", conversation)
    bell.ring("p", me.id)
    view = await queries.conversation(conversation, me)
    return Page("conversations/join.html", view, status=201, see_other=f"/conversations/{conversation}")


HANDLERS = [renew, withdraw, invitation, join]
