"""Quiet hours: by the clock on one's own wall, over midnight too."""

from datetime import UTC, datetime, time, timedelta

import pytest

from app.notifications.choices import after_quiet, quiet_until
from app.notifications.views import SettingsView

NIGHT = SettingsView(quiet_from=time(22), quiet_to=time(7))
TO_HALF_PAST_TWO = SettingsView(quiet_from=time(22), quiet_to=time(2, 30))
LUNCH = SettingsView(quiet_from=time(12), quiet_to=time(13))


@pytest.mark.parametrize(
    ("hours", "zone", "now", "until"),
    [
        (NIGHT, "UTC", "2026-11-21T21:59", None),
        (NIGHT, "UTC", "2026-11-21T22:00", "2026-11-22T07:00"),
        (NIGHT, "UTC", "2026-11-22T03:00", "2026-11-22T07:00"),
        (NIGHT, "UTC", "2026-11-22T07:00", None),
        (LUNCH, "UTC", "2026-11-22T12:30", "2026-11-22T13:00"),
        (LUNCH, "UTC", "2026-11-22T13:00", None),
        (NIGHT, "Europe/Paris", "2026-11-21T21:30", "2026-11-22T06:00"),
        (NIGHT, "America/New_York", "2026-11-21T21:30", None),
        # The clocks go back an hour in that night, and forward in this one.
        (NIGHT, "Europe/Paris", "2026-10-24T21:30", "2026-10-25T06:00"),
        (NIGHT, "Europe/Paris", "2026-03-28T21:30", "2026-03-29T05:00"),
        # Half past two comes twice: asked in the second hour, it is the second one.
        (TO_HALF_PAST_TWO, "Europe/Paris", "2026-10-25T00:15", "2026-10-25T00:30"),
        (TO_HALF_PAST_TWO, "Europe/Paris", "2026-10-25T01:15", "2026-10-25T01:30"),
        (SettingsView(quiet_from=time(8), quiet_to=time(8)), "UTC", "2026-11-21T08:00", None),
        (SettingsView(), "UTC", "2026-11-21T08:00", None),
    ],
)
def test_they_end_when_the_clock_on_the_wall_says_so(
    hours: SettingsView, zone: str, now: str, until: str | None
) -> None:
    expected = datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None
    assert quiet_until(hours, zone, datetime.fromisoformat(now).replace(tzinfo=UTC)) == expected


def test_what_waits_for_their_end_is_never_looked_at_again_at_once() -> None:
    now = datetime(2026, 11, 21, 6, 59, 59, tzinfo=UTC)
    assert after_quiet(now - timedelta(hours=1), now) == now + timedelta(minutes=1)
    assert after_quiet(now + timedelta(seconds=1), now) == now + timedelta(minutes=1)
    assert after_quiet(now + timedelta(hours=1), now) == now + timedelta(hours=1)
