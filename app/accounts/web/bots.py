"""One's own bots."""

from typing import Any

import msgspec
from litestar import Request, delete, get, patch, post, put

from app.accounts import avatars, bots, profile
from app.accounts.views import BotsView, BotView, Me
from app.core import limits, uploads
from app.core.bell import Bell
from app.core.page import Page
from app.core.settings import Settings


class NewBot(msgspec.Struct):
    username: str = ""
    name: str = ""


class BotUpdate(msgspec.Struct):
    """What is not given stays as it is."""

    username: str | None = None
    name: str | None = None
    about: str | None = None


@get("/me/bots")
async def index(me: Me) -> Page[BotsView]:
    return Page("accounts/bots.html", BotsView(await bots.listed(me)))


@post("/me/bots", opt={"form": "accounts/bots.html"})
async def make(data: NewBot, me: Me, settings: Settings) -> Page[BotView]:
    made = await bots.make(settings, me, data.username, data.name)
    there = f"/me/bots/{made}"
    return Page("accounts/bot.html", await bots.one(me, made), status=201, see_other=there, flash="bot-made")


@get("/me/bots/{bot_id:int}")
async def show(bot_id: int, me: Me) -> Page[BotView]:
    return Page("accounts/bot.html", await bots.one(me, bot_id))


@patch("/me/bots/{bot_id:int}", opt={"form": "accounts/bot.html"})
async def update(bot_id: int, data: BotUpdate, me: Me, settings: Settings, bell: Bell) -> Page[BotView]:
    limits.WRITES.spend(settings, me.id)
    bot = await bots.one(me, bot_id)
    await profile.update(settings, bot, **msgspec.structs.asdict(data))
    bell.ring("n", bot_id)
    return Page("accounts/bot.html", await bots.one(me, bot_id), see_other=f"/me/bots/{bot_id}", flash="saved")


@put("/me/bots/{bot_id:int}/avatar", opt={"upload": True, "form": "accounts/bot.html"})
async def set_avatar(
    bot_id: int, me: Me, request: Request[Any, Any, Any], settings: Settings, bell: Bell
) -> Page[BotView]:
    """As one's own picture, see /me/avatar."""
    await bots.one(me, bot_id)
    await limits.spend(settings, (limits.AVATAR_PERSON, str(me.id)))
    async with uploads.received(request, "avatar", avatars.MOST_BYTES, me.id) as data:
        await avatars.keep(bot_id, data)
    bell.ring("n", bot_id)
    return Page("accounts/bot.html", await bots.one(me, bot_id), see_other=f"/me/bots/{bot_id}", flash="saved")


@delete("/me/bots/{bot_id:int}/avatar", status_code=204)
async def remove_avatar(bot_id: int, me: Me, bell: Bell) -> Page[None]:
    await bots.one(me, bot_id)
    await avatars.remove(bot_id)
    bell.ring("n", bot_id)
    return Page("accounts/bot.html", None, status=204, see_other=f"/me/bots/{bot_id}", flash="saved")


HANDLERS = [index, make, show, update, set_avatar, remove_avatar]
