"""Deleting one's account. It stands here, for it begins with leaving one's conversations."""

from typing import Any

import msgspec
from litestar import Request, delete, get

from app.accounts.auth import signed_out
from app.accounts.views import Me
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
    for session in left.sessions:
        bell.ring("s", session)
    for conversation in left.conversations:
        bell.ring("c", conversation)
    for person, conversation in left.directs:
        bell.ring("r", person, conversation)
    request.scope["state"].pop("cookies", None)
    return Page(
        "accounts/login.html",
        None,
        status=204,
        see_other="/auth/login",
        flash="deleted",
        headers={"clear-site-data": '"cache"'},
        cookies=signed_out(settings),
    )


HANDLERS = [delete_page, delete_account]
