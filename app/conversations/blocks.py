"""Blocking: neither sees the other any more, and their direct conversation is gone for both while it lasts."""

from typing import NamedTuple

from app.accounts.views import Me
from app.core import database
from app.core.errors import Invalid, NotFound
from app.core.i18n import _
from app.people import access, contacts, presence


class Parted(NamedTuple):
    """What is to be told: whom it is about, the questions of one to the staff that nobody looks after now, and the
    (person, viewer) whose presence is, or was until now, seen."""

    other: int
    given_back: list[int]
    seen: list[tuple[int, int]]


async def block(me: Me, username: str) -> Parted:
    """Blocks that person; again changes nothing. Raises NotFound, Invalid."""
    other = await _person(username)
    if other == me.id:
        raise Invalid(username=_("This is you. Choose someone else."))
    async with database.transaction():
        await access.hold(me.id, other)
        seen = await presence.seen_between(me.id, other)
        await database.fetch("INSERT INTO block (person, blocked) VALUES ($1, $2) ON CONFLICT DO NOTHING", me.id, other)
        await contacts.forget(me.id, other)
        await _settle(me.id, other)
        return Parted(other, await _leave_to_the_team(me.id, other), seen)


async def unblock(me: Me, username: str) -> Parted:
    """Takes it back; where there was none, nothing changes. Raises NotFound."""
    other = await _person(username, left_too=True)
    async with database.transaction():
        await access.hold(me.id, other)
        await database.fetch("DELETE FROM block WHERE person = $1 AND blocked = $2", me.id, other)
        await _settle(me.id, other)
        return Parted(other, [], await presence.seen_between(me.id, other))


async def are_apart(one: int, other: int) -> bool:
    """Whether one of them, or the owner of one that is a bot, has blocked the other. Inside a transaction it stays so
    until its end."""
    await database.fetch(
        """
        SELECT id FROM person WHERE id = ANY($1) OR id IN (SELECT bot_owner FROM person WHERE id = ANY($1))
        ORDER BY id FOR SHARE
        """,
        [one, other],
    )
    return bool(
        await database.fetch_value(
            f"SELECT {_apart('a', 'o')} FROM person a, person o WHERE a.id = $1 AND o.id = $2", one, other
        )
    )


async def forget_all(person: int) -> None:
    """Takes back all blocks of a person who leaves for good. Those of others against them stay as they are."""
    await database.fetch("DELETE FROM block WHERE person = $1", person)
    await database.fetch(
        """
        UPDATE conversation c SET blocked = false FROM membership m
        WHERE m.person = $1 AND c.id = m.conversation AND c.kind = 'direct' AND c.blocked
          AND NOT EXISTS (SELECT FROM block b WHERE b.blocked = $1 AND c.direct_key = concat(
                least(b.person, b.blocked), ':', greatest(b.person, b.blocked)))
        """,
        person,
    )


def _apart(one: str, other: str) -> str:
    """The condition under which a block stands between two rows of `person`, or the owners of those that are bots."""
    ones, others = (f"({row}.id, {row}.bot_owner)" for row in (one, other))
    return f"""
        EXISTS (SELECT FROM block b WHERE b.person IN {ones} AND b.blocked IN {others}
            OR b.person IN {others} AND b.blocked IN {ones})
    """


async def _person(username: str, left_too: bool = False) -> int:
    # Not through people.access: whoever is blocked, or has blocked me, can be blocked and unblocked all the same.
    found = await database.fetch_value(
        "SELECT id FROM person WHERE username = $1 AND ($2 OR deactivated_at IS NULL)",
        username.strip().lower().removeprefix("@"),
        left_too,
    )
    if found is None:
        raise NotFound
    return int(found)


async def _leave_to_the_team(me: int, other: int) -> list[int]:
    """What one asks of the staff is no longer seen by the other: the rest of the team remains to answer."""
    await database.fetch(
        """
        DELETE FROM membership m USING conversation c WHERE c.kind = 'support' AND m.conversation = c.id AND m.of_team
          AND (c.owner, m.person) IN (($1, $2), ($2, $1))
        """,
        me,
        other,
    )
    rows = await database.fetch(
        """
        UPDATE conversation SET assignee = NULL WHERE kind = 'support' AND (owner, assignee) IN (($1, $2), ($2, $1))
        RETURNING id
        """,
        me,
        other,
    )
    return [row["id"] for row in rows]


async def _settle(me: int, other: int) -> None:
    """Makes the rest follow from the blocks, also between the bots of the two. A send that is under way holds the
    row of its conversation: it comes before the block, or not at all."""
    await database.fetch("UPDATE person SET blocks = blocks + 1 WHERE id = $1", me)
    await database.fetch(
        f"""
        WITH mine AS (SELECT id, bot_owner FROM person WHERE id = $1 OR bot_owner = $1),
            theirs AS (SELECT id, bot_owner FROM person WHERE id = $2 OR bot_owner = $2)
        UPDATE conversation c SET blocked = {_apart("a", "o")} FROM mine a, theirs o
        WHERE c.direct_key = concat(least(a.id, o.id), ':', greatest(a.id, o.id))
        """,
        me,
        other,
    )
