"""The log of what was told to other programs, and telling it again."""

import msgspec

from app.accounts.views import Me
from app.core import database
from app.core.errors import Conflict, NotFound
from app.core.i18n import _
from app.notifications.webhooks import access, subscriptions
from app.notifications.webhooks.views import DeliveryView, SubscriptionLog

COLUMNS = """
    id, key, event, message AS message_id, created_at, state, tries,
    CASE WHEN state = 'waiting' THEN due_at END AS due_at, tried_at, took_ms, status, problem, answer, again_of
"""


async def log_of(me: Me, subscription: int, before: int | None, limit: int) -> SubscriptionLog:
    """A subscription with a page of its deliveries, the newest first. Raises NotFound, Forbidden."""
    await access.of_subscription(me, subscription)
    rows = await database.fetch(
        f"SELECT {COLUMNS} FROM delivery WHERE subscription = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        subscription,
        before or 2**62,
        limit + 1,
    )
    found = [DeliveryView(**row) for row in rows[:limit]]
    about = msgspec.structs.asdict(await subscriptions.one(subscription))
    return SubscriptionLog(**about, deliveries=found, next=found[-1].id if len(rows) > limit else None)


async def again(me: Me, subscription: int, delivery: int) -> DeliveryView:
    """Tells the same event once more, under a number of its own and with the text of now: a receiver that keeps those
    that it has seen takes it for a new one. Raises NotFound, Forbidden, Conflict."""
    await access.of_subscription(me, subscription)
    row = await database.fetch_row(
        f"""
        INSERT INTO delivery (subscription, message, event, change, again_of)
        SELECT d.subscription, d.message, d.event, d.change, d.id FROM delivery d
        JOIN subscription s ON s.id = d.subscription AND s.disabled_at IS NULL
        WHERE d.id = $2 AND d.subscription = $1 RETURNING {COLUMNS}
        """,
        subscription,
        delivery,
    )
    if row is not None:
        return DeliveryView(**row)
    if await database.fetch_value(
        "SELECT id FROM delivery WHERE id = $2 AND subscription = $1", subscription, delivery
    ):
        raise Conflict(_("It is disabled. Enable it first."))
    raise NotFound
