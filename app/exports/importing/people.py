"""Who is who: the people of a file, and those here."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from app.core import database, text
from app.exports.importing.document import Document, Someone
from app.exports.importing.wish import CannotImportError, Imported, Wish


def read_names(path: Path) -> dict[str, str]:
    """Who is who: in each line a username there and the one here, with blanks between. Raises CannotImportError, and
    OSError."""
    names: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8-sig", errors="replace").splitlines(), start=1):
        words = line.partition("#")[0].lower().split()
        if len(words) not in (0, 2):
            raise CannotImportError(f"{path}, line {number}: two usernames are to stand here, theirs and the one here.")
        if words:
            names[words[0].removeprefix("@")] = words[1].removeprefix("@")
    return names


async def owner_of(username: str | None) -> int:
    row = await database.fetch_row(
        """
        SELECT id FROM person WHERE deactivated_at IS NULL AND NOT bot
          AND CASE WHEN $1::text IS NULL THEN role = 'admin' ELSE username = $1 END ORDER BY id LIMIT 1
        """,
        username.strip().lower().removeprefix("@") if username is not None else None,
    )
    if row is None and username is None:
        raise CannotImportError("Nobody is here yet to own the group. Sign up first: that makes an administrator.")
    if row is None:
        raise CannotImportError(f"There is nobody called {username!r} here who could own the group.")
    return int(row["id"])


async def introduce(document: Document, people: dict[int, Someone], wish: Wish, done: Imported) -> None:
    """Says for each of them who that is here, and makes a closed account for everyone else."""
    wanted = {each.username: wish.names.get(each.username) for each in people.values()}
    if wish.same_usernames:
        wanted = {there: here or there for there, here in wanted.items()}
    found = await database.fetch(
        "SELECT id, username FROM person WHERE username = ANY($1) AND deactivated_at IS NULL",
        [here for here in wanted.values() if here is not None],
    )
    here = {row["username"]: row["id"] for row in found}
    if missing := [name for there, name in wish.names.items() if there in wanted and name not in here]:
        raise CannotImportError(f"There is nobody called {missing[0]!r} here. Nothing was imported.")
    matched = {each.id: here[wanted[each.username]] for each in people.values() if wanted[each.username] in here}
    others = [each for each in people.values() if each.id not in matched]
    made = await _placeholders(document.causerie.instance, others)
    both = matched | made
    await database.fetch(
        "INSERT INTO who SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])",
        list(both),
        [people[given].username for given in both],
        list(both.values()),
    )
    done.matched = sorted(people[given].username for given in matched)
    done.placeholders = sorted(each.username for each in others)


async def _placeholders(instance: str, people: Iterable[Someone]) -> dict[int, int]:
    """Closed accounts, found again by the digest of where they come from. Nobody can sign up, sign in, mention or write
    to one: no address leads there, no password, and its username is none that anyone could have."""
    made: dict[int, int] = {}
    for each in people:
        digest = hashlib.sha256(f"{instance}\n{each.id}".encode()).hexdigest()[:32]
        gone = each.username.startswith("deleted~")
        name = text.one_line(each.name)[:50]
        name = "" if gone else text.one_line(each.username)[:50] if text.is_blank(name) else name
        called = re.sub("[^a-z0-9._-]", "-", each.username.lower())[:60]
        username = f"{'deleted' if gone else called}~{digest[:10]}"
        made[each.id] = await database.fetch_value(
            """
            INSERT INTO person (
                username, skeleton, name, email, email_key, password_hash, search_key, bot, deactivated_at
            )
            VALUES ($1, $2, $3, '', $2, '', $4, $5, now())
            ON CONFLICT (email_key) DO UPDATE SET email_key = excluded.email_key RETURNING id
            """,
            username,
            f"import~{digest}",
            name,
            text.search_key(name, username),
            each.bot,
        )
    return made
