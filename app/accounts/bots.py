"""Bots: members that are programs. A bot is a person without a password, a mailbox or a way to get either: it is in
conversations as anyone, and comes in by tokens alone, which its owner makes."""

import secrets

import asyncpg

from app.accounts import checks, usernames
from app.accounts.views import BotView, Me
from app.core import database, limits, text
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.settings import Settings

# Of one owner, at a time.
MOST = 20
COLUMNS = "p.id, p.username, p.name, '/avatars/' || p.id || '/' || p.avatar, p.created_at"
MINE = "p.bot_owner = {0} AND p.deactivated_at IS NULL"


async def listed(owner: Me) -> list[BotView]:
    """Someone's bots, in the order in which they were made."""
    rows = await database.fetch(f"SELECT {COLUMNS} FROM person p WHERE {MINE.format('$1')} ORDER BY p.id", owner.id)
    return [BotView(*row) for row in rows]


async def one(owner: Me, bot: int) -> BotView:
    """That bot; raises NotFound unless it is theirs."""
    row = await database.fetch_row(
        f"SELECT {COLUMNS} FROM person p WHERE p.id = $2 AND {MINE.format('$1')}", owner.id, bot
    )
    if row is None:
        raise NotFound
    return BotView(*row)


async def make(settings: Settings, owner: Me, username: str, name: str) -> int:
    """Makes a bot of theirs; gives its id. Raises Invalid that names every field that is wrong, TooMany, and Forbidden
    for who may not make any: in a school the staff alone do."""
    require_maker(owner)
    username, name = username.strip().lower(), text.one_line(name)
    wrong = {**checks.username_problem(username), **checks.name_problem(name)}
    # Counted before it is looked up: the answer tells who has an account.
    await limits.spend(settings, (limits.BOT_PERSON, str(owner.id)))
    wrong = await checks.taken(settings, username, "") | wrong
    if wrong:
        raise Invalid(**wrong)
    try:
        async with database.transaction():
            # Whoever makes two at once makes them one after the other, and who leaves has left or takes this one along.
            here = await database.fetch_value(
                "SELECT id FROM person WHERE id = $1 AND deactivated_at IS NULL FOR NO KEY UPDATE", owner.id
            )
            if here is None:
                raise NotFound
            if len(await listed(owner)) >= MOST:
                raise Invalid(_("You have reached the limit of %(most)d bots. Delete one first.") % {"most": MOST})
            return await insert(name, username, owner.id)
    except asyncpg.UniqueViolationError as error:
        raise Invalid(**await checks.taken(settings, username, "")) from error


def require_maker(owner: Me) -> None:
    """Raises Forbidden with the reason for who may not make bots."""
    if owner.policy == "school" and not owner.is_staff:
        raise Forbidden(_("In this school, only teachers and administrators can create bots."))


async def insert(name: str, username: str | None = None, owner: int | None = None) -> int:
    """Writes the row of a bot, with what was checked before; gives its id. Stands inside a transaction. Without a
    username it gets one of its own, without an owner it is the house's: it ends with `close` alone."""
    username = username or f"bot-{secrets.token_hex(8)}"
    made: int = await database.fetch_value(
        """
        INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key, bot, bot_owner)
        VALUES ($1, $2, $3, '', $4, '', $5, true, $6) RETURNING id
        """,
        username,
        usernames.skeleton(username),
        name,
        # No address: nobody can type it where addresses are typed and looked up.
        f"bot~{secrets.token_hex(16)}",
        text.search_key(name, username),
        owner,
    )
    return made


async def close(bots: list[int]) -> None:
    """Closes bots: their tokens end, their messages stay under their names; the watch ends their streams. In one order,
    for others may hold some of them (see `people/access`)."""
    await database.fetch(
        """
        WITH closing AS MATERIALIZED (
            SELECT id FROM person WHERE id = ANY($1) AND bot AND deactivated_at IS NULL ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE person p SET deactivated_at = now() FROM closing WHERE p.id = closing.id
        """,
        bots,
    )


async def of(owner: int) -> list[int]:
    """The ids of someone's bots."""
    rows = await database.fetch("SELECT id FROM person WHERE bot_owner = $1 AND deactivated_at IS NULL", owner)
    return [row["id"] for row in rows]


async def close_all(owner: int) -> None:
    """Someone closes their account: nobody looks after their bots any more. Stands inside a transaction."""
    await close(await of(owner))
