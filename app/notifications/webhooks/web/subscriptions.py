"""One subscription: its log, telling again, another secret, on again, and its end."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.params import Parameter

from app.accounts.views import Me
from app.core import limits
from app.core.page import Page
from app.core.settings import Settings
from app.notifications.webhooks import deliveries
from app.notifications.webhooks import subscriptions as actions
from app.notifications.webhooks.views import DeliveryView, SubscriptionLog, SubscriptionView
from app.notifications.webhooks.web.pages import subscribed

Limit = Annotated[int, Parameter(ge=1, le=100)]
Before = Annotated[int | None, Parameter(ge=1, le=2**62)]


@get("/subscriptions/{subscription_id:int}")
async def show(subscription_id: int, me: Me, before: Before = None, limit: Limit = 50) -> Page[SubscriptionLog]:
    view = await deliveries.log_of(me, subscription_id, before, limit)
    return Page("notifications/webhooks/show.html", view, partial="notifications/webhooks/_deliveries.html")


@post("/subscriptions/{subscription_id:int}/deliveries/{delivery_id:int}")
async def again(subscription_id: int, delivery_id: int, me: Me, settings: Settings) -> Page[DeliveryView]:
    """Tells the same event once more."""
    limits.WRITES.spend(settings, me.id)
    view = await deliveries.again(me, subscription_id, delivery_id)
    there = f"/subscriptions/{subscription_id}"
    return Page("notifications/webhooks/refused.html", view, status=202, see_other=there, flash="told-again")


@put("/subscriptions/{subscription_id:int}/secret")
async def renew(subscription_id: int, me: Me) -> Page[SubscriptionView]:
    return subscribed(await actions.renew_secret(me, subscription_id))


@put("/subscriptions/{subscription_id:int}/enabled")
async def switch_on(subscription_id: int, me: Me) -> Page[SubscriptionView]:
    view = await actions.switch_on(me, subscription_id)
    there = f"/subscriptions/{subscription_id}"
    return Page("notifications/webhooks/refused.html", view, see_other=there, flash="switched-on")


@delete("/subscriptions/{subscription_id:int}", status_code=204)
async def remove(subscription_id: int, me: Me) -> Page[None]:
    conversation = await actions.unsubscribe(me, subscription_id)
    there = f"/conversations/{conversation}/webhooks" if conversation else "/admin/webhooks"
    return Page("notifications/webhooks/refused.html", None, status=204, see_other=there, flash="webhook-removed")


HANDLERS = [show, again, renew, switch_on, remove]
