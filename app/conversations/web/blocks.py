"""Blocking and unblocking people; what it does to conversations is in `conversations/blocks`."""

from litestar import delete, put

from app.accounts.views import Me
from app.conversations import blocks
from app.conversations.blocks import Parted
from app.core import limits
from app.core.bell import Bell
from app.core.page import Page
from app.core.settings import Settings


@put("/people/{username:str}/block", status_code=204)
async def block(username: str, me: Me, bell: Bell, settings: Settings) -> Page[None]:
    limits.WRITES.spend(settings, me.id)
    parted = await blocks.block(me, username)
    _show_anew(bell, me, parted)
    for conversation in parted.given_back:  # nobody wrote it down, so the pages of the others are loaded anew
        bell.ring("l", conversation)
    return Page("people/blocks.html", None, status=204, see_other="/me/blocks", flash="blocked")


@delete("/people/{username:str}/block", status_code=204)
async def unblock(username: str, me: Me, bell: Bell, settings: Settings) -> Page[None]:
    limits.WRITES.spend(settings, me.id)
    _show_anew(bell, me, await blocks.unblock(me, username))
    return Page("people/blocks.html", None, status=204, see_other="/me/blocks", flash="unblocked")


def _show_anew(bell: Bell, me: Me, parted: Parted) -> None:
    """Neither sees the other's conversations, nor whether they are there; or they do again. Who might not know whether
    someone is there is sent nothing about it: that something comes would tell them."""
    for person in (me.id, parted.other):
        bell.ring("p", person)
    for person, viewer in parted.seen:
        bell.ring("o", person, viewer)


HANDLERS = [block, unblock]
