"""The browsers that are told by push, and the service worker that shows it there."""

from litestar import Response, delete, get, post

from app.accounts.views import Me
from app.core import limits
from app.core.page import Page
from app.core.settings import Settings
from app.core.templates import STATIC
from app.notifications.push import devices
from app.notifications.push.devices import DevicesView, DeviceView, Subscription

HERE = "/me/push-subscriptions"
TEMPLATE, PARTIAL = "notifications/devices.html", "notifications/_devices.html"
SCRIPT = (STATIC / "sw.js").read_bytes()


@get("/sw.js", opt={"anonymous": True}, include_in_schema=False)
async def service_worker() -> Response[bytes]:
    """At the root, for a service worker is for what lies below it; and looked for anew each time, for no page names
    the version that it wants."""
    return Response(SCRIPT, media_type="text/javascript; charset=utf-8", headers={"cache-control": "no-cache"})


@get(HERE)
async def index(me: Me) -> Page[DevicesView]:
    view = await devices.listed(me)
    return Page(TEMPLATE, view, partial=PARTIAL, extra={"devices": view})


@post(HERE)
async def subscribe(data: Subscription, me: Me, settings: Settings) -> Page[DeviceView]:
    limits.WRITES.spend(settings, me.id)
    return Page(TEMPLATE, await devices.subscribe(settings, me, data), status=201, see_other=HERE)


@delete("/me/push-subscriptions/{subscription_id:int}", status_code=204)
async def remove(subscription_id: int, me: Me, settings: Settings) -> Page[None]:
    limits.WRITES.spend(settings, me.id)
    await devices.remove(me, subscription_id)
    return Page(TEMPLATE, None, status=204, see_other=HERE, flash="push-off")


HANDLERS = [service_worker, index, subscribe, remove]
