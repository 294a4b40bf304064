"""What changes an account. Each is one transaction; after it, `ring` tells every process whose sessions ended."""

from datetime import timedelta

import asyncpg

from app.accounts import checks, sessions, tokens, usernames
from app.accounts.sessions import Proof
from app.accounts.views import LONGEST_EMAIL, Me
from app.core import database, i18n, limits, security, text
from app.core.errors import Invalid, Unauthorized
from app.core.i18n import _
from app.core.settings import Settings

RESET_LASTS = timedelta(minutes=10)
# When the last one has deleted their account, whoever comes next is the first again.
ANYONE = "EXISTS (SELECT FROM person WHERE deactivated_at IS NULL AND NOT bot)"


async def sign_up(
    settings: Settings, *, username: str, name: str, email: str, password: str, address: str, time_zone: str = ""
) -> Proof:
    """Makes an account and gives the proof of who it is; the first one becomes the administrator.

    Raises Invalid that names every field that is wrong, and TooMany.
    """
    username, name, email = username.strip().lower(), text.one_line(name), email.strip()
    wrong = {**checks.username_problem(username), **checks.name_problem(name), **checks.email_problem(email)}
    # Counted before anything is looked up or estimated: the answers tell who has an account, and cost CPU.
    tries = [(limits.SIGNUP_ADDRESS, limits.network(address))]
    tries += [(limits.SIGNUP_ACCOUNT, email.casefold())] if "email" not in wrong else []
    await limits.spend(settings, *tries)
    wrong = await checks.taken(settings, username, email) | wrong
    problem = await security.password_problem(password, username, name, email)
    if problem:
        wrong["password"] = problem
    if wrong:
        raise Invalid(**wrong)
    hashed = await security.hash_password(password)
    locale = i18n.current()
    zone = time_zone if i18n.is_zone(time_zone) else settings.time_zone
    try:
        async with database.transaction():
            # Two who sign up first at the same moment: one of them is the first.
            await database.fetch(f"SELECT pg_advisory_xact_lock(7220134) WHERE NOT {ANYONE}")
            person: int = await database.fetch_value(
                f"""
                INSERT INTO person (username, skeleton, name, email, email_key, password_hash, role, language,
                                    time_zone, search_key)
                SELECT $1, $2, $3, $4, $5, $6,
                       CASE WHEN {ANYONE} THEN 'student' ELSE 'admin' END, $7, $8, $9
                RETURNING id
                """,
                username,
                usernames.skeleton(username),
                name,
                email,
                email.casefold(),
                hashed,
                locale.language,
                zone,
                text.search_key(name, username),
            )
    except asyncpg.UniqueViolationError as error:
        raise Invalid(**await checks.taken(settings, username, email)) from error
    return Proof(person, hashed)


async def log_in(settings: Settings, login: str, password: str, address: str) -> Proof:
    """The proof of whose name or address and password these are; raises Unauthorized, alike for both."""
    login = login.strip().casefold()[: LONGEST_EMAIL + 1]
    storable = text.storable(login)
    row = await database.fetch_row(
        """
        SELECT id, password_hash FROM person
        WHERE (username = $1 OR email_key = $1) AND deactivated_at IS NULL AND NOT bot
        """,
        login if storable else "",
    )
    # By its number: an account has two names, and would be open to twice as many guesses.
    account = (limits.LOGIN_ACCOUNT, f"person {row['id']}" if row else login)
    network = (limits.LOGIN_ADDRESS, limits.network(address))
    await limits.spend(settings, account, network)
    if not await security.password_matches(row["password_hash"] if row else None, password):
        raise Unauthorized(_("Incorrect email, username or password."))
    assert row is not None
    # The address gets back this one try (a school logs in from one each morning) and no more: whoever has one account
    # of their own must not reset its count to guess at others.
    await limits.forgive(settings, account)
    await limits.give_back(settings, network)
    return Proof(row["id"], row["password_hash"])


