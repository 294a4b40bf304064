"""Blocking and unblocking people; what it does to conversations is in `conversations/blocks`."""

from litestar import delete, put

from app.accounts.views import Me
from app.conversations import blocks
from app.core.bell import Bell
from app.core.page import Page


@put("/people/{username:str}/block", status_code=204)
async def block(username: str, me: Me, bell: Bell) -> Page[None]:
    other, given_back = await blocks.block(me, username)
    for person in (me.id, other):
        bell.ring("p", person)
    for conversation in given_back:  # nobody wrote it down, so the pages of the others are loaded anew
        bell.ring("l", conversation)
    return Page("people/blocks.html", None, status=204, see_other="/me/blocks", flash="blocked")


@delete("/people/{username:str}/block", status_code=204)
async def unblock(username: str, me: Me, bell: Bell) -> Page[None]:
    other = await blocks.unblock(me, username)
    for person in (me.id, other):
        bell.ring("p", person)
    return Page("people/blocks.html", None, status=204, see_other="/me/blocks", flash="unblocked")


HANDLERS = [block, unblock]
