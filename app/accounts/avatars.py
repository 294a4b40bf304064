"""The pictures of people. The digest of one is in its address, so a browser may keep what it has for ever."""

import hashlib

from app.core import database, pictures
from app.core.errors import Invalid, NotFound
from app.core.i18n import _

MOST_BYTES = 5 * 1024 * 1024


def address(person: str) -> str:
    """The address of that person's picture (a row such as `p`) in SQL; null when they have none."""
    return f"'/avatars/' || {person}.id || '/' || {person}.avatar"


async def keep(person: int, data: bytes) -> None:
    """Makes this picture theirs; raises Invalid, and NotFound for who has left meanwhile."""
    if not data:
        raise Invalid(avatar=_("Choose a picture."))
    try:
        made = await pictures.thumbnail(data)
    except pictures.NotAPicture as error:
        raise Invalid(avatar=_("This picture cannot be read. Use a JPEG, PNG, WebP or GIF file.")) from error
    except pictures.TooManyPixels as error:
        raise Invalid(avatar=_("This picture has too many pixels. Please make it smaller first.")) from error
    digest = hashlib.sha256(made).hexdigest()[:20]
    async with database.transaction():
        kept = await database.fetch_value(
            "UPDATE person SET avatar = $2, updated_at = now() WHERE id = $1 AND deactivated_at IS NULL RETURNING id",
            person,
            digest,
        )
        if kept is None:  # they left while it was worked on
            raise NotFound
        await database.fetch(
            """
            INSERT INTO avatar (person, digest, bytes) VALUES ($1, $2, $3)
            ON CONFLICT (person) DO UPDATE SET digest = excluded.digest, bytes = excluded.bytes
            """,
            person,
            digest,
            made,
        )


async def remove(person: int) -> None:
    """From now on there are initials in its place."""
    async with database.transaction():
        await database.fetch("UPDATE person SET avatar = NULL, updated_at = now() WHERE id = $1", person)
        await database.fetch("DELETE FROM avatar WHERE person = $1", person)
