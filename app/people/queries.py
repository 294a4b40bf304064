"""Reads of people, as others may see them."""

from app.accounts.avatars import address
from app.accounts.views import Me
from app.core import database, text
from app.core.errors import NotFound
from app.people import presence
from app.people.access import visible
from app.people.presence import may_see
from app.people.views import PeopleView, PersonCard, PresentCard, ProfileView, shown_name

CARD = f"p.id, p.username, p.name, p.role, {address('p')} AS avatar, p.bot"
# What is longer matches no name; to fold accents takes the square of their number.
LONGEST_SEARCH = 200
PAGE = 50


async def person(viewer: Me, username: str) -> PersonCard:
    """The person of that username; raises NotFound."""
    row = await database.fetch_row(
        f"SELECT {CARD} FROM person p WHERE p.username = $1 AND {visible('$2')}",
        username.strip().lower().removeprefix("@"),
        viewer.id,
    )
    if row is None:
        raise NotFound
    return PersonCard(*row)


async def profile(viewer: Me, username: str) -> ProfileView:
    """The page of the person of that username; raises NotFound. E-mail addresses are for administrators, and one's own
    for oneself."""
    row = await database.fetch_row(
        f"""
        SELECT {CARD}, p.about, CASE WHEN $3 OR p.id = $2 THEN nullif(p.email, '') END AS email, p.created_at,
               (SELECT o.username FROM person o WHERE o.id = p.bot_owner) AS bot_of
        FROM person p WHERE p.username = $1 AND {visible("$2")}
        """,
        username.strip().lower().removeprefix("@"),
        viewer.id,
        viewer.is_admin,
    )
    if row is None:
        raise NotFound
    *card, about, email, created_at, bot_of = row
    here = (await presence.states(viewer.id, [row["id"]], viewer.apart)).get(row["id"], "offline")
    last = await presence.last_seen(viewer.id, row["id"]) if here == "offline" else None
    more = {"about": about, "email": email, "created_at": created_at, "last_seen_at": last, "bot_of": bot_of}
    return ProfileView(*card, presence=here, **more)


async def avatar(viewer: Me, person: int, digest: str) -> bytes:
    """The picture of that person, a WebP; raises NotFound, also when they have another one by now."""
    found = await database.fetch_value(
        f"""
        SELECT a.bytes FROM avatar a JOIN person p ON p.id = a.person
        WHERE a.person = $1 AND a.digest = $2 AND {visible("$3")}
        """,
        person,
        digest if text.storable(digest) else "",
        viewer.id,
    )
    if found is None:
        raise NotFound
    return bytes(found)


async def people_called(viewer: Me, usernames: list[str]) -> list[PersonCard]:
    """Those of the usernames that belong to people whom the viewer can see."""
    rows = await database.fetch(
        f"SELECT {CARD} FROM person p WHERE p.username = ANY($1) AND {visible('$2')}", usernames, viewer.id
    )
    return [PersonCard(*row) for row in rows]


async def directory(viewer: Me, q: str = "", after: str = "", limit: int = PAGE) -> PeopleView:
    """People in order of their names, whose name or username has every word of `q` in it, whatever case and accents."""
    asked = text.fold(q[:LONGEST_SEARCH]).split()[:8]
    words = [f"%{_escaped(word)}%" for word in asked] if text.storable(q) else ["%\x01%"]
    rows = await database.fetch(
        f"""
        SELECT {CARD}, p.search_key FROM person p
        WHERE {visible("$5")} AND p.search_key LIKE ALL($1) AND (p.search_key, p.id) > ($2, $3)
        ORDER BY p.search_key, p.id LIMIT $4
        """,
        words or ["%"],
        *place(after),
        limit + 1,
        viewer.id,
    )
    people = [PersonCard(*row[:6]) for row in rows[:limit]]
    more = f"{rows[limit - 1]['search_key']}~{people[-1].id}" if len(rows) > limit else None
    return PeopleView(people, q, more)


async def present(viewer: Me, after: str = "", limit: int = PAGE) -> PeopleView:
    """Those who are there, as far as the viewer may see it, in order of their names; each with their state."""
    rows = await database.fetch(
        f"""
        SELECT {CARD}, p.search_key FROM person p LEFT JOIN presence s ON s.person = p.id
        WHERE p.id = ANY($1) AND p.id <> $4 AND {may_see("$4")} AND (p.search_key, p.id) > ($2, $3)
        ORDER BY p.search_key, p.id LIMIT $5
        """,
        list(presence.book),
        *place(after),
        viewer.id,
        limit + 1,
    )
    people = [PresentCard(*row[:6], presence=presence.state(row[0])) for row in rows[:limit]]
    more = f"{rows[limit - 1]['search_key']}~{people[-1].id}" if len(rows) > limit else None
    return PeopleView(people, "", more)


async def blocked(viewer: Me) -> list[PersonCard]:
    """Whom the viewer has blocked, by name."""
    rows = await database.fetch(
        f"SELECT {CARD} FROM block b JOIN person p ON p.id = b.blocked WHERE b.person = $1 ORDER BY p.search_key, p.id",
        viewer.id,
    )
    return [PersonCard(row[0], row[1], shown_name(row[2]), *row[3:6]) for row in rows]


def place(after: str) -> tuple[str, int]:
    """The name and the number behind which a page goes on; of what was no `next` of ours, the beginning."""
    key, _sep, last = after.rpartition("~")
    return key if text.storable(key) else "", int(last) if last.isdecimal() and len(last) < 19 else 0


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
