"""Contacts: one asks, the other accepts or declines. There is one row for the two, and never a contact without the
consent of both.

Who was declined is not told. Neither is the asker told whether anyone has an e-mail address: what was asked that way is
out of their sight until it is accepted, whatever else they do, and the worker looks the address up.
"""

import re
from datetime import datetime, timedelta
from typing import Literal

from app.accounts.views import LONGEST_EMAIL, Me
from app.core import database, jobs, text
from app.core.database import Row
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.people import access, queries
from app.people.access import visible
from app.people.events import ContactAccepted, ContactAskedByAddress, ContactRequested
from app.people.queries import CARD
from app.people.views import ContactsView, ContactView, PersonCard

AGAIN_AFTER = timedelta(days=7)
MOST_REQUESTS = 100
LIKE_AN_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
Ended = Literal["contact-removed", "request-cancelled", "request-declined"]
# The row between $1 and $2, as its index has it.
BETWEEN = """
    least(asker, asked) = least($1::bigint, $2::bigint) AND greatest(asker, asked) = greatest($1::bigint, $2::bigint)
"""
# What the person $1 sees: `c` is the row and `p` the other one.
SEEN = f"""
    FROM contact c JOIN person p ON p.id = CASE c.asker WHEN $1 THEN c.asked ELSE c.asker END
    WHERE (c.asker = $1 OR c.asked = $1) AND {visible("$1")}
      AND CASE c.asker WHEN $1 THEN NOT c.hidden ELSE c.declined_at IS NULL END
"""
COLUMNS = f"{CARD}, c.id AS contact, c.asker = $1 AS by_me, c.verified, c.created_at, c.accepted_at"


async def listed(me: Me, after: str = "", limit: int = 100) -> ContactsView:
    """One's contacts by name, a page of them. With the first page come the latest requests: when they are answered,
    older ones take their place."""
    rows = await database.fetch(
        f"""
        SELECT {COLUMNS}, p.search_key {SEEN} AND c.accepted_at IS NOT NULL AND (p.search_key, p.id) > ($2, $3)
        ORDER BY p.search_key, p.id LIMIT $4
        """,
        me.id,
        *queries.place(after),
        limit + 1,
    )
    contacts = [_view(row) for row in rows[:limit]]
    more = f"{rows[limit - 1]['search_key']}~{contacts[-1].person.id}" if len(rows) > limit else None
    if after:
        return ContactsView(contacts, [], [], more)
    return ContactsView(contacts, await _requests(me, "asked"), await _requests(me, "asker"), more)


async def between(me: Me, other: int) -> ContactView | None:
    """What the two have to do with each other, as far as I can see it."""
    row = await database.fetch_row(f"SELECT {COLUMNS} {SEEN} AND p.id = $2", me.id, other)
    return _view(row) if row else None


async def contact(me: Me, number: int) -> ContactView:
    """A contact or a request of mine; raises NotFound."""
    row = await database.fetch_row(f"SELECT {COLUMNS} {SEEN} AND c.id = $2", me.id, number)
    if row is None:
        raise NotFound
    return _view(row)


async def ask(me: Me, username: str) -> ContactView | None:
    """Asks the person of that username, or whoever has that e-mail address: then the worker does it, and None is given
    whether there is anyone or not. Who has asked me already is accepted so. Again changes nothing. Raises Invalid."""
    name = username.strip().removeprefix("@")
    if not name:
        raise Invalid(username=_("Enter a username or an email address."))
    if "@" in name:
        if len(name) > LONGEST_EMAIL or not text.storable(name) or not LIKE_AN_ADDRESS.fullmatch(name):
            raise Invalid(username=_("This does not look like an email address."))
        await jobs.defer(ContactAskedByAddress(me.id, name))
        return None
    try:
        other = await queries.person(me, name)
        if other.id == me.id:
            raise Invalid(username=_("This is you. Choose someone else."))
        async with database.transaction():
            await access.hold(me.id, other.id)
            await queries.person(me, name)  # at this very moment
            await _ask(me.id, other.id, hidden=False)
            found = await between(me, other.id)
    except NotFound as error:
        raise Invalid(username=_("Nobody here has the username %(names)s.") % {"names": name[:30]}) from error
    assert found is not None
    return found


async def ask_address(asker: int, address: str) -> None:
    """For the worker: asks whoever has that address; where that is nobody whom the asker may ask, nothing happens."""
    whom = f"SELECT p.id FROM person p WHERE p.email_key = $1 AND p.id <> $2 AND {visible('$2')}"
    still = f"{whom} AND EXISTS (SELECT FROM person a WHERE a.id = $2 AND a.deactivated_at IS NULL)"
    other = await database.fetch_value(whom, address.casefold(), asker)
    if other is None:
        return
    async with database.transaction():
        await access.hold(asker, other)
        if await database.fetch_value(still, address.casefold(), asker) == other:
            await _ask(asker, other, hidden=True)


