"""How often something may be tried, counted in Postgres so that every process counts together."""

import asyncio
import ipaddress
import math
import time
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakValueDictionary

from app.core import database
from app.core.errors import TooMany
from app.core.i18n import ngettext
from app.core.security import pseudonym
from app.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries of one thing by one account or address within `seconds`."""

    name: str
    most: int
    seconds: int


# A whole school may sit behind one address, so those limits are wide; an account belongs to one person.
LOGIN_ACCOUNT = Limit("login-account", 10, 15 * 60)
LOGIN_ADDRESS = Limit("login-address", 100, 15 * 60)
SIGNUP_ADDRESS = Limit("signup-address", 200, 60 * 60)
SIGNUP_ACCOUNT = Limit("signup-account", 10, 60 * 60)
RESET_ACCOUNT = Limit("reset-account", 5, 60 * 60)
RESET_ADDRESS = Limit("reset-address", 60, 60 * 60)
RESET_TOKEN_ADDRESS = Limit("reset-token-address", 30, 15 * 60)
GROUP_PERSON = Limit("group-person", 60, 60 * 60)
MEMBER_PERSON = Limit("member-person", 600, 60 * 60)
SUPPORT_PERSON = Limit("support-person", 20, 60 * 60)
CONTACT_PERSON = Limit("contact-person", 60, 60 * 60)
USERNAME_PERSON = Limit("username-person", 10, 24 * 60 * 60)
EMAIL_PERSON = Limit("email-person", 5, 60 * 60)
BOT_PERSON = Limit("bot-person", 60, 24 * 60 * 60)
TOKENS_PERSON = Limit("tokens-person", 60, 60 * 60)
VERIFY_ADDRESS = Limit("verify-address", 60, 60 * 60)
AVATAR_PERSON = Limit("avatar-person", 30, 60 * 60)
EXPORT_PERSON = Limit("export-person", 30, 60 * 60)
PASSWORD_PERSON = Limit("password-person", 10, 15 * 60)


def network(address: str) -> str:
    """What an address is counted as. Who has one address of IPv6 has 2^64 of them, so its /64 counts as one."""
    host = address.partition("]")[0].lstrip("[") if address.startswith("[") else address
    host = host.partition(":")[0] if host.count(":") == 1 else host.partition("%")[0]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found), 64), strict=False))


class Pace:
    """At most `most` times within `seconds` by one person, counted by each process for itself: for what happens so
    often that counting it in the database would cost as much as doing it."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self._windows: dict[int, tuple[float, int]] = {}

    def spend(self, settings: Settings, person: int) -> None:
        """Counts one; raises TooMany when it is one too many."""
        if not settings.rate_limits:
            return
        now = time.monotonic()
        began, times = self._windows.pop(person, (now, 0))
        if now - began >= self.seconds:
            began, times = now, 0
        self._windows[person] = (began, times + 1)
        while len(self._windows) > MOST_PACED:
            del self._windows[next(iter(self._windows))]  # who has done nothing for longest
        if times >= self.most:
            raise too_many(began + self.seconds - now)


MOST_PACED = 10_000
# Nobody types five messages a second for a minute.
WRITES = Pace(300, 60)
# A page that is typed in says so every three seconds.
TYPING = Pace(60, 60)


