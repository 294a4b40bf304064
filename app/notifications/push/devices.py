"""The browsers on which people want to be told: each subscribes once for its session, and goes with it."""

import base64
import binascii
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from app.accounts.views import Me
from app.core import database, outside
from app.core.errors import Invalid, NotFound, Unauthorized
from app.core.i18n import _
from app.core.settings import Settings
from app.notifications.push import keys

MOST = 20
# Failed that often in a row, it is said beside the device.
FAILING = 3
# Of the session `e`, at this moment.
GOOD = "e.ended_at IS NULL AND e.expires_at > now()"


class Keys(msgspec.Struct):
    p256dh: str = ""
    auth: str = ""


class Subscription(msgspec.Struct):
    """As browsers write it: `subscription.toJSON()` of the Push API. What else they say is not needed."""

    endpoint: str = ""
    keys: Keys = msgspec.field(default_factory=Keys)


class DeviceView(msgspec.Struct):
    """A browser that is told. `current`: the one that asks. `failing`: its push service has not answered lately."""

    id: int
    device: str
    created_at: datetime
    last_used_at: datetime | None
    current: bool
    failing: bool


class DevicesView(msgspec.Struct):
    """The browsers that are told, the latest first, and the key for which another one subscribes (VAPID)."""

    subscriptions: list[DeviceView]
    public_key: str


async def listed(me: Me) -> DevicesView:
    """Theirs; the addresses are for nobody to see: whoever has one can send there."""
    rows = await database.fetch(
        f"""
        SELECT s.id, e.device, s.created_at, s.last_used_at, s.session = $2, s.failures >= {FAILING}
        FROM push_subscription s JOIN session e ON e.id = s.session AND {GOOD}
        WHERE s.person = $1 ORDER BY s.id DESC
        """,
        me.id,
        me.session,
    )
    return DevicesView([DeviceView(*row) for row in rows], await keys.public())


async def subscribe(settings: Settings, me: Me, given: Subscription) -> DeviceView:
    """From now on this browser is told, in place of what it had subscribed before. Raises Invalid, and Unauthorized
    when its session has ended meanwhile."""
    endpoint = outside.check_url(settings, given.endpoint, "endpoint")
    if len(endpoint) > outside.LONGEST_URL or not endpoint.isascii():
        raise Invalid(endpoint=_("Use at most %(most)d characters.") % {"most": outside.LONGEST_URL})
    p256dh = _point(given.keys.p256dh)
    auth = _bytes("auth", given.keys.auth, 16)
    async with database.transaction():
        # One after the other, so that two at once are counted.
        await database.fetch("SELECT FROM person WHERE id = $1 FOR NO KEY UPDATE", me.id)
        await database.fetch(
            "DELETE FROM push_subscription WHERE session = $1 AND endpoint <> $2", me.session, endpoint
        )
        count = "SELECT count(*) FROM push_subscription WHERE person = $1 AND endpoint <> $2"
        if await database.fetch_value(count, me.id, endpoint) >= MOST:
            raise Invalid(_("You already have %(most)d devices. Remove one first.") % {"most": MOST})
        session = await database.fetch_row(
            f"SELECT e.device FROM session e WHERE e.id = $1 AND e.person = $2 AND {GOOD} FOR SHARE", me.session, me.id
        )
        if session is None:
            raise Unauthorized
        row = await database.fetch_row(KEEP, me.id, me.session, endpoint, p256dh, auth)
        if row is None:
            raise Invalid(endpoint=_("This address belongs to another browser."))
        await database.fetch(
            """
            DELETE FROM push_waiting w USING notification n
            WHERE w.subscription = $1 AND n.id = w.notification AND n.person <> $2
            """,
            row["id"],
            me.id,
        )
    return DeviceView(row["id"], session["device"], row["created_at"], row["last_used_at"], True, False)


# The same browser has the same keys, whoever is signed in there by now. Who knows no more than the address of somebody
# else's does not get it.
KEEP = """
    INSERT INTO push_subscription AS s (person, session, endpoint, p256dh, auth) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (endpoint) DO UPDATE
    SET person = $1, session = $2, failures = 0, retry_at = CASE WHEN s.retry_at IS NOT NULL THEN now() END,
        created_at = CASE WHEN s.session = $2 THEN s.created_at ELSE now() END,
        last_used_at = CASE WHEN s.session = $2 THEN s.last_used_at END
    WHERE s.p256dh = excluded.p256dh AND s.auth = excluded.auth
    RETURNING s.id, s.created_at, s.last_used_at
"""


async def remove(me: Me, number: int) -> None:
    """Tells that browser nothing more; raises NotFound."""
    sql = "DELETE FROM push_subscription WHERE id = $1 AND person = $2 RETURNING id"
    if await database.fetch_value(sql, number, me.id) is None:
        raise NotFound


async def sweep() -> None:
    """Removes those whose session is over without anybody having ended it."""
    await database.fetch(
        f"DELETE FROM push_subscription s WHERE NOT EXISTS (SELECT FROM session e WHERE e.id = s.session AND {GOOD})"
    )


def _point(given: str) -> str:
    """A public key of the browser's: one that is not on the curve would be refused each time, or tell of ours."""
    text = _bytes("p256dh", given, 65)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64.urlsafe_b64decode(text + "="))
    except ValueError:
        raise Invalid(p256dh=_("The request is malformed.")) from None
    return text


def _bytes(field: str, given: str, length: int) -> str:
    """Base64 of so many bytes, without padding."""
    text = given.rstrip("=")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True) if len(text) < 100 else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != length:
        raise Invalid(**{field: _("The request is malformed.")})
    return keys.encoded(raw)
