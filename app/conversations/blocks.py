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
        raise Invalid(username=_("That is you. Choose someone else."))
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
    """Whether one of them has blocked the other. Inside a transaction it stays so until its end."""
    await database.fetch("SELECT id FROM person WHERE id = ANY($1) ORDER BY id FOR SHARE", [one, other])
    return bool(
        await database.fetch_value(
            "SELECT EXISTS (SELECT FROM block WHERE (person, blocked) IN (($1, $2), ($2, $1)))", one, other
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
    """Makes the rest follow from the blocks. A send that is under way holds the row of its conversation: it comes
    before the block, or not at all."""
    await database.fetch("UPDATE person SET blocks = blocks + 1 WHERE id = $1", me)
    await database.fetch(
        """
        UPDATE conversation SET blocked = EXISTS (SELECT FROM block WHERE (person, blocked) IN (($2, $3), ($3, $2)))
        WHERE direct_key = $1
        """,
        f"{min(me, other)}:{max(me, other)}",
        me,
        other,
    )
