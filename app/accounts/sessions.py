"""Sessions: made at log-in, read at each request, renewed by a rotating refresh token, ended at once.

A refresh token names its session and its generation. Using it moves the row to the next generation. The generation
before the present one is still answered for GRACE, with the very tokens that the first asker got: so two tabs that
refresh at once both stay in. Any older one was stolen or copied, and ends the session (RFC 9700, 4.14.2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.accounts import tokens
from app.accounts.avatars import address
from app.accounts.views import Me, PersonView, SessionView
from app.core import database
from app.core.database import Row
from app.core.errors import Unauthorized
from app.core.i18n import _
from app.core.security import Claims, make_token, read_token
from app.core.settings import Settings
from app.core.together import Together

LASTS = timedelta(days=30)
GRACE = timedelta(seconds=30)
# `last_used_at` is good to a minute: not one write a request.
TOUCH = timedelta(minutes=1)

PERSON = "p.id, p.username, p.name, p.email, p.role, p.about, p.language, p.time_zone, p.created_at, p.updated_at"
PERSON += f", {address('p')}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access and a refresh token of one generation of a session."""

    access: str
    refresh: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Who someone proved to be, and the hash that their password matched."""

    person: int
    password_hash: str


async def start(settings: Settings, proof: Proof, device: str, address: str) -> Tokens:
    """A new session on this device for whom the proof is of; raises Unauthorized when it is none any more.

    Whoever logs in while the password changes must not stay in by the old one: the row is locked, so that either the
    change waits and then ends this session too, or its new hash is seen here."""
    row = await database.fetch_row(
        """
        WITH owner AS MATERIALIZED (
            SELECT id FROM person WHERE id = $1 AND password_hash = $5 AND deactivated_at IS NULL FOR SHARE
        )
        INSERT INTO session (person, device, address, expires_at) SELECT id, $2, $3, now() + $4 FROM owner
        RETURNING id, generation, rotated_at
        """,
        proof.person,
        device[:300],
        address,
        LASTS,
        proof.password_hash,
    )
    if row is None:
        raise Unauthorized(_("Incorrect email, username or password."))
    person = proof.person
    return _tokens(settings, person, row)


async def person_of(settings: Settings, access_token: str) -> Me | None:
    """Who the token speaks for, if its session is still good; reads the row, so an ended one is refused at once."""
    claims = read_token("access", access_token, settings.secret_key)
    if claims is None:
        return None
    row = await _good.get(claims.session)
    if row is None or row["id"] != claims.person:
        return None
    if datetime.now(UTC) - row["last_used_at"] > TOUCH:
        await database.fetch("UPDATE session SET last_used_at = now() WHERE id = $1", claims.session)
    id_, username, name, role, language, zone, created_at, session, _used, blocks, avatar, apart = row
    kept = blocks, apart, settings.role_policy, avatar
    return Me(id_, username, name, role, language, zone, session, created_at, *kept)


async def _good_sessions(numbers: list[int]) -> dict[int, Row]:
    # In parentheses any of them costs the same: so the plan is kept, also where the table had many rows once.
    rows = await database.fetch(
        f"""
        SELECT p.id, p.username, p.name, p.role, p.language, p.time_zone, p.created_at, s.id AS session,
               s.last_used_at, p.blocks, {address("p")},
               EXISTS (SELECT FROM block b WHERE b.person = p.id) OR EXISTS (SELECT FROM block b WHERE b.blocked = p.id)
        FROM session s JOIN person p ON p.id = s.person
        WHERE s.id = ANY((SELECT $1::bigint[])::bigint[]) AND s.ended_at IS NULL AND s.expires_at > now()
          AND p.deactivated_at IS NULL
        """,
        numbers,
    )
    return {row["session"]: row for row in rows}


_good = Together(_good_sessions)


async def refresh(settings: Settings, refresh_token: str, ended: Callable[[int], None]) -> Tokens | None:
    """The next tokens, or None when the token is no good. A stolen one ends its session; `ended` is then told."""
    claims = read_token("refresh", refresh_token, settings.secret_key)
    if claims is None:
        return None
    row = await database.fetch_row(
        """
        UPDATE session s
        SET generation = generation + 1, rotated_at = now(), last_used_at = now(), expires_at = now() + $3
        FROM person p
        WHERE s.id = $1 AND s.generation = $2 AND p.id = s.person AND p.id = $4 AND p.deactivated_at IS NULL
          AND s.ended_at IS NULL AND s.expires_at > now()
        RETURNING s.id, s.generation, s.rotated_at
        """,
        claims.session,
        claims.generation,
        LASTS,
        claims.person,
    )
    if row is None:
        row = await database.fetch_row(
            "SELECT id, generation, rotated_at, rotated_at > now() - $2::interval AS fresh FROM session"
            " WHERE id = $1 AND person = $3 AND ended_at IS NULL AND expires_at > now()",
            claims.session,
            GRACE,
            claims.person,
        )
        if row is None:
            return None
        if claims.generation != row["generation"] - 1 or not row["fresh"]:
            await end(claims.session)
            ended(claims.session)
            return None
    return _tokens(settings, claims.person, row)


async def end(session: int) -> None:
    """Ends a session: its tokens are refused from the next request on."""
    await database.fetch("UPDATE session SET ended_at = now() WHERE id = $1 AND ended_at IS NULL", session)


async def end_of(person: int, session: int) -> bool:
    """Ends one of this person's sessions; False when it is not theirs or is over."""
    found = await database.fetch_value(
        "UPDATE session SET ended_at = now() WHERE id = $1 AND person = $2 AND ended_at IS NULL RETURNING id",
        session,
        person,
    )
    return found is not None


