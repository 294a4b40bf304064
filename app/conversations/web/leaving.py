"""Closing one's account or deleting it, and removing a bot. They stand here, for whoever goes hands groups over."""

from typing import Any

import msgspec
from litestar import Request, delete, get, post

from app.accounts.views import Me
from app.accounts.web.me import way_out
from app.conversations import leaving
from app.core.bell import Bell
from app.core.page import Page
from app.core.settings import Settings


class DeleteAccount(msgspec.Struct):
    """`messages`: `keep`, under "Deleted account", or `delete`, which leaves their places alone."""

    current: str = ""
    messages: str = "keep"


class Deactivate(msgspec.Struct):
    current: str = ""


@get("/me/deactivate")
async def deactivate_page(me: Me) -> Page[None]:
    return Page("accounts/deactivate.html", None)


@post("/me/deactivate", status_code=204, opt={"form": "accounts/deactivate.html"})
async def deactivate(
    data: Deactivate, me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell
) -> Page[None]:
    left = await leaving.close_account(settings, me, data.current)
    bell.ring("p", me.id)
    for session in left.sessions:
        bell.ring("s", session)
    for conversation in left.conversations:
        bell.ring("c", conversation)
    return way_out(request, settings, "deactivated")


@delete("/me/bots/{bot_id:int}", status_code=204)
async def remove_bot(bot_id: int, me: Me, bell: Bell) -> Page[None]:
    for conversation in await leaving.remove_bot(me, bot_id):
        bell.ring("c", conversation)
    return Page("accounts/bots.html", None, status=204, see_other="/me/bots", flash="bot-removed")


@get("/me/delete")
async def delete_page(me: Me) -> Page[None]:
    return Page("accounts/delete.html", None)


@delete("/me", status_code=204, opt={"form": "accounts/delete.html"})
async def delete_account(
    data: DeleteAccount, me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell
) -> Page[None]:
    left = await leaving.delete_account(settings, me, data.current, data.messages)
    bell.ring("n", me.id)
    for session in left.sessions:
        bell.ring("s", session)
    for conversation in left.conversations:
        bell.ring("c", conversation)
    for person, conversation in left.directs:
        bell.ring("r", person, conversation)
        bell.ring("l", conversation)  # nobody writes there any more: an open page loses its field
    return way_out(request, settings, "deleted", headers={"clear-site-data": '"cache"'})


HANDLERS = [deactivate_page, deactivate, remove_bot, delete_page, delete_account]
