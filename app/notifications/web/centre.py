"""The centre: what one was told of."""

from typing import Annotated, Any

from litestar import Request, delete, get, put
from litestar.params import Parameter

from app.accounts.views import Me
from app.core import limits
from app.core.bell import Bell
from app.core.page import Page, header, shape_wanted
from app.core.settings import Settings
from app.notifications import actions, queries
from app.notifications.views import NotificationsView, NotificationView

HERE = "/notifications"
INDEX = "notifications/index.html"
Limit = Annotated[int, Parameter(ge=1, le=100)]


@get(HERE)
async def index(me: Me, before: str = "", limit: Limit = queries.PAGE) -> Page[NotificationsView]:
    view = await queries.listed(me, before, limit)
    return Page(INDEX, view, partial="notifications/_list.html", extra={"first": not before})


@get("/notifications/{notification_id:int}")
async def show(notification_id: int, me: Me, request: Request[Any, Any, Any], bell: Bell) -> Page[NotificationView]:
    """To a program the notification; a browser is led to what it is about, and has read it."""
    found = await queries.one(me, notification_id)
    # Not because another site shows it as a picture.
    if shape_wanted(request.scope) != "json" and header(request.scope, b"sec-fetch-site") != "cross-site":
        await actions.mark_read(me, notification_id)
        bell.ring("b", me.id)
    return Page(INDEX, found, see_other=queries.target(found))


@put("/notifications/read", status_code=204)
async def read_all(me: Me, bell: Bell, settings: Settings) -> Page[None]:
    limits.WRITES.spend(settings, me.id)
    await actions.mark_all_read(me)
    bell.ring("b", me.id)
    return Page(INDEX, None, status=204, see_other=HERE)


@put("/notifications/{notification_id:int}/read", status_code=204)
async def read(notification_id: int, me: Me, bell: Bell, settings: Settings) -> Page[None]:
    limits.WRITES.spend(settings, me.id)
    await actions.mark_read(me, notification_id)
    bell.ring("b", me.id)
    return Page(INDEX, None, status=204, see_other=HERE)


@delete(HERE, status_code=204)
async def remove_read(me: Me, bell: Bell, settings: Settings) -> Page[None]:
    limits.WRITES.spend(settings, me.id)
    await actions.delete_read(me)
    bell.ring("b", me.id)
    return Page(INDEX, None, status=204, see_other=HERE)


@delete("/notifications/{notification_id:int}", status_code=204)
async def remove(notification_id: int, me: Me, bell: Bell, settings: Settings) -> Page[None]:
    limits.WRITES.spend(settings, me.id)
    await actions.delete(me, notification_id)
    bell.ring("b", me.id)
    return Page(INDEX, None, status=204, see_other=HERE)


HANDLERS = [index, show, read_all, read, remove_read, remove]
