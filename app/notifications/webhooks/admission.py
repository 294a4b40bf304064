"""Whether a post is let in: its secret, its pace, and for those who sign the signature, its time and that it is new."""

import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NamedTuple

from app.accounts.views import Me
from app.core import database, i18n, limits
from app.core.errors import Forbidden, NotFound, Unauthorized
from app.core.i18n import _
from app.core.limits import Limit
from app.core.security import hash_link_token
from app.core.settings import Settings
from app.notifications.webhooks import access, signing

PACE = Limit("webhook", 120, 60)


class Admitted(NamedTuple):
    """A webhook that may post: into that conversation, or (None) to whom it says. `bot` writes it."""

    id: int
    conversation: int | None
    bot: Me


@asynccontextmanager
async def admitted(
    settings: Settings, webhook: int, secret: str, headers: Mapping[str, str], body: bytes
) -> AsyncIterator[Admitted]:
    """The webhook of that secret. What is signed is used up, unless the work inside fails: then it may be sent again.
    Raises NotFound, TooMany, Unauthorized and Forbidden with the reason."""
    row = await database.fetch_row(
        f"""
        SELECT w.conversation, w.signing_key,
               coalesce({access.still_may(settings.role_policy, "m", "w")}, false) AS may,
               p.id, p.username, p.name, p.role, p.language, p.time_zone, p.created_at
        FROM webhook w JOIN person p ON p.id = w.bot LEFT JOIN person m ON m.id = w.maker
        LEFT JOIN conversation c ON c.id = w.conversation
        WHERE w.id = $1 AND w.secret_hash = $2
        """,
        webhook,
        hash_link_token(secret),
    )
    if row is None:
        raise NotFound
    conversation, key = row["conversation"], row["signing_key"]
    await limits.spend(settings, (PACE, str(webhook)))
    if not row["may"] and conversation is not None:
        raise Forbidden(
            _(
                "Whoever created this webhook no longer manages the conversation; someone who does can give it a new "
                "address."
            )
        )
    if not row["may"]:
        raise Forbidden(
            _(
                "Whoever created this webhook is no longer an administrator; another administrator can give it a new "
                "address."
            )
        )
    bot = speaker(settings, row)
    # In the language of who made it: what is written is one text for all.
    i18n.use(i18n.Locale(bot.language, bot.time_zone))
    used = await _require_signature(webhook, key, headers, body) if key is not None else None
    try:
        yield Admitted(webhook, conversation, bot)
    except BaseException:
        if used is not None:
            await database.fetch("DELETE FROM webhook_signature WHERE digest = $1", used)
        raise
    await database.fetch("UPDATE webhook SET used_at = now() WHERE id = $1", webhook)


def speaker(settings: Settings, row: database.Row) -> Me:
    """The bot of a webhook as whoever writes, of its row in the database."""
    about = {name: row[name] for name in ("id", "username", "name", "role", "language", "time_zone", "created_at")}
    return Me(**about, session=0, policy=settings.role_policy)


async def _require_signature(webhook: int, key: str, headers: Mapping[str, str], body: bytes) -> bytes:
    timestamp, given = headers.get(signing.TIMESTAMP, ""), headers.get(signing.SIGNATURE, "")
    if not timestamp or not given:
        raise Unauthorized(_("The request is not signed: X-Causerie-Timestamp and X-Causerie-Signature are required."))
    if not signing.matches(key, timestamp, body, given):
        raise Forbidden(_("The signature is invalid."))
    if not timestamp.isdecimal() or len(timestamp) > 12 or abs(time.time() - int(timestamp)) > signing.SECONDS:
        raise Forbidden(_("The request is too late: it was signed more than 5 minutes ago, or the clocks differ."))
    digest = hashlib.sha256(f"{webhook}:{given}".encode()).digest()
    fresh = await database.fetch_row(
        """
        INSERT INTO webhook_signature (digest, expires_at) VALUES ($1, now() + $2)
        ON CONFLICT DO NOTHING RETURNING digest
        """,
        digest,
        timedelta(seconds=4 * signing.SECONDS),  # twice as long as one may be good, by clocks that differ
    )
    if fresh is None:
        raise Forbidden(_("The request was sent before: each signature is accepted only once."))
    return digest
