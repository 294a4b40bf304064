"""Notifications by mail: gathered, what its reader may see at that moment, and how mail programs show it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup

from app.core import database
from app.notifications import actions, choices, due
from tests.conftest import Actor, Cast
from tests.notifications.conftest import Post, part

ARABIC = "نادي الشطرنج"


async def direct(cast: Cast, one: Actor, other: Actor) -> int:
    return int((await one.api.put(f"/direct/{other.username}")).json()["id"])


async def group(cast: Cast, title: str, *others: Actor) -> int:
    made = await cast.olive.api.post(
        "/conversations", json={"title": title, "members": [each.username for each in others]}
    )
    return int(made.json()["id"])


async def test_what_was_said_is_gathered_into_one_mail_with_who_said_what(cast: Cast, post: Post) -> None:
    first = await cast.say(cast.olive, "@mina are **you** there?")
    await cast.say(cast.milo, "she is not")
    await cast.say(cast.olive, "@mina hello?")
    await post.deliver()
    (mail,) = post.box.mails
    assert mail["To"] == "mina@example.org"
    text, html = part(mail, "plain"), part(mail, "html")
    assert [line for line in text.splitlines() if line.startswith(">")] == [
        "> @mina are **you** there?",
        "> she is not",
        "> @mina hello?",
    ]
    assert "Olive Owner" in text
    assert f"{cast.server.url}/messages/{first['id']}" in text
    page = BeautifulSoup(html, "html.parser")
    assert [said.get_text().strip() for said in page.select(".said")] == [
        "@mina are you there?",
        "she is not",
        "@mina hello?",
    ]
    assert page.select_one(".said strong") is not None
    assert not page.find_all(["img", "script", "link", "iframe"]), "nothing is loaded"
    await post.deliver()
    assert len(post.box.mails) == 1, "nobody is told twice"


async def test_what_was_read_and_then_marked_unread_is_not_mailed(cast: Cast, post: Post) -> None:
    said = await cast.say(cast.olive, "@mina hello")
    await post.read()
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await cast.mina.api.put(f"/conversations/{cast.chess}/unread", json={})
    assert (await cast.mina.api.get("/notifications")).json()["unread"] == 1, "in the centre it is unread again"
    await post.deliver()
    assert post.to(cast.mina) == []
    await cast.say(cast.olive, "@mina more")
    await post.deliver()
    (mail,) = post.to(cast.mina)
    assert "more" in part(mail, "plain")
    assert "hello" not in part(mail, "plain")


async def test_who_went_in_is_not_mailed_that_they_were_brought_in(cast: Cast, post: Post) -> None:
    trip = await group(cast, "Trip", cast.mina)
    said = await cast.say(cast.olive, "welcome", trip)
    await post.read()
    await cast.mina.api.put(f"/conversations/{trip}/read", json={"position": said["position"]})
    await post.deliver()
    assert post.to(cast.mina) == []


async def test_what_is_not_wanted_any_more_when_its_time_comes_is_not_mailed(cast: Cast, post: Post) -> None:
    where = await direct(cast, cast.milo, cast.mina)
    await cast.say(cast.milo, "psst", where)
    await post.read()
    await cast.mina.api.put(f"/conversations/{where}/level", json={"level": "mentions"})
    await post.deliver()
    assert post.to(cast.mina) == []


async def test_before_its_time_nothing_is_sent(cast: Cast, post: Post) -> None:
    await cast.say(cast.olive, "@mina hello")
    await post.read()
    await post.mailer.round()
    assert post.box.mails == []
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_a_long_stretch_shows_its_beginning_and_how_much_more_there_is(cast: Cast, post: Post) -> None:
    for number in range(1, 18):
        await cast.say(cast.olive, f"@milo number {number}")
    await cast.say(cast.mina, "x " * 700, await direct(cast, cast.mina, cast.milo))
    await post.deliver()
    mails = {str(mail["Subject"]): part(mail, "plain") for mail in post.to(cast.milo)}
    in_group = mails["New in Chess club"]
    assert "number 5\n" in in_group
    assert "number 6\n" not in in_group
    assert "and 12 more" in in_group
    cut = next(line for line in mails["Messages from Mina Member"].splitlines() if line.startswith(">"))
    assert 490 < len(cut) < 510
    assert cut.endswith("x …")


async def test_what_was_read_meanwhile_is_not_mailed(cast: Cast, post: Post) -> None:
    said = await cast.say(cast.olive, "@mina @milo hello")
    await post.gather()
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await post.mailer.round()
    assert [mail["To"] for mail in post.box.mails] == ["milo@example.org"]
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_of_what_was_read_in_part_the_rest_is_mailed(cast: Cast, post: Post) -> None:
    said = await cast.say(cast.olive, "@mina bishop")
    await cast.say(cast.olive, "@mina knight")
    await post.gather()
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await post.mailer.round()
    text = part(post.box.mails[0], "plain")
    assert "knight" in text
    assert "bishop" not in text


@pytest.mark.parametrize("when", ["before it is gathered", "before it is sent"])
@pytest.mark.parametrize("what", ["deleted", "left", "blocked", "turned off", "muted", "closed", "no address"])
async def test_what_its_reader_may_no_longer_see_or_no_longer_wants_is_not_sent(
    cast: Cast, post: Post, what: str, when: str
) -> None:
    said = await cast.say(cast.milo, "@mina @olive a secret")
    await post.gather()
    if when == "before it is sent":
        assert await due.gather()
    member = f"/conversations/{cast.chess}/members/{cast.mina.id}"
    if what == "deleted":
        await cast.milo.api.delete(f"/messages/{said['id']}")
    elif what == "left":
        assert (await cast.olive.api.delete(member)).status_code == 204
    elif what == "blocked":
        await cast.mina.api.put("/people/milo/block")
    elif what == "turned off":
        await cast.mina.api.put("/me/notification-settings", json={"mail": "nothing"})
    elif what == "muted":
        await cast.mina.api.put(f"/conversations/{cast.chess}/mute", json={})
    elif what == "no address":  # as a bot
        await database.fetch("UPDATE person SET email = '' WHERE id = $1", cast.mina.id)
    else:
        await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.mina.id)
    await post.mailer.round()
    assert {mail["To"] for mail in post.box.mails} <= {"olive@example.org"}
    assert len(post.to(cast.olive)) == (0 if what == "deleted" else 1), "the others get it, or this means nothing"
    assert await database.fetch_value("SELECT count(*) FROM mail_waiting") == 0


async def test_of_several_texts_the_deleted_and_those_of_whom_one_blocked_are_not_shown(cast: Cast, post: Post) -> None:
    await cast.say(cast.olive, "@mina bishop")
    gone = await cast.say(cast.olive, "@mina knight")
    await cast.say(cast.milo, "castle")
    await cast.say(cast.olive, "@mina pawn")
    await cast.mina.api.put("/people/milo/block")
    await cast.olive.api.delete(f"/messages/{gone['id']}")
    await post.deliver()
    (mail,) = post.to(cast.mina)
    for text in (part(mail, "plain"), part(mail, "html")):
        assert "bishop" in text
        assert "pawn" in text
        assert "knight" not in text
        assert "castle" not in text


async def test_in_quiet_hours_it_waits_until_they_are_over(cast: Cast, post: Post) -> None:
    now = datetime.now(UTC)
    hours = {"quiet_from": f"{now - timedelta(hours=1):%H:%M}", "quiet_to": f"{now + timedelta(hours=2):%H:%M}"}
    await cast.mina.api.put("/me/notification-settings", json=hours)
    await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    assert post.box.mails == []
    due = await database.fetch_value("SELECT mail_at FROM notification WHERE person = $1", cast.mina.id)
    assert timedelta(minutes=110) < due - now <= timedelta(minutes=121)
    await database.fetch("UPDATE notification_settings SET quiet_from = NULL, quiet_to = NULL")
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_it_speaks_the_language_of_its_reader_and_has_the_time_of_their_place(cast: Cast, post: Post) -> None:
    await database.fetch("UPDATE person SET time_zone = 'Asia/Kolkata' WHERE id = $1", cast.olive.id)
    await cast.say(cast.milo, "@mina @olive hello")
    await post.gather()
    await database.fetch("UPDATE message SET created_at = '2026-03-04T23:30:00Z' WHERE kind = 'text'")
    await post.mailer.round()
    (english,), (french,) = post.to(cast.olive), post.to(cast.mina)
    assert 'lang="en"' in part(english, "html")
    assert 'lang="fr"' in part(french, "html")
    assert "5 Mar 2026, 05:00" in part(english, "plain")
    assert "4 mars 2026, 23:30" in part(french, "plain")


async def test_mails_about_a_conversation_stand_together_in_a_mail_program(cast: Cast, post: Post) -> None:
    where = await direct(cast, cast.olive, cast.milo)
    for number in range(2):
        await cast.say(cast.olive, f"@milo number {number}")
        await cast.say(cast.olive, "psst", where)
        await post.deliver()
    mails = post.to(cast.milo)
    assert len(mails) == 4
    threads = {mail["References"] for mail in mails}
    assert len(threads) == 2
    for mail in mails:
        assert mail["In-Reply-To"] == mail["References"]
        assert mail["References"].startswith("<conversation-")
    assert len({mail["Message-ID"] for mail in mails}) == 4
    assert len({str(mail["Subject"]) for mail in mails}) == 2, "by its subject too"


async def test_of_many_conversations_it_is_one_mail(cast: Cast, post: Post) -> None:
    for number in range(5):
        where = await group(cast, f"Group {number}", cast.milo)
        await cast.say(cast.olive, f"@milo in {number}", where)
    await cast.mina.api.post("/contacts", json={"username": "milo"})
    await post.deliver()
    (mail,) = post.to(cast.milo)
    assert mail["Subject"] == "New in 5 conversations"
    assert mail["References"] is None
    for number in range(5):
        assert f"Olive Owner added you to Group {number}" in part(mail, "plain")
        assert f"> @milo in {number}" in part(mail, "plain")


async def test_a_request_is_a_line_that_leads_to_where_it_is_answered(cast: Cast, post: Post) -> None:
    await cast.mina.api.post("/contacts", json={"username": "milo"})
    await actions.tell(cast.milo.id, "contact_request", cast.mina.id)
    await post.deliver()
    (mail,) = post.to(cast.milo)
    assert mail["Subject"] == "Mina Member sent you a contact request"
    assert f"{cast.server.url}/contacts" in part(mail, "plain")


@pytest.mark.parametrize("title", ["x\r\nBcc: eve@example.org", "a\u2028b\x0bc\u202egnp.exe", ARABIC, "T" * 100])
async def test_no_title_and_no_name_gets_out_of_its_place(cast: Cast, post: Post, title: str) -> None:
    """As a fault elsewhere could leave it in the database, where a request would not."""
    await database.fetch("UPDATE conversation SET title = $2 WHERE id = $1", cast.chess, title)
    await database.fetch("UPDATE person SET name = $2 WHERE id = $1", cast.olive.id, f"{title[:30]}<b>&amp;")
    await cast.say(cast.olive, "@mina <img src=x onerror=alert(1)> http://evil.example/\n-- \nnot the end")
    await post.deliver()
    (mail,) = post.to(cast.mina)
    assert post.box.recipients == [["mina@example.org"]]
    assert mail["Bcc"] is None
    assert "\u202e" not in mail["Subject"] + part(mail, "plain")
    assert len(mail["Subject"]) < 140
    page = BeautifulSoup(part(mail, "html"), "html.parser")
    assert not page.find_all(["img", "script"])
    author = page.select_one("b")
    assert author is not None
    assert author.get_text().endswith("<b>&amp;"), "a name is text, as it is"
    assert "> -- \n" in part(mail, "plain") or "> --\n" in part(mail, "plain"), "nobody writes our foot"
    assert "<img src=x onerror=alert(1)>" in part(mail, "plain"), "plain text is not escaped"


async def test_a_thousand_messages_to_everyone_are_a_mail_for_each_person(cast: Cast, post: Post) -> None:
    people = await database.fetch(
        """
        INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key)
        SELECT 'p' || n, 'p' || n, 'Person ' || n, 'p' || n || '@example.org', 'p' || n || '@example.org', '', ''
        FROM generate_series(1, 500) AS n RETURNING id
        """
    )
    await database.fetch(
        "INSERT INTO membership (conversation, person) SELECT $1, unnest($2::bigint[])",
        cast.chess,
        [row["id"] for row in people],
    )
    await database.fetch(
        """
        WITH head AS (UPDATE conversation SET change = change + 1000, position = position + 1000 WHERE id = $1
                      RETURNING change - 1000 AS change, position - 1000 AS position)
        INSERT INTO message (conversation, position, change, author, body, mentions_all, created_at)
        SELECT $1, position + n, change + n, $2, '@all number ' || n, true, clock_timestamp()
        FROM head, generate_series(1, 1000) AS n
        """,
        cast.chess,
        cast.olive.id,
    )
    await post.gather()
    while await due.gather():
        pass
    waiting = await database.fetch("SELECT person FROM mail_waiting")
    assert len(waiting) == len({row["person"] for row in waiting}) == 502, "and Milo, and Mina"
    await database.fetch("DELETE FROM mail_waiting WHERE person <> $1", cast.milo.id)
    await post.deliver()
    (mail,) = post.box.mails
    assert "and more than 95 more" in part(mail, "plain")
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_what_comes_while_a_mail_is_on_its_way_is_neither_lost_nor_told_twice(cast: Cast, post: Post) -> None:
    await cast.say(cast.olive, "@mina one")
    await post.gather()
    await due.gather()
    await cast.say(cast.olive, "@mina two")
    await post.deliver()
    assert [text in part(post.box.mails[0], "plain") for text in ("one", "two")] == [True, True]
    await post.deliver()
    assert len(post.box.mails) == 1
    await cast.say(cast.olive, "@mina three")
    await post.deliver()
    assert len(post.box.mails) == 2


async def test_without_a_server_it_is_printed(cast: Cast, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    post.mailer.settings = cast.server.settings
    await cast.say(cast.olive, "@milo hello")
    await post.deliver()
    shown = capsys.readouterr().err
    assert "To: milo@example.org\nSubject: New in Chess club\n" in shown
    assert "> @milo hello" in shown


async def test_what_a_mail_had_no_room_for_is_told_by_the_next(cast: Cast, post: Post) -> None:
    post.box.refuse = ["451 later"]
    await cast.say(cast.olive, "@mina one")
    await post.deliver()
    assert post.box.refused == 1
    for number in range(6):
        await cast.say(cast.olive, f"number {number}")
    await cast.say(cast.olive, "@mina are you there?")
    await post.deliver()
    assert "are you there" not in part(post.box.mails[0], "plain")
    await post.deliver()
    assert len(post.box.mails) == 2
    await post.deliver()
    assert len(post.box.mails) == 2, "and once"


async def test_quiet_hours_that_would_be_over_already_turn_nothing_in_circles(
    cast: Cast, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def over(*_args: object) -> datetime:
        return datetime.now(UTC) - timedelta(hours=1)

    await cast.say(cast.olive, "@mina hello")
    await post.gather()
    with monkeypatch.context() as patched:
        patched.setattr(choices, "quiet_until", over)
        assert await due.gather()
        assert not await due.gather(), "it waits"
    await post.gather()
    assert await due.gather()
    with monkeypatch.context() as patched:
        patched.setattr(choices, "quiet_until", over)
        async with asyncio.timeout(10):
            await post.mailer.round()
    assert post.box.mails == []
    await post.deliver()
    assert len(post.box.mails) == 1
