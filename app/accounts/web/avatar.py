"""One's own picture."""

from typing import Any

from litestar import Request, delete, put

from app.accounts import avatars, sessions
from app.accounts.views import Me, PersonView
from app.core import limits, uploads
from app.core.bell import Bell
from app.core.page import Page
from app.core.settings import Settings


@put("/me/avatar", opt={"upload": True, "form": "accounts/avatar.html"})
async def set_avatar(me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell) -> Page[PersonView]:
    """A form with the picture in its field `avatar`, or the picture itself as the body: JPEG, PNG, WebP or GIF, at most
    5 MB."""
    await limits.spend(settings, (limits.AVATAR_PERSON, str(me.id)))
    async with uploads.received(request, "avatar", avatars.MOST_BYTES, me.id) as data:
        await avatars.keep(me.id, data)
    bell.ring("p", me.id)
    bell.ring("n", me.id)
    return Page("accounts/me.html", await sessions.own_view(me.id), see_other="/me", flash="saved")


@delete("/me/avatar", status_code=204)
async def remove_avatar(me: Me, bell: Bell) -> Page[None]:
    await avatars.remove(me.id)
    bell.ring("p", me.id)
    bell.ring("n", me.id)
    return Page("accounts/me.html", None, status=204, see_other="/me", flash="saved")


HANDLERS = [set_avatar, remove_avatar]
