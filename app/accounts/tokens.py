"""Personal access tokens: what a program comes in with, as a person or as one of their bots.

A token stands where a session stands. `Me.session`, what a stream is watched by and the bell's `s` have one number for
both: that of a token is its id with a minus, so it meets no session, and whatever ends sessions by their numbers (the
bell, the watch over open streams) ends tokens without knowing of them. What acts on the person's own sessions is
refused to tokens before (see `app/scopes.py`), so no such number is ever looked for among sessions.
"""

import base64
import hashlib
import secrets
import zlib
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from app.accounts.avatars import address
from app.accounts.views import Me, Scope, TokenMadeView, TokenView
from app.core import database, limits, text
from app.core.database import Row
from app.core.errors import Invalid, NotFound, Unauthorized
from app.core.i18n import _
from app.core.settings import Settings
from app.core.together import Together

PREFIX = "cau_"
SCOPES: tuple[Scope, ...] = get_args(Scope)
# Of one person or bot, that still work.
MOST = 50
LONGEST_NAME = 50
FURTHEST = timedelta(days=5 * 366)
# `last_used_at` is good to so much: not one write a request.
TOUCH = timedelta(minutes=5)
# A token that works, `t`, and whose it is, `p`: also the owner of a bot is here.
GOOD = """
    access_token t JOIN person p ON p.id = t.person AND p.deactivated_at IS NULL
        AND (p.bot_owner IS NULL OR EXISTS (
            SELECT FROM person o WHERE o.id = p.bot_owner AND o.deactivated_at IS NULL))
        AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
"""


async def person_of(settings: Settings, token: str) -> Me | None:
    """Who the token speaks for and what it may, if it still works; reads the row, so a revoked one is refused at once.
    Raises TooMany for one that is used without a pause."""
    if not _well_formed(token):  # mistyped or cut short: no question for the database
        return None
    row = await _good.get(_hash(token))
    if row is None:
        return None
    id_, username, name, role, language, zone, created_at, session, used, blocks, avatar, apart, bot, scopes, _key = row
    await limits.TOKEN.spend(settings, str(session))
    if used is None or datetime.now(UTC) - used > TOUCH:
        await database.fetch(
            "UPDATE access_token SET last_used_at = now()"
            " WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - $2::interval)",
            -session,
            TOUCH,
        )
    kept = blocks, apart, settings.role_policy, avatar, bot, frozenset(scopes)
    return Me(id_, username, name, role, language, zone, session, created_at, *kept)


async def _good_tokens(hashes: list[bytes]) -> dict[bytes, Row]:
    rows = await database.fetch(
        f"""
        SELECT p.id, p.username, p.name, p.role, p.language, p.time_zone, p.created_at, -t.id AS session,
               t.last_used_at, p.blocks, {address("p")},
               EXISTS (SELECT FROM block b WHERE b.person IN (p.id, p.bot_owner))
                   OR EXISTS (SELECT FROM block b WHERE b.blocked IN (p.id, p.bot_owner)),
               p.bot, t.scopes, t.hash
        FROM {GOOD} AND t.hash = ANY($1)
        """,
        hashes,
    )
    return {row["hash"]: row for row in rows}


_good = Together(_good_tokens)


async def listed(person: int) -> list[TokenView]:
    """The tokens of a person or bot that still work, the newest first."""
    rows = await database.fetch(
        f"""
        SELECT t.id, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at FROM {GOOD} AND t.person = $1
        ORDER BY t.id DESC
        """,
        person,
    )
    return [TokenView(*row) for row in rows]


