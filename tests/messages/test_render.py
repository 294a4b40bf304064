"""Messages as fragments: grouped, under their day, and the same bytes for everyone with the same locale."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core import database
from app.core.i18n import Locale
from app.messages import render
from app.messages.views import Author, Line, MessageView
from tests.conftest import Actor, Cast

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def line(author: int = 1, kind: str = "text", at: datetime = NOON, before: tuple[Any, ...] = (None,) * 3) -> Line:
    """A message by that author with what stands before it."""
    message = MessageView(
        id=1,
        conversation_id=1,
        position=2,
        change=2,
        author=Author(author, f"user{author}", f"User {author}"),
        kind=kind,
        body="hello",
        html="<p>hello</p>",
        reply_to=None,
        created_at=at,
        edited_at=None,
        deleted_at=None,
    )
    return Line(message, *before)


def continues(one: Line, locale: Locale | None = None) -> bool:
    return "message-continues" in render.made(one, locale or Locale("en", "UTC"))


def day(one: Line, locale: Locale) -> str:
    """The day that begins with it, as it is written; empty when none does."""
    found = re.search(r'class="day"><time datetime="[^"]*">([^<]*)<', render.made(one, locale))
    return found[1] if found else ""


def test_messages_of_one_author_within_five_minutes_stand_under_one_name() -> None:
    soon, late = NOON + timedelta(minutes=4, seconds=59), NOON + timedelta(minutes=5)
    assert continues(line(at=soon, before=(1, NOON, "text")))
    assert not continues(line(at=late, before=(1, NOON, "text")))
    assert not continues(line(at=soon, before=(2, NOON, "text")))
    assert not continues(line(at=soon, before=(1, NOON, "system")))
    assert not continues(line(at=soon, kind="system", before=(1, NOON, "system")))
    assert not continues(line())


def test_a_day_begins_where_it_does_in_the_readers_zone() -> None:
    evening = datetime(2026, 3, 14, 22, 59, tzinfo=UTC)
    across = line(at=evening + timedelta(minutes=2), before=(1, evening, "text"))
    paris, london, tokyo = (Locale("en", zone) for zone in ("Europe/Paris", "Europe/London", "Asia/Tokyo"))
    assert day(across, paris) == "Sunday, 15 March 2026"
    assert day(across, london) == ""
    assert day(across, tokyo) == ""
    assert day(across, Locale("fr", "Europe/Paris")) == "dimanche 15 mars 2026"
    assert day(line(), london) == "Saturday, 14 March 2026"
    assert not continues(across, paris)
    assert continues(across, london)


async def fragments(who: Actor, conversation: int) -> list[str]:
    page = (await who.browser.get(f"/conversations/{conversation}?latest=true")).text
    return re.findall(r'<li class="message.*?\n</li>', page, re.DOTALL)


async def test_everyone_with_the_same_locale_gets_the_same_bytes(cast: Cast) -> None:
    await cast.say(cast.milo, "hello")
    await cast.say(cast.olive, "hello *back*")
    mine, owners, french = [await fragments(who, cast.chess) for who in (cast.milo, cast.olive, cast.mina)]
    assert len(mine) == 4
    assert mine == owners
    assert mine != french


async def test_people_in_other_zones_see_their_own_days_and_times(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "late")
    moment = datetime(2026, 3, 14, 22, 30, tzinfo=UTC)
    await database.fetch("UPDATE message SET created_at = $2 WHERE id = $1", sent["id"], moment)
    await database.fetch("UPDATE person SET time_zone = 'Asia/Tokyo' WHERE id = $1", cast.olive.id)
    here, there = (await fragments(cast.milo, cast.chess))[-1], (await fragments(cast.olive, cast.chess))[-1]
    assert ">22:30</time>" in here
    assert 'datetime="2026-03-14"' in here
    assert ">07:30</time>" in there
    assert 'datetime="2026-03-15"' in there
    assert here.count('datetime="2026-03-14T22:30:00Z"') == there.count('datetime="2026-03-14T22:30:00Z"') == 1


async def test_a_new_name_shows_on_what_was_written_before(cast: Cast) -> None:
    await cast.say(cast.milo, "hello")
    assert "Milo Member" in (await fragments(cast.mina, cast.chess))[-1]
    await database.fetch("UPDATE person SET name = 'Milo Married' WHERE id = $1", cast.milo.id)
    assert "Milo Married" in (await fragments(cast.mina, cast.chess))[-1]


async def test_an_edit_is_marked_and_a_tombstone_says_so(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "hello")
    await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": "hello!"})
    assert ">edited</span>" in (await fragments(cast.olive, cast.chess))[-1]
    await cast.milo.api.delete(f"/messages/{sent['id']}")
    tombstone = (await fragments(cast.olive, cast.chess))[-1]
    assert "message-deleted" in tombstone
    assert "hello" not in tombstone
    assert "message-actions" not in tombstone


async def test_a_deleted_message_still_parts_or_joins_what_follows(cast: Cast) -> None:
    first = await cast.say(cast.milo, "one")
    await cast.say(cast.milo, "two")
    before = (await fragments(cast.olive, cast.chess))[-1]
    assert "message-continues" in before
    await cast.milo.api.delete(f"/messages/{first['id']}")
    assert (await fragments(cast.olive, cast.chess))[-1] == before