async def end_all(person: int, but: int = 0) -> list[int]:
    """Ends every session of a person, but one; gives those that ended."""
    rows = await database.fetch(
        "UPDATE session SET ended_at = now() WHERE person = $1 AND id <> $2 AND ended_at IS NULL RETURNING id",
        person,
        but,
    )
    return [row["id"] for row in rows]


async def listed(me: Me) -> list[SessionView]:
    """The devices on which this person is signed in, the latest used first."""
    rows = await database.fetch(
        """
        SELECT id, device, address, created_at, last_used_at FROM session
        WHERE person = $1 AND ended_at IS NULL AND expires_at > now() ORDER BY last_used_at DESC LIMIT 100
        """,
        me.id,
    )
    return [
        SessionView(r["id"], r["device"], r["address"], r["created_at"], r["last_used_at"], r["id"] == me.session)
        for r in rows
    ]


async def still_good(sessions: list[int]) -> set[int]:
    """Those of the sessions and tokens that have not ended: asked for open streams, once a second."""
    rows = await database.fetch(
        f"""
        SELECT s.id FROM session s JOIN person p ON p.id = s.person
        WHERE s.id = ANY($1) AND s.ended_at IS NULL AND s.expires_at > now() AND p.deactivated_at IS NULL
        UNION ALL SELECT -t.id FROM {tokens.GOOD} AND t.id = ANY(SELECT -number FROM unnest($1) AS a (number))
        """,
        sessions,
    )
    return {row["id"] for row in rows}


async def own_view(person: int) -> PersonView:
    """A person as they see themselves."""
    row = await database.fetch_row(f"SELECT {PERSON} FROM person p WHERE p.id = $1", person)
    assert row is not None
    return PersonView(*row)


def _tokens(settings: Settings, person: int, row: database.Row) -> Tokens:
    claims = Claims(person, row["id"], row["generation"])
    made = row["rotated_at"]
    access = timedelta(minutes=settings.access_token_minutes)
    return Tokens(
        make_token("access", claims, settings.secret_key, made, access),
        make_token("refresh", claims, settings.secret_key, made, LASTS),
    )
