"""Deleting one's account. It stands here, for it begins with leaving one's conversations."""

from typing import Any

import msgspec
from litestar import Request, delete, get

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


HANDLERS = [delete_page, delete_account]