class Shared:
    """A limit that all processes count together, for what happens so often that a row written each time would cost as
    much as doing it: each process takes a `handful` from the common count, and spends that by itself. What it took and
    did not spend is lost with the window."""

    def __init__(self, limit: Limit, handful: int) -> None:
        self.limit = limit
        self.handful = handful
        # Of each: how much is left of what was taken, and until when. Less than nothing: refused until then.
        self._taken: dict[str, tuple[int, float]] = {}
        self._taking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def spend(self, settings: Settings, who: str) -> None:
        """Counts one; raises TooMany when it is one too many."""
        if not settings.rate_limits:
            return
        left, ends = self._taken.get(who, (0, 0.0))
        wait = ends - time.monotonic()
        if left == 0 or wait <= 0:
            # One after the other: else who hears that none is left could be heard before who got the last of them.
            async with self._taking.setdefault(who, asyncio.Lock()):
                left, ends = self._taken.get(who, (0, 0.0))
                wait = ends - time.monotonic()
                if left == 0 or wait <= 0:
                    took, wait = await self._take(settings, who)
                    left, ends = took or -1, time.monotonic() + wait
        self._taken.pop(who, None)
        self._taken[who] = (left - 1 if left > 0 else left, ends)
        while len(self._taken) > MOST_PACED:
            del self._taken[next(iter(self._taken))]
        if left < 0:
            raise too_many(wait)

    async def _take(self, settings: Settings, who: str) -> tuple[int, float]:
        """How much there was to take, and how long the window lasts."""
        row = await database.fetch_row(
            """
            INSERT INTO rate_limit AS r (key, tries, window_ends) VALUES ($1, $2, now() + $3)
            ON CONFLICT (key) DO UPDATE SET
                tries = CASE WHEN r.window_ends <= now() THEN $2 ELSE least(r.tries + $2, 1000000000) END,
                window_ends = CASE WHEN r.window_ends <= now() THEN excluded.window_ends ELSE r.window_ends END
            RETURNING tries, extract(epoch FROM window_ends - now())::float8 AS wait
            """,
            f"{self.limit.name}:{pseudonym(settings.secret_key, who)}",
            self.handful,
            timedelta(seconds=self.limit.seconds),
        )
        assert row is not None
        return max(0, min(self.handful, self.limit.most - row["tries"] + self.handful)), row["wait"]


# A program: ten calls a second for a minute.
TOKEN = Shared(Limit("token", 600, 60), handful=20)


def too_many(wait: float) -> TooMany:
    """The refusal, with how long to wait, in seconds."""
    minutes = max(1, round(wait / 60))
    said = ngettext(
        "Too many attempts. Please try again in %d minute.",
        "Too many attempts. Please try again in %d minutes.",
        minutes,
    )
    return TooMany(said % minutes, retry_after=max(1, math.ceil(wait)))


async def spend(settings: Settings, *tries: tuple[Limit, str]) -> None:
    """Counts one try of each (limit, account or address); raises TooMany when one of them is used up."""
    if not settings.rate_limits:
        return
    keys = [f"{limit.name}:{pseudonym(settings.secret_key, who)}" for limit, who in tries]
    rows = await database.fetch(
        """
        INSERT INTO rate_limit AS r (key, tries, window_ends)
        SELECT key, 1, now() + seconds * interval '1 second' FROM unnest($1::text[], $2::int[]) AS t (key, seconds)
        ORDER BY key
        ON CONFLICT (key) DO UPDATE SET
            tries = CASE WHEN r.window_ends <= now() THEN 1 ELSE r.tries + 1 END,
            window_ends = CASE WHEN r.window_ends <= now() THEN excluded.window_ends ELSE r.window_ends END
        RETURNING key, tries, ceil(extract(epoch FROM window_ends - now()))::int AS wait
        """,
        keys,
        [limit.seconds for limit, _who in tries],
    )
    counts = {row["key"]: row for row in rows}
    for key, (limit, _who) in zip(keys, tries, strict=True):
        if counts[key]["tries"] > limit.most:
            raise too_many(counts[key]["wait"])


async def forgive(settings: Settings, *tries: tuple[Limit, str]) -> None:
    """Takes the count of these back to nothing: the person proved who they are."""
    if not settings.rate_limits:
        return
    keys = [f"{limit.name}:{pseudonym(settings.secret_key, who)}" for limit, who in tries]
    await database.fetch("DELETE FROM rate_limit WHERE key = ANY($1)", keys)


async def give_back(settings: Settings, *tries: tuple[Limit, str]) -> None:
    """Takes back one try of each of these."""
    if not settings.rate_limits:
        return
    keys = [f"{limit.name}:{pseudonym(settings.secret_key, who)}" for limit, who in tries]
    await database.fetch("UPDATE rate_limit SET tries = tries - 1 WHERE key = ANY($1) AND tries > 0", keys)
