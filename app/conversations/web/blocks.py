"""Blocking and unblocking people; what it does to conversations is in `conversations/blocks`."""

from litestar import delete, put

from app.accounts.views import Me
from app.conversations import blocks
from app.core.bell import Bell
from app.core.page import Page


@put("/people/{username:str}/block", status_code=204)
async def block(username: str, me: Me, bell: Bell) -> Page[None]:
    other, given_back = await blocks.block(me, username)
    _show_anew(bell, me, other)
    for conversation in given_back:  # nobody wrote it down, so the pages of the others are loaded anew
        bell.ring("l", conversation)
    return Page("people/blocks.html", None, status=204, see_other="/me/blocks", flash="blocked")


@delete("/people/{username:str}/block", status_code=204)
async def unblock(username: str, me: Me, bell: Bell) -> Page[None]:
    other = await blocks.unblock(me, username)
    _show_anew(bell, me, other)
    return Page("people/blocks.html", None, status=204, see_other="/me/blocks", flash="unblocked")


def _show_anew(bell: Bell, me: Me, other: int) -> None:
    """Neither sees the other's conversations, nor whether they are there; or they do again."""
    for person, viewer in ((me.id, other), (other, me.id)):
        bell.ring("p", person)
        bell.ring("o", person, viewer)


HANDLERS = [block, unblock]
