"""How the demo is made up, before any database sees it."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.demo import clock, script, world
from app.demo.cast import characters
from app.demo.chat import Chat
from app.demo.slots import Slots


def test_the_same_seed_tells_the_same_story() -> None:
    now = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    one, other = ([d.body for chat in _conversations(now, first, 0.3) for d in chat.drafts] for first in (1, 5_000))
    assert one == other


@pytest.mark.parametrize("hour", [3, 7, 23])
def test_at_any_hour_it_ends_before_now_and_has_what_is_unread(hour: int) -> None:
    now = datetime(2026, 3, 30, hour, 1, tzinfo=UTC)  # the clocks changed the day before
    told = _conversations(now, 1, 1)
    assert max(d.said_at for chat in told for d in chat.drafts) <= now
    behind = {
        sum(d.counts and d.author != 1 for d in chat.drafts[stay.read_position :])
        for chat in told
        for stay in chat.stays
        if stay.person == 1
    }
    assert {0, 3, 27, 150} <= behind


@pytest.mark.parametrize("evening", ["2026-10-24T23:30+02:00", "2026-03-28T23:30+01:00"])
def test_who_sleeps_while_the_clocks_change_gets_up_at_the_usual_time(evening: str) -> None:
    went = datetime.fromisoformat(evening)
    up = clock.awake(went).astimezone(clock.ZONE)
    assert (up.date() - went.date()).days == 1
    assert up.time() == clock.WAKING


def test_twice_the_scale_is_twice_the_talk() -> None:
    now = datetime.now(UTC)
    one, two = (sum(len(chat.drafts) for chat in _conversations(now, 1, scale)) for scale in (0.5, 1))
    assert 1.8 < two / one < 2.1


def test_every_written_line_can_be_spoken_in_full() -> None:
    cast = characters()
    for dialogue in script.dialogues():
        names = {name: "Alex" for letter in (*dialogue.speakers, "B") for name in (letter, f"@{letter}")}
        for seed in range(5):
            slots = Slots(random.Random(seed), dialogue.language, datetime.now(UTC), names, cast)
            for line in dialogue.lines:
                text = script.speak(line.text, slots.__getitem__, slots.choose)
                assert not re.search(r"\{@?[A-Za-z]\w*\}|\{[^{}\n]*\|", text), text
                assert 0 < len(text) <= 2_000 or line.deleted, line


def test_a_line_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd.txt").write_text("== en chat\nA: fine\nnobody says this\n")
    monkeypatch.setattr(script, "TEXTS", tmp_path)
    with pytest.raises(ValueError, match=r"odd\.txt:3 .*nobody says this"):
        script.dialogues.__wrapped__()


def _conversations(now: datetime, first_id: int, scale: float) -> list[Chat]:
    people = world.settle_in(list(enumerate(characters(), first_id)), now)
    return world.conversations(people, now, now, scale, 2_000)