async def make(
    settings: Settings, me: Me, name: str, scopes: list[str], expires_at: str, bot: int | None = None
) -> TokenMadeView:
    """Makes a token for someone, or for that bot of theirs; gives it, this once. `expires_at` is a moment or a day (of
    which the token has the whole, where they live); without one it has no end. Raises Invalid, and TooMany."""
    await limits.spend(settings, (limits.TOKENS_PERSON, str(me.id)))
    name = text.one_line(name)
    ends, wrong = _end(expires_at, me.time_zone)
    wrong |= _name_problem(name) | _scopes_problem(scopes, me, bot)
    if wrong:
        raise Invalid(**wrong)
    token = PREFIX + _checked(secrets.token_urlsafe(32))
    async with database.transaction():
        # One after the other, and none for who leaves at this moment.
        whose = bot or me.id
        here = await database.fetch(
            "SELECT id FROM person WHERE id = ANY($1) AND deactivated_at IS NULL ORDER BY id FOR NO KEY UPDATE",
            [me.id, whose],
        )
        if {row["id"] for row in here} != {me.id, whose}:
            raise NotFound
        await _require_session(me)
        if len(await listed(whose)) >= MOST:
            raise Invalid(_("The limit of %(most)d tokens is reached. Revoke one first.") % {"most": MOST})
        id_ = await database.fetch_value(
            "INSERT INTO access_token (person, name, hash, scopes, expires_at) VALUES ($1, $2, $3, $4, $5)"
            " RETURNING id",
            whose,
            name,
            _hash(token),
            [scope for scope in SCOPES if scope in scopes],
            ends,
        )
    return TokenMadeView(id_, token)


async def _require_session(me: Me) -> None:
    """Asked under the lock: whoever came in by a password that is changed at this moment must not keep a token of it.
    The change waits and then ends this token too, or has ended the session by now. Raises Unauthorized."""
    good = await database.fetch_value(
        "SELECT id FROM session WHERE id = $1 AND person = $2 AND ended_at IS NULL AND expires_at > now()",
        me.session,
        me.id,
    )
    if good is None:
        raise Unauthorized


async def revoke(person: int, token: int) -> None:
    """Ends a token of that person or bot. Raises NotFound for any other, and for one that was revoked."""
    found = await database.fetch_value(
        "UPDATE access_token SET revoked_at = now() WHERE id = $1 AND person = $2 AND revoked_at IS NULL RETURNING id",
        token,
        person,
    )
    if found is None:
        raise NotFound


async def revoke_all(person: int) -> list[int]:
    """Ends every token of a person and of their bots; gives their numbers among sessions."""
    rows = await database.fetch(
        """
        UPDATE access_token SET revoked_at = now() WHERE revoked_at IS NULL
          AND (person = $1 OR person IN (SELECT id FROM person WHERE bot_owner = $1)) RETURNING -id AS number
        """,
        person,
    )
    return [row["number"] for row in rows]


def _name_problem(name: str) -> dict[str, str]:
    if not text.storable(name) or text.is_blank(name):
        return {"name": _("Enter what the token is for.")}
    return {"name": _("Use at most 50 characters.")} if len(name) > LONGEST_NAME else {}


def _scopes_problem(scopes: list[str], me: Me, bot: int | None) -> dict[str, str]:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        return {"scopes": _("Choose what the token can do: read, write or admin.")}
    if "admin" in scopes and (bot is not None or not me.is_admin):
        return {"scopes": _("Only an administrator’s personal token can have the scope admin.")}
    return {}


def _end(given: str, zone: str) -> tuple[datetime | None, dict[str, str]]:
    """When a token ends, and what is wrong with that."""
    if not given:
        return None, {}
    now = datetime.now(UTC)
    try:
        if len(given) == len("2026-11-21"):
            end = datetime.combine(date.fromisoformat(given) + timedelta(days=1), time(), ZoneInfo(zone))
        else:
            end = datetime.fromisoformat(given)
            if end.tzinfo is None:
                raise ValueError
        end = end.astimezone(UTC)
    except (ValueError, OverflowError):
        return None, {"expires_at": _("Enter a date such as 2026-12-31, or a date and time such as 2026-12-31T18:00Z.")}
    if end <= now:
        return None, {"expires_at": _("This is in the past.")}
    if end > now + FURTHEST:
        return None, {
            "expires_at": _("Choose a day within five years, or leave it empty for a token that does not expire.")
        }
    return end, {}


def _checked(body: str) -> str:
    """With six signs by which a mistake, or a search for leaked tokens, can tell it from what is none."""
    return body + base64.urlsafe_b64encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode().rstrip("=")


def _well_formed(token: str) -> bool:
    body = token.removeprefix(PREFIX)[:-6]
    return token.isascii() and len(token) == len(PREFIX) + 49 and token == PREFIX + _checked(body)


def _hash(token: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()
