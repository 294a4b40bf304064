"""The weekly summary: for who wants it, on Monday at eight by the clock on their wall, once."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.core import database
from app.notifications import addressees, weekly
from tests.conftest import Actor, Cast, statements_of
from tests.notifications.conftest import Post, part


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


async def look(now: datetime) -> None:
    async with database.transaction():
        await weekly.write_due(now)


async def waiting() -> list[int]:
    return [row["person"] for row in await database.fetch("SELECT person FROM mail_waiting WHERE kind = 'weekly'")]


async def wants(who: Actor, zone: str = "UTC") -> None:
    await who.api.put("/me/notification-settings", json={"weekly": True, "mail": "nothing"})
    await database.fetch("UPDATE person SET time_zone = $2 WHERE id = $1", who.id, zone)


@pytest.mark.parametrize(
    ("now", "zone", "wanted"),
    [
        ("2026-06-01 07:59+00:00", "UTC", "2026-05-25 08:00+00:00"),
        ("2026-06-01 08:00+00:00", "UTC", "2026-06-01 08:00+00:00"),
        ("2026-06-07 23:00+00:00", "UTC", "2026-06-01 08:00+00:00"),
        ("2026-06-01 06:30+00:00", "Europe/Paris", "2026-06-01 08:00+02:00"),
        ("2026-03-30 06:30+00:00", "Europe/Paris", "2026-03-30 08:00+02:00"),
        ("2026-06-01 06:30+00:00", "Nowhere/Retired", "2026-05-25 08:00+00:00"),
    ],
)
def test_monday_is_where_its_reader_is(now: str, zone: str, wanted: str) -> None:
    assert weekly.last_monday(at(now), zone) == at(wanted)


async def test_it_tells_how_much_is_unread_where(cast: Cast, post: Post) -> None:
    await wants(cast.milo)
    for number in range(3):
        await cast.say(cast.olive, f"number {number}")
    await look(at("2026-06-03 12:00+00:00"))
    assert await waiting() == [], "who has chosen it today begins with the next Monday"
    await look(at("2026-06-08 08:20+00:00"))
    assert await waiting() == [cast.milo.id]
    await post.deliver()
    (mail,) = post.to(cast.milo)
    assert mail["Subject"] == "Your week: unread messages in 1 conversation"
    assert "Chess club: 3 unread" in part(mail, "plain")
    assert f"{cast.server.url}/conversations/{cast.chess}" in part(mail, "html")
    assert "number" not in part(mail, "plain")


async def test_once_a_week_however_often_one_looks(cast: Cast, post: Post) -> None:
    await wants(cast.milo)
    await cast.say(cast.olive, "hello")
    await look(at("2026-06-03 12:00+00:00"))
    for hour in (8, 9, 15):
        await look(at(f"2026-06-08 {hour:02}:20+00:00"))
    assert len(await waiting()) == 1
    await post.deliver()
    await look(at("2026-06-14 23:00+00:00"))
    assert await waiting() == []
    await look(at("2026-06-16 10:00+00:00"))
    assert await waiting() == [cast.milo.id], "late rather than never, should no worker have run"


async def test_with_nothing_to_say_there_is_no_mail(cast: Cast, post: Post) -> None:
    await wants(cast.milo)
    said = await cast.say(cast.olive, "hello")
    await look(at("2026-06-03 12:00+00:00"))
    await look(at("2026-06-08 08:20+00:00"))
    await cast.milo.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await post.deliver()
    assert post.box.mails == []
    assert await waiting() == []


async def test_who_turned_it_off_and_on_again_waits_for_monday(cast: Cast) -> None:
    await wants(cast.milo)
    await look(at("2026-06-03 12:00+00:00"))
    await cast.milo.api.put("/me/notification-settings", json={"weekly": False})
    await look(at("2026-06-24 12:00+00:00"))
    await wants(cast.milo)
    await look(at("2026-06-24 13:00+00:00"))
    assert await waiting() == []
    await look(at("2026-06-29 08:30+00:00"))
    assert await waiting() == [cast.milo.id]


async def test_its_link_turns_off_the_summary_alone(cast: Cast, post: Post) -> None:
    await cast.milo.api.put("/me/notification-settings", json={"weekly": True})
    await cast.say(cast.olive, "hello")
    await look(at("2026-06-03 12:00+00:00"))
    await look(at("2026-06-08 08:20+00:00"))
    await post.deliver()
    (mail,) = post.to(cast.milo)
    answer = await cast.server.client().post(mail["List-Unsubscribe"][1:-1], data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    found = (await cast.milo.api.get("/me/notification-settings")).json()
    assert (found["weekly"], found["mail"]) == (False, "mentions")


async def test_the_first_look_after_it_was_chosen_misses_no_monday(cast: Cast) -> None:
    """Chosen on Monday at ten to eight, looked for at twenty past."""
    await wants(cast.milo)
    await look(at("2026-06-08 08:20+00:00") + timedelta())
    assert await waiting() == [cast.milo.id]


async def test_a_summary_that_waits_is_not_sent_to_who_wants_none_any_more(cast: Cast, post: Post) -> None:
    for who in (cast.milo, cast.mina):
        await wants(who)
    await cast.say(cast.olive, "hello")
    await look(at("2026-06-03 12:00+00:00"))
    await look(at("2026-06-08 08:20+00:00"))
    await cast.milo.api.put("/me/notification-settings", json={"weekly": False})
    await post.deliver()
    assert post.to(cast.milo) == []
    assert len(post.to(cast.mina)) == 1, "others get theirs, or this means nothing"
    assert await waiting() == []


async def test_of_many_conversations_each_page_is_read_by_one_statement(cast: Cast) -> None:
    await wants(cast.milo)
    await cast.say(cast.olive, "hello")
    who = (await addressees.of([cast.milo.id]))[cast.milo.id]

    async def made() -> httpx.Response:
        assert await weekly.made(cast.server.settings, who) is not None
        return httpx.Response(200)

    of_one = await statements_of(made())
    await database.fetch(
        """
        WITH made AS (
            INSERT INTO conversation (kind, title, owner) SELECT 'group', 'Room ' || n, $1::bigint
            FROM generate_series(1, 250) AS n RETURNING id
        )
        INSERT INTO membership (conversation, person) SELECT id, $1 FROM made
        """,
        cast.milo.id,
    )
    assert await statements_of(made()) == of_one + 2
