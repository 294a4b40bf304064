"""What accounts leave behind, and nobody needs any more."""

from datetime import datetime, timedelta

from app.core.periodic import every
from app.core.sweeps import sweep

TOKENS_OVER = "least(revoked_at, expires_at) < now() - interval '30 days'"


def register() -> None:
    """Says what is swept; called once by the worker."""

    @every(timedelta(hours=6), name="sweep sessions")
    async def sessions_that_ended_long_ago(_due: datetime) -> bool:
        """A token that was stolen is recognised by its session: so that one stays for a while after its end."""
        return await sweep("session", "least(ended_at, expires_at) < now() - interval '30 days'")

    @every(timedelta(hours=6), name="sweep tokens")
    async def tokens_that_ended_long_ago(_due: datetime) -> bool:
        return await sweep("access_token", TOKENS_OVER)

    @every(timedelta(hours=1), name="sweep links")
    async def links_that_were_mailed_and_are_over(_due: datetime) -> bool:
        """For a day they say of themselves that they are too old, and no link at all says it in the same words."""
        resets = await sweep("password_reset", "least(used_at, expires_at) < now() - interval '1 day'")
        return await sweep("email_change", "expires_at < now() - interval '1 day'") or resets
