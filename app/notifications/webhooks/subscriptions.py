"""Subscriptions of other programs to what happens: made, looked at, given another secret, switched on and removed."""

from app.accounts.avatars import address
from app.accounts.views import Me
from app.conversations import queries as conversations
from app.core import database, outside
from app.core.database import Row
from app.core.errors import Conflict, Invalid, NotFound
from app.core.i18n import _
from app.core.settings import Settings
from app.messages.views import Author
from app.notifications.webhooks import access, following, signing
from app.notifications.webhooks.views import SubscriptionView
from app.people.views import shown_name

MOST = 20
COLUMNS = f"""
    s.id, s.conversation, s.url, s.events, s.created_at, s.failing_since, s.disabled_at, s.disabled_reason,
    p.id AS owner, p.username, p.name, {address("p")} AS avatar
"""


async def subscribe(
    settings: Settings, me: Me, conversation: int | None, url: str, events: list[str]
) -> SubscriptionView:
    """Another program is told of these events from now on: in the conversation or, where that is None, in the general
    room and the announcements. Raises NotFound, Forbidden, Invalid, Conflict."""
    await access.manager(me, conversation)
    wrong = {}
    try:
        url = outside.check_url(settings, url)
    except Invalid as error:
        wrong = error.fields
    chosen = [event for event in following.EVENTS if event in events]
    if not chosen or set(events) - set(following.EVENTS):
        wrong["events"] = _("Choose the events: %(events)s.") % {"events": ", ".join(following.EVENTS)}
    if wrong:
        raise Invalid(**wrong)
    secret = signing.make_secret()
    async with database.transaction():
        await access.one_after_the_other(me, conversation)
        made = await database.fetch_value(
            """
            INSERT INTO subscription (conversation, owner, url, events, secret)
            SELECT $1, $2, $3, $4, $5
            WHERE (SELECT count(*) FROM subscription WHERE conversation IS NOT DISTINCT FROM $1) < $6 RETURNING id
            """,
            conversation,
            me.id,
            url,
            " ".join(chosen),
            secret,
            MOST,
        )
        if made is None:
            raise Conflict(_("The limit of %(most)d is reached. Delete one first.") % {"most": MOST})
        await following.catch_up(made, await _followed(conversation))
    view = await one(made)
    view.secret = secret
    return view


async def _followed(conversation: int | None) -> list[int]:
    """What everyone is in, for the instance: nobody's group or direct conversation, whoever asks."""
    return [conversation] if conversation else [await conversations.general(), await conversations.announcements()]


async def of(conversation: int | None) -> list[SubscriptionView]:
    """All of a conversation, or of the instance. The caller has proved that it may see them."""
    rows = await database.fetch(
        f"""
        SELECT {COLUMNS} FROM subscription s JOIN person p ON p.id = s.owner
        WHERE s.conversation IS NOT DISTINCT FROM $1 ORDER BY s.id
        """,
        conversation,
    )
    return [view_of(row) for row in rows]


async def one(subscription: int) -> SubscriptionView:
    """A subscription. The caller has proved that it may see it. Raises NotFound."""
    row = await database.fetch_row(
        f"SELECT {COLUMNS} FROM subscription s JOIN person p ON p.id = s.owner WHERE s.id = $1", subscription
    )
    if row is None:
        raise NotFound
    return view_of(row)


async def renew_secret(me: Me, subscription: int) -> SubscriptionView:
    """Signs with another secret from now on. Raises NotFound, Forbidden."""
    await access.of_subscription(me, subscription)
    secret = signing.make_secret()
    await database.fetch("UPDATE subscription SET secret = $2 WHERE id = $1", subscription, secret)
    view = await one(subscription)
    view.secret = secret
    return view


async def switch_on(me: Me, subscription: int) -> SubscriptionView:
    """Tells again from now on, by the right of whoever switches it on. What happened meanwhile is not told. One that is
    on stays as it is. Raises NotFound, Forbidden."""
    conversation = await access.of_subscription(me, subscription)
    async with database.transaction():
        changed = await database.fetch_value(
            """
            UPDATE subscription SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL, owner = $2
            WHERE id = $1 AND disabled_at IS NOT NULL RETURNING id
            """,
            subscription,
            me.id,
        )
        if changed is not None:
            await following.catch_up(subscription, await _followed(conversation))
    return await one(subscription)


async def unsubscribe(me: Me, subscription: int) -> int | None:
    """Ends a subscription, and what it has not told yet; gives its conversation. Raises NotFound, Forbidden."""
    conversation = await access.of_subscription(me, subscription)
    await database.fetch("DELETE FROM subscription WHERE id = $1", subscription)
    return conversation


def view_of(row: Row) -> SubscriptionView:
    return SubscriptionView(
        id=row["id"],
        conversation_id=row["conversation"],
        url=row["url"],
        events=row["events"].split(),
        owner=Author(row["owner"], row["username"], shown_name(row["name"]), row["avatar"]),
        created_at=row["created_at"],
        failing_since=row["failing_since"],
        disabled_at=row["disabled_at"],
        disabled_reason=row["disabled_reason"],
    )
