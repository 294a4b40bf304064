"""The webhooks of a conversation, and those of the instance: from other programs and to them."""

import msgspec
from litestar import delete, get, post, put

from app.accounts.views import Me
from app.conversations import queries as conversations
from app.core import limits
from app.core.bell import Bell
from app.core.limits import Limit
from app.core.page import Page
from app.core.settings import Settings
from app.notifications.webhooks import access, incoming, subscriptions
from app.notifications.webhooks.following import EVENTS
from app.notifications.webhooks.views import SubscriptionView, WebhooksView, WebhookView

PACE = Limit("webhook-person", 60, 60 * 60)


class NewWebhook(msgspec.Struct):
    """`signed`: what is posted must be signed too."""

    name: str = ""
    signed: bool = False


class NewSubscription(msgspec.Struct):
    """`events`: some of message.sent, message.edited, message.deleted, member.joined and member.left; in a form one
    field for each."""

    url: str = ""
    events: list[str] | str = []


@get("/conversations/{conversation_id:int}/webhooks")
async def index(conversation_id: int, me: Me) -> Page[WebhooksView]:
    await access.manager(me, conversation_id)
    room = await conversations.conversation(conversation_id, me)
    return await _page(conversation_id, room.title, takes_posts=room.kind != "announcements")


@get("/admin/webhooks")
async def of_instance(me: Me) -> Page[WebhooksView]:
    await access.manager(me, None)
    return await _page(None, "", takes_posts=True)


async def _page(conversation: int | None, title: str, takes_posts: bool) -> Page[WebhooksView]:
    view = WebhooksView(
        conversation_id=conversation,
        title=title,
        webhooks=await incoming.of(conversation),
        subscriptions=await subscriptions.of(conversation),
        events=list(EVENTS),
    )
    return Page("notifications/webhooks/index.html", view, extra={"takes_posts": takes_posts})


REFUSED = {"form": "notifications/webhooks/refused.html"}


@post("/conversations/{conversation_id:int}/webhooks", opt=REFUSED)
async def make(conversation_id: int, data: NewWebhook, me: Me, settings: Settings, bell: Bell) -> Page[WebhookView]:
    return await _make(conversation_id, data, me, settings, bell)


@post("/admin/webhooks", opt=REFUSED)
async def make_for_instance(data: NewWebhook, me: Me, settings: Settings, bell: Bell) -> Page[WebhookView]:
    return await _make(None, data, me, settings, bell)


async def _make(
    conversation: int | None, data: NewWebhook, me: Me, settings: Settings, bell: Bell
) -> Page[WebhookView]:
    await access.manager(me, conversation)
    await limits.spend(settings, (PACE, str(me.id)))
    view = await incoming.make(settings, me, conversation, data.name, data.signed)
    if conversation is not None:
        bell.ring("c", conversation)
    return _secret_shown(view, status=201)


@put("/conversations/{conversation_id:int}/webhooks/{webhook_id:int}/secret")
async def renew(conversation_id: int, webhook_id: int, me: Me, settings: Settings) -> Page[WebhookView]:
    return _secret_shown(await incoming.renew_secret(settings, me, conversation_id, webhook_id))


@put("/admin/webhooks/{webhook_id:int}/secret")
async def renew_for_instance(webhook_id: int, me: Me, settings: Settings) -> Page[WebhookView]:
    return _secret_shown(await incoming.renew_secret(settings, me, None, webhook_id))


def _secret_shown(view: WebhookView, status: int = 200) -> Page[WebhookView]:
    """The page itself and no way on to another: what it shows is not to be had again."""
    return Page("notifications/webhooks/made.html", view, status=status, headers={"cache-control": "no-store"})


@delete("/conversations/{conversation_id:int}/webhooks/{webhook_id:int}", status_code=204)
async def remove(conversation_id: int, webhook_id: int, me: Me, bell: Bell) -> Page[None]:
    await incoming.remove(me, conversation_id, webhook_id)
    bell.ring("c", conversation_id)
    return _gone(f"/conversations/{conversation_id}/webhooks")


@delete("/admin/webhooks/{webhook_id:int}", status_code=204)
async def remove_from_instance(webhook_id: int, me: Me) -> Page[None]:
    await incoming.remove(me, None, webhook_id)
    return _gone("/admin/webhooks")


def _gone(there: str) -> Page[None]:
    return Page("notifications/webhooks/refused.html", None, status=204, see_other=there, flash="webhook-removed")


@post("/conversations/{conversation_id:int}/subscriptions", opt=REFUSED)
async def subscribe(conversation_id: int, data: NewSubscription, me: Me, settings: Settings) -> Page[SubscriptionView]:
    return await _subscribe(conversation_id, data, me, settings)


@post("/admin/subscriptions", opt=REFUSED)
async def subscribe_instance(data: NewSubscription, me: Me, settings: Settings) -> Page[SubscriptionView]:
    return await _subscribe(None, data, me, settings)


async def _subscribe(
    conversation: int | None, data: NewSubscription, me: Me, settings: Settings
) -> Page[SubscriptionView]:
    await access.manager(me, conversation)
    await limits.spend(settings, (PACE, str(me.id)))
    events = data.events.split() if isinstance(data.events, str) else data.events
    view = await subscriptions.subscribe(settings, me, conversation, data.url, events)
    return subscribed(view, status=201)


def subscribed(view: SubscriptionView, status: int = 200) -> Page[SubscriptionView]:
    """As `_secret_shown`."""
    return Page("notifications/webhooks/subscribed.html", view, status=status, headers={"cache-control": "no-store"})


HANDLERS = [
    index,
    of_instance,
    make,
    make_for_instance,
    renew,
    renew_for_instance,
    remove,
    remove_from_instance,
    subscribe,
    subscribe_instance,
]