async def make_reset_link(settings: Settings, typed: str) -> tuple[str, str, str] | None:
    """For the worker: (address, language, link) of the person with that address; None when there is none.

    A new link ends the older ones. Only its hash is kept. It goes to the address of the account, never to the typed
    one: "claß.example" is compared as "class.example" but is another domain, whose owner would get the link.
    """
    if not text.storable(typed):
        return None
    row = await database.fetch_row(
        "SELECT id, email, language FROM person WHERE email_key = $1 AND deactivated_at IS NULL AND NOT bot",
        typed.casefold(),
    )
    if row is None:
        return None
    token, hashed = security.make_link_token()
    async with database.transaction():
        await database.fetch("DELETE FROM password_reset WHERE person = $1", row["id"])
        await database.fetch(
            "INSERT INTO password_reset (person, token_hash, expires_at) VALUES ($1, $2, now() + $3)",
            row["id"],
            hashed,
            RESET_LASTS,
        )
    return row["email"], row["language"], f"{settings.base_url}/auth/reset-password?token={token}"


def old_link() -> str:
    """What is said of a link that does not work (any more)."""
    return _("This link has expired or has already been used. Please request a new one.")


async def link_works(token: str) -> bool:
    """Whether a new password can be set with this link."""
    return bool(
        await database.fetch_value(
            """
            SELECT EXISTS (SELECT FROM password_reset r JOIN person p ON p.id = r.person
                WHERE r.token_hash = $1 AND r.used_at IS NULL AND r.expires_at > now() AND p.deactivated_at IS NULL)
            """,
            security.hash_link_token(token) if text.storable(token) else b"",
        )
    )


async def reset_password(settings: Settings, token: str, password: str, address: str) -> list[int]:
    """Sets a new password by a link that was mailed, once; gives the sessions and tokens that ended (all of them)."""
    await limits.spend(settings, (limits.RESET_TOKEN_ADDRESS, limits.network(address)))
    token_hash = security.hash_link_token(token) if text.storable(token) else b""
    owner = await database.fetch_row(
        "SELECT p.username, p.name, p.email FROM password_reset r JOIN person p ON p.id = r.person"
        " WHERE r.token_hash = $1",
        token_hash,
    )
    problem = await security.password_problem(password, *(owner or ()))
    if problem:
        raise Invalid(password=problem)
    hashed = await security.hash_password(password)
    async with database.transaction():
        person = await database.fetch_value(
            """
            UPDATE password_reset r SET used_at = now() FROM person p
            WHERE r.token_hash = $1 AND r.used_at IS NULL AND r.expires_at > now()
              AND p.id = r.person AND p.deactivated_at IS NULL
            RETURNING r.person
            """,
            token_hash,
        )
        if person is None:
            raise Invalid(token=old_link())
        return await _set_password(person, hashed)


async def change_password(settings: Settings, me: Me, current: str, password: str) -> list[int]:
    """Sets a new password, given the present one; gives the sessions and tokens that ended (all but this one)."""
    await limits.spend(settings, (limits.PASSWORD_PERSON, str(me.id)))
    await require_password(me, current)
    person = await sessions.own_view(me.id)
    problem = await security.password_problem(password, me.username, me.name, person.email)
    if problem:
        raise Invalid(password=problem)
    hashed = await security.hash_password(password)
    async with database.transaction():
        return await _set_password(me.id, hashed, but=me.session)


async def require_password(me: Me, password: str) -> str:
    """Gives the hash that it fits; raises Invalid unless it is this person's password."""
    hashed = await database.fetch_value("SELECT password_hash FROM person WHERE id = $1", me.id)
    if not await security.password_matches(hashed, password):
        raise Invalid(current=_("This is not your current password."))
    return str(hashed)


async def _set_password(person: int, hashed: str, but: int = 0) -> list[int]:
    await database.fetch("UPDATE person SET password_hash = $2, updated_at = now() WHERE id = $1", person, hashed)
    await database.fetch("DELETE FROM password_reset WHERE person = $1 AND used_at IS NULL", person)
    # Whoever knew the old one may have asked for an address of their own.
    await database.fetch("DELETE FROM email_change WHERE person = $1", person)
    return [*await sessions.end_all(person, but), *await tokens.revoke_all(person)]


async def anyone_here() -> bool:
    """Whether someone has an account already, or still."""
    return bool(await database.fetch_value(f"SELECT {ANYONE}"))
