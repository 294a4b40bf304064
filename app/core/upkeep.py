"""Whether the database can be used (reachable, recent enough, its tables up to date), in words for its operator."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import database
from app.core.supervisor import CannotStartError

OLDEST = 14
PATIENCE = 10.0


class NotNowError(CannotStartError):
    """The database cannot be used at this moment, and perhaps in the next: it starts, or ends, or is out of reach."""


async def migrate(dsn: str) -> list[str]:
    """Applies what is missing; gives the names of what it applied. Raises CannotStartError."""
    await _require_usable(dsn)
    async with _refusals_explained():
        return await database.migrate(dsn)


async def require_up_to_date(dsn: str) -> None:
    """Raises CannotStartError when the database cannot be used or lacks a migration.

    Who is migrating at this moment is waited for: a Procfile's release, web and worker may be started together."""
    await _require_usable(dsn)
    deadline = time.monotonic() + PATIENCE
    async with _refusals_explained():
        while pending := await database.pending_migrations(dsn):
            if time.monotonic() > deadline:
                raise CannotStartError(
                    f"the database lacks {len(pending)} migration(s). Apply them first: python -m app migrate"
                )
            await asyncio.sleep(0.5)


async def require_channels(url: str) -> None:
    """Raises CannotStartError when there is no Redis at CHANNELS_URL."""
    client = Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        raise CannotStartError(f"CHANNELS_URL: {_public(url, 6379)} cannot be used: {error}") from error
    finally:
        await client.aclose()


async def _require_usable(dsn: str) -> None:
    try:
        connection = await asyncpg.connect(dsn, timeout=PATIENCE)
    except TimeoutError as error:
        raise NotNowError(f"DATABASE_URL: {_public(dsn)} did not answer within {PATIENCE:.0f} s") from error
    except (OSError, asyncpg.PostgresError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise _kind(error)(f"DATABASE_URL: {_public(dsn)} cannot be used: {reason}") from error
    except (asyncpg.InterfaceError, ValueError) as error:  # its text may quote the password
        raise CannotStartError("DATABASE_URL must look like postgresql://user:password@host:5432/name") from error
    try:
        version = connection.get_server_version()
        if version.major < OLDEST:
            raise CannotStartError(f"DATABASE_URL: Postgres {version.major} is too old; {OLDEST} or newer is needed")
    finally:
        await connection.close(timeout=PATIENCE)


@contextlib.asynccontextmanager
async def _refusals_explained() -> AsyncIterator[None]:
    try:
        yield
    except (OSError, asyncpg.PostgresError) as error:
        raise _kind(error)(f"the database refused: {error}") from error


def _kind(error: Exception) -> type[CannotStartError]:
    return NotNowError if isinstance(error, database.UNAVAILABLE) else CannotStartError


def _public(dsn: str, port: int = 5432) -> str:
    """Where the database (or the Redis) is, without user and password, however oddly they are written."""
    try:
        parts = urlsplit(dsn)
        if "@" in dsn and "@" not in parts.netloc:
            return "the database"  # an unescaped / or ? in the password: no part can be told from another
        where = parts.hostname or "localhost"
        return f"{where}:{parts.port or port}{parts.path}"
    except ValueError:
        return "the database"