async def accept(me: Me, number: int) -> ContactView:
    """Agrees to what I was asked; again changes nothing. Raises NotFound, and Forbidden for what I asked myself."""
    async with database.transaction():
        asker = await database.fetch_value(
            f"""
            UPDATE contact c SET accepted_at = now(), hidden = false FROM person p
            WHERE c.id = $2 AND c.asked = $1 AND c.accepted_at IS NULL AND c.declined_at IS NULL
              AND p.id = c.asker AND {visible("$1")} RETURNING c.asker
            """,
            me.id,
            number,
        )
        if asker is not None:
            await jobs.defer(ContactAccepted(asker, me.id))
    found = await contact(me, number)
    if found.accepted_at is None:
        raise Forbidden(_("Only the other person can accept this request."))
    return found


async def end(me: Me, number: int) -> tuple[Ended, int]:
    """Declines what I was asked, takes back what I asked, or removes a contact; says which, and of whom. Raises
    NotFound."""
    async with database.transaction():
        row = await database.fetch_row(
            f"SELECT p.id AS other, c.asker, c.accepted_at, c.declined_at {SEEN} AND c.id = $2 FOR UPDATE OF c",
            me.id,
            number,
        )
        if row is None:
            raise NotFound
        if row["accepted_at"] is None and row["asker"] != me.id:
            await database.fetch("UPDATE contact SET declined_at = now() WHERE id = $1", number)
            return "request-declined", row["other"]
        if row["declined_at"] is None:
            await database.fetch("DELETE FROM contact WHERE id = $1", number)
        else:  # else they could be asked again at once
            await database.fetch("UPDATE contact SET hidden = true WHERE id = $1", number)
        return ("request-cancelled" if row["accepted_at"] is None else "contact-removed"), row["other"]


async def forget(one: int, other: int) -> None:
    """Ends what is between two people of whom one blocks the other; in the transaction of the block. That one declined
    the other is remembered where nobody sees it: else a block that is taken back would let them ask again at once."""
    await database.fetch(f"DELETE FROM contact WHERE {BETWEEN} AND declined_at IS NULL", one, other)
    await database.fetch(f"UPDATE contact SET hidden = true WHERE {BETWEEN}", one, other)


async def forget_all(person: int) -> None:
    """Ends whatever there was between a person and all others; in the transaction in which they leave for good."""
    await database.fetch("DELETE FROM contact WHERE asker = $1 OR asked = $1", person)


async def _ask(asker: int, asked: int, hidden: bool) -> None:
    """Writes the request, in a transaction that holds the two; `hidden`: the asker must not see any change by it."""
    row = await database.fetch_row(
        f"""
        SELECT id, asker, hidden, accepted_at, declined_at, declined_at <= now() - $3::interval AS long_ago
        FROM contact WHERE {BETWEEN} FOR UPDATE
        """,
        asker,
        asked,
        AGAIN_AFTER,
    )
    if row is None:
        await _write(asker, asked, hidden)
    elif row["accepted_at"] is not None:
        return
    elif row["asker"] == asker:
        declined_at = None if row["long_ago"] else row["declined_at"]
        if row["hidden"] and not hidden:
            # A new row, for the number and the age of the old one would tell of what they must not see.
            await database.fetch("DELETE FROM contact WHERE id = $1", row["id"])
            await _write(asker, asked, hidden, declined_at)
        else:
            await database.fetch("UPDATE contact SET declined_at = $2 WHERE id = $1", row["id"], declined_at)
            if row["long_ago"]:
                await jobs.defer(ContactRequested(asker, asked))
    elif row["declined_at"] is not None and (row["hidden"] or hidden):
        # The other one waits for nothing any more, or must not be seen to wait: now it is they who are asked.
        await database.fetch("DELETE FROM contact WHERE id = $1", row["id"])
        await _write(asker, asked, hidden)
    elif not hidden:
        await database.fetch(
            "UPDATE contact SET accepted_at = now(), declined_at = NULL, hidden = false WHERE id = $1", row["id"]
        )
        await jobs.defer(ContactAccepted(row["asker"], asker))


async def _write(asker: int, asked: int, hidden: bool, declined_at: datetime | None = None) -> None:
    await database.fetch(
        "INSERT INTO contact (asker, asked, hidden, declined_at) VALUES ($1, $2, $3, $4)",
        asker,
        asked,
        hidden,
        declined_at,
    )
    if declined_at is None:
        await jobs.defer(ContactRequested(asker, asked))


async def _requests(me: Me, mine: Literal["asker", "asked"]) -> list[ContactView]:
    rows = await database.fetch(
        f"SELECT {COLUMNS} {SEEN} AND c.accepted_at IS NULL AND c.{mine} = $1 ORDER BY c.created_at DESC, c.id DESC"
        " LIMIT $2",
        me.id,
        MOST_REQUESTS,
    )
    return [_view(row) for row in rows]


def _view(row: Row) -> ContactView:
    asked: Literal["asked_by_me", "asked_by_them"] = "asked_by_me" if row["by_me"] else "asked_by_them"
    return ContactView(
        row["contact"],
        PersonCard(*row[:6]),
        "accepted" if row["accepted_at"] else asked,
        row["verified"],
        row["created_at"],
        row["accepted_at"],
    )
