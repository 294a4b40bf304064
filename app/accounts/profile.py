"""What one shows of oneself: name, username, a few words; and one's language and time zone."""

import re

import asyncpg

from app.accounts import checks, usernames
from app.accounts.views import BotView, Me
from app.core import database, i18n, limits, text
from app.core.errors import Invalid, NotFound
from app.core.i18n import _
from app.core.settings import Settings


async def update(
    settings: Settings,
    me: Me | BotView,
    *,
    name: str | None = None,
    username: str | None = None,
    about: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
) -> None:
    """Changes what is given of one's profile, or of that of one's bot; raises Invalid, and TooMany for a username that
    changes too often.

    By the old username nobody is found any more: it is free, and a link to it leads nowhere."""
    wrong: dict[str, str] = {}
    if name is not None:
        name = text.one_line(name)
        wrong |= checks.name_problem(name)
    if username is not None:
        username = username.strip().lower()
        username = None if username == me.username else username
    if username is not None:
        wrong |= checks.username_problem(username)
    if about is not None:
        about = _as_kept(about)
        wrong |= checks.about_problem(about)
    if language is not None and language not in i18n.LANGUAGES:
        wrong["language"] = _("Choose one of the available languages.")
    if time_zone is not None and not i18n.is_zone(time_zone):
        wrong["time_zone"] = _("Choose one of the available time zones.")
    if username is not None and "username" not in wrong:
        # Counted before it is looked up: the answer tells who has an account.
        await limits.spend(settings, (limits.USERNAME_PERSON, str(me.id)))
        wrong |= await checks.taken(settings, username, "", but=me.id)
    if wrong:
        raise Invalid(**wrong)
    try:
        await _write(me, name, username, about, language, time_zone)
    except asyncpg.UniqueViolationError as error:
        raise Invalid(**await checks.taken(settings, username or "", "", but=me.id)) from error


async def _write(
    me: Me | BotView,
    name: str | None,
    username: str | None,
    about: str | None,
    language: str | None,
    time_zone: str | None,
) -> None:
    async with database.transaction():
        row = await database.fetch_row(
            """
            UPDATE person SET name = coalesce($2, name), about = coalesce($3, about), updated_at = now(),
                   language = coalesce($4, language), time_zone = coalesce($5, time_zone)
            WHERE id = $1 AND deactivated_at IS NULL RETURNING name, username
            """,
            me.id,
            name,
            about,
            language,
            time_zone,
        )
        if row is None:  # they left meanwhile
            raise NotFound
        if name is not None or username is not None:
            # Made of both, of which another request may have changed the other one: the row is locked by now.
            called = username or row["username"]
            await database.fetch(
                "UPDATE person SET username = $2, skeleton = $3, search_key = $4 WHERE id = $1",
                me.id,
                called,
                usernames.skeleton(called),
                text.search_key(row["name"], called),
            )


def _as_kept(about: str) -> str:
    """With plain line breaks, trimmed; of what nobody would see, nothing."""
    about = re.sub(r"\n{3,}", "\n\n", about.replace("\r\n", "\n").replace("\r", "\n").strip())
    return "" if text.is_blank(about) else about
