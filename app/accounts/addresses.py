"""Another e-mail address: it is theirs when the link that was mailed there is opened.

What the answers say does not depend on whether another account has the address: the worker looks that up, and then
mails nothing.
"""

from datetime import timedelta

import asyncpg

from app.accounts import checks
from app.accounts.actions import old_link, require_password
from app.accounts.events import EmailChangeAsked, EmailChanged
from app.accounts.views import Me
from app.core import database, jobs, limits, security, text
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.settings import Settings

LASTS = timedelta(hours=1)
# The change that the token $1 is of.
OPEN = """
    email_change e JOIN person p ON p.id = e.person AND p.deactivated_at IS NULL
    WHERE e.token_hash = $1 AND e.expires_at > now()
"""


async def ask(settings: Settings, me: Me, email: str, current: str) -> None:
    """Has a link mailed to the new address, given the password; raises Invalid, TooMany."""
    email = email.strip()
    wrong = checks.email_problem(email)
    if wrong:
        raise Invalid(**wrong)
    await limits.spend(settings, (limits.PASSWORD_PERSON, str(me.id)))
    proved = await require_password(me, current)
    if email == await database.fetch_value("SELECT email FROM person WHERE id = $1", me.id):
        raise Invalid(email=_("This is already your email address."))
    # Counted after the password: whoever does not know it has no mail sent.
    await limits.spend(settings, (limits.EMAIL_PERSON, str(me.id)))
    async with database.transaction():
        # A password that was changed since ends what the old one allowed, as it ends every link and session.
        still = (
            "SELECT id FROM person WHERE id = $1 AND password_hash = $2 AND deactivated_at IS NULL FOR NO KEY UPDATE"
        )
        if await database.fetch_value(still, me.id, proved) is None:
            raise Invalid(current=_("This is not your current password."))
        await database.fetch("DELETE FROM email_change WHERE person = $1", me.id)
        change = await database.fetch_value(
            "INSERT INTO email_change (person, email, expires_at) VALUES ($1, $2, now() + $3) RETURNING id",
            me.id,
            email,
            LASTS,
        )
        await jobs.defer(EmailChangeAsked(change))


async def make_link(settings: Settings, change: int) -> tuple[str, str, str] | None:
    """For the worker: (address, language, link) to mail; None when another account has the address by now, or when what
    was asked for has ended: by a new password, by another address, by the hour."""
    token, hashed = security.make_link_token()
    rows = await database.fetch(
        """
        SELECT e.email FROM email_change e JOIN person p ON p.id = e.person AND p.deactivated_at IS NULL
        WHERE e.id = $1 AND e.expires_at > now()
        """,
        change,
    )
    if not rows:
        return None
    email: str = rows[0]["email"]
    language = await database.fetch_value(
        """
        UPDATE email_change e SET token_hash = $2 FROM person p
        WHERE e.id = $1 AND p.id = e.person
          AND NOT EXISTS (SELECT FROM person o WHERE o.email_key = $3 AND o.id <> p.id)
        RETURNING p.language
        """,
        change,
        hashed,
        email.casefold(),
    )
    return (email, language, f"{settings.base_url}/auth/confirm-email?token={token}") if language else None


async def link_works(token: str) -> bool:
    """Whether an address can be confirmed with this link."""
    return bool(await database.fetch_value(f"SELECT EXISTS (SELECT FROM {OPEN})", _hashed(token)))


async def confirm(settings: Settings, token: str, address: str) -> int:
    """Makes the address theirs, once; gives whose. Links for a new password that went to the old address end. Raises
    Invalid, also when another account has taken the address meanwhile."""
    await limits.spend(settings, (limits.RESET_TOKEN_ADDRESS, limits.network(address)))
    try:
        async with database.transaction():
            row = await database.fetch_row(
                f"SELECT e.id, e.person, e.email, p.email AS old FROM {OPEN} FOR UPDATE", _hashed(token)
            )
            if row is None:
                raise Invalid(token=old_link())
            await database.fetch("DELETE FROM email_change WHERE id = $1", row["id"])
            await database.fetch("DELETE FROM password_reset WHERE person = $1 AND used_at IS NULL", row["person"])
            await database.fetch(
                "UPDATE person SET email = $2, email_key = $3, updated_at = now() WHERE id = $1",
                row["person"],
                row["email"],
                row["email"].casefold(),
            )
            await jobs.defer(EmailChanged(row["person"], row["old"]))
    except asyncpg.UniqueViolationError as error:
        raise Invalid(token=old_link()) from error
    return int(row["person"])


async def language_of(person: int) -> str:
    """For the worker: the language in which a person is written to."""
    return str(await database.fetch_value("SELECT language FROM person WHERE id = $1", person))


def _hashed(token: str) -> bytes:
    return security.hash_link_token(token) if text.storable(token) else b""
