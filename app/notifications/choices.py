"""How each wants to be told: how much by which channel, and when not."""

from datetime import UTC, datetime, time, timedelta
from typing import get_args

import msgspec

from app.accounts.views import Me
from app.core import database, i18n
from app.core.errors import Invalid, NotFound
from app.core.i18n import _
from app.notifications.views import Level, SettingsView

LEVELS = get_args(Level)
PUSH_SHOWS = ("text", "name", "nothing")
# What waits for the end of quiet hours is not looked at again before.
LEAST_WAIT = timedelta(minutes=1)
FIELDS = ("app", "mail", "push", "push_shows", "weekly", "quiet_from", "quiet_to")


class Choice(msgspec.Struct):
    """What is not given stays as it is; an empty time is none."""

    app: str | None = None
    mail: str | None = None
    push: str | None = None
    push_shows: str | None = None
    weekly: bool | None = None
    quiet_from: str | None = None
    quiet_to: str | None = None


async def of(person: int) -> SettingsView:
    """What they chose, or what holds for who has not."""
    row = await database.fetch_row(f"SELECT {', '.join(FIELDS)} FROM notification_settings WHERE person = $1", person)
    return SettingsView(*row) if row else SettingsView()


async def choose(me: Me, choice: Choice) -> SettingsView:
    """Changes what is given, and nothing else: a link in a mail may turn off another of them at this moment. Raises
    Invalid, and NotFound for who has left meanwhile."""
    wanted = await of(me.id)
    wrong = {}
    for channel in ("app", "mail", "push"):
        level = getattr(choice, channel)
        if level is not None and level not in LEVELS:
            wrong[channel] = _("Choose one of the options.")
        elif level is not None:
            setattr(wanted, channel, level)
    if choice.push_shows is not None and choice.push_shows not in PUSH_SHOWS:
        wrong["push_shows"] = _("Choose one of the options.")
    elif choice.push_shows is not None:
        wanted.push_shows = choice.push_shows  # type: ignore[assignment]
    if choice.weekly is not None:
        wanted.weekly = choice.weekly
    for end in ("quiet_from", "quiet_to"):
        given = getattr(choice, end)
        if given is None:
            continue
        try:
            setattr(wanted, end, _time(given))
        except ValueError:
            wrong[end] = _("Enter a time such as 22:00.")
    if (wanted.quiet_from is None) != (wanted.quiet_to is None):
        wrong.setdefault("quiet_to" if wanted.quiet_to is None else "quiet_from", _("Enter both times, or neither."))
    if wrong:
        raise Invalid(**wrong)
    given = [name for name in FIELDS if getattr(choice, name) is not None]
    if "quiet_from" in given or "quiet_to" in given:  # never one without the other
        given = [*(name for name in given if not name.startswith("quiet_")), "quiet_from", "quiet_to"]
    columns = ["person", *given]
    row = await database.fetch_row(
        f"""
        INSERT INTO notification_settings ({", ".join(columns)})
        SELECT id{"".join(f", ${number}" for number in range(2, len(columns) + 1))} FROM person
        WHERE id = $1 AND deactivated_at IS NULL FOR SHARE
        ON CONFLICT (person) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in columns)}
        RETURNING {", ".join(FIELDS)}
        """,
        me.id,
        *(getattr(wanted, name) for name in given),
    )
    if row is None:
        raise NotFound
    return SettingsView(*row)


def quiet_until(settings: SettingsView, time_zone: str, now: datetime) -> datetime | None:
    """The end of the quiet hours in which that moment is, in UTC; None when it is in none. They may span midnight; the
    same time twice is no hours at all. By the clock on their wall, also in the night in which it is changed."""
    start, end = settings.quiet_from, settings.quiet_to
    if start is None or end is None or start == end:
        return None
    there = now.astimezone(i18n.zone(time_zone))
    at = there.time()
    inside = start <= at < end if start < end else at >= start or at < end
    if not inside:
        return None
    day = there.date() + timedelta(days=at >= end)
    until = datetime.combine(day, end, there.tzinfo)
    if until.astimezone(UTC) <= now:  # in the hour that comes twice, the end is in the second one
        until = until.replace(fold=1)
    return until.astimezone(UTC)


def after_quiet(until: datetime, now: datetime) -> datetime:
    """When to look again at what waits for that end: never at once, so that nothing turns in circles over it."""
    return max(until, now + LEAST_WAIT)


def _time(given: str) -> time | None:
    """Of HH:MM, as a form has it, or with seconds, as JSON has it."""
    if not given.strip():
        return None
    made = time.fromisoformat(given.strip())
    if made.tzinfo is not None:
        raise ValueError
    return made.replace(second=0, microsecond=0)
