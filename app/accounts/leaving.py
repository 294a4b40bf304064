"""Ways out: closing one's account, which keeps all that it was, and deleting it, which keeps nothing of the person."""

from app.accounts import avatars, bots, checks, sessions, tokens
from app.accounts.actions import require_password
from app.accounts.views import Me
from app.core import database, limits
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.settings import Settings


async def require_proof(settings: Settings, me: Me, current: str) -> None:
    """Raises Invalid unless that is the password, TooMany after too many that were not."""
    await limits.spend(settings, (limits.PASSWORD_PERSON, str(me.id)))
    await require_password(me, current)


async def one_goes() -> None:
    """Until the end of the transaction nobody else closes an account, and nobody becomes an owner: it might be the one
    who goes. Taken before any row, as `nobody_goes` is, so that they come to no deadlock."""
    await database.fetch("SELECT pg_advisory_xact_lock(hashtext('closing'))")


async def nobody_goes() -> None:
    """Until the end of the transaction nobody else closes an account; many may hold this at a time."""
    await database.fetch("SELECT pg_advisory_xact_lock_shared(hashtext('closing'))")


async def stays(person: int) -> bool:
    """Whether that account is open, and will be until the end of the transaction. For a transaction that holds rows
    already, and would come to a deadlock if it waited: it waits for nobody, and so says no, too, at a moment in which
    anyone closes theirs."""
    if not await database.fetch_value("SELECT pg_try_advisory_xact_lock_shared(hashtext('closing'))"):
        return False
    found = "SELECT EXISTS (SELECT FROM person WHERE id = $1 AND deactivated_at IS NULL)"
    return bool(await database.fetch_value(found, person))


async def deactivate(me: Me) -> list[int]:
    """Closes an account; what was written stays, under the name. Stands at the end of a transaction that `hold`s it.
    Gives the sessions and tokens that ended (all)."""
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", me.id)
    await bots.close_all(me.id)
    return [*await sessions.end_all(me.id), *await tokens.revoke_all(me.id)]


async def hold(me: Me, even_alone: bool = False) -> None:
    """Until the end of the transaction no administrator comes and nobody goes but this person; raises Invalid when they
    are the only administrator and would leave others behind (`even_alone`: or nobody).

    Not FOR UPDATE: a message of theirs that is under way points to their row, and whoever keeps it holds a conversation
    that this transaction may wait for."""
    await one_goes()
    people = await database.fetch(
        """
        SELECT id, role FROM person WHERE deactivated_at IS NULL AND (role = 'admin' OR id = $1)
        ORDER BY id FOR NO KEY UPDATE
        """,
        me.id,
    )
    admins = [row["id"] for row in people if row["role"] == "admin"]
    others = "SELECT EXISTS (SELECT FROM person WHERE deactivated_at IS NULL AND id <> $1 AND NOT bot)"
    if admins == [me.id] and (even_alone or await database.fetch_value(others, me.id)):
        raise Invalid(current=_("You are the only administrator. Make someone else an administrator first."))


async def erase(settings: Settings, me: Me) -> list[int]:
    """Takes everything personal out of an account and closes it for good; stands at the end of a transaction that
    `hold`s it. Gives the sessions and tokens that ended (all).

    The row stays, for what was written points to it. Its username stays taken: under it a stranger would be thought to
    be who left."""
    await bots.close_all(me.id)
    await avatars.remove(me.id)
    await database.fetch("DELETE FROM password_reset WHERE person = $1", me.id)
    await database.fetch("DELETE FROM email_change WHERE person = $1", me.id)
    await database.fetch("DELETE FROM presence WHERE person = $1", me.id)
    # With the devices and addresses from which they came.
    ended_tokens = await tokens.revoke_all(me.id)
    await database.fetch("DELETE FROM access_token WHERE person = $1", me.id)
    ended = await database.fetch("DELETE FROM session WHERE person = $1 RETURNING id", me.id)
    username = await database.fetch_value("SELECT username FROM person WHERE id = $1", me.id)
    await database.fetch(
        """
        UPDATE person SET username = 'deleted~' || id, skeleton = $2, name = '', email = '',
               email_key = 'deleted~' || id, password_hash = '', role = 'student', about = '', language = 'en',
               time_zone = 'UTC', search_key = '', contact_code = NULL, blocks = 0,
               updated_at = now(), deactivated_at = now()
        WHERE id = $1
        """,
        me.id,
        checks.reserved(settings, username),
    )
    return [*(row["id"] for row in ended), *ended_tokens]
