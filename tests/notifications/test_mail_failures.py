"""Mail servers that refuse, are silent or are not there, and workers that are killed: nothing is lost, nothing comes
twice where its key can prevent it."""

import asyncio
import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from app.core import database
from app.core import mail as core_mail
from app.notifications import addressees, digest, due
from app.notifications import mail as notifications_mail
from tests.conftest import Cast
from tests.notifications.conftest import Post, part
from tests.processes import until, working


async def waits() -> float | None:
    """How many seconds until the mail that waits is tried again; None when there is none."""
    found: timedelta | None = await database.fetch_value(
        "SELECT at - now() FROM mail_waiting WHERE given_up_at IS NULL"
    )
    return found.total_seconds() if found is not None else None


async def test_a_mail_that_is_refused_for_now_is_tried_again_with_growing_waits(cast: Cast, post: Post) -> None:
    post.box.refuse += ["451 later", "421 too busy", "452 full"]
    await cast.say(cast.olive, "@mina hello")
    seen = 0.0
    for number in range(3):
        await post.deliver()
        assert post.box.mails == []
        wait = await waits()
        assert wait is not None
        assert wait > seen + 30
        seen = wait
        await post.mailer.round()
        assert post.box.refused == number + 1, "not before its time"
    await post.deliver()
    assert len(post.box.mails) == 1
    assert await waits() is None
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_a_server_that_is_away_loses_nothing_and_what_came_meanwhile_comes_along(cast: Cast, post: Post) -> None:
    here = post.mailer.settings
    post.mailer.settings = dataclasses.replace(here, smtp_url="smtp://127.0.0.1:1")
    await cast.say(cast.olive, "@mina one")
    await post.deliver()
    await cast.say(cast.olive, "@mina two")
    await post.deliver()
    post.mailer.settings = here
    await post.deliver()
    await post.deliver()
    (mail,) = post.box.mails
    assert "one" in part(mail, "plain")
    assert "two" in part(mail, "plain")


async def test_a_silent_server_holds_up_nothing_in_the_database(
    cast: Cast, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.box.silent = True
    held: list[int] = []
    hand_over = core_mail._hand_over

    async def looking(*args: Any) -> None:
        try:
            await hand_over(*args)
        finally:
            open_ones = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
            held.append(await database.fetch_value(open_ones))

    monkeypatch.setattr(core_mail, "_hand_over", looking)
    await cast.say(cast.olive, "@mina hello")
    with monkeypatch.context() as patched:
        patched.setattr(core_mail, "SILENT", 1.0)
        await post.deliver()
    assert held == [0]
    assert await waits() is not None
    post.box.silent = False
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_a_mail_that_is_refused_for_good_is_given_up_and_the_next_one_is_sent(cast: Cast, post: Post) -> None:
    post.box.refuse.append("554 5.7.1 we do not like it")
    await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    assert await waits() is None
    assert await database.fetch_value("SELECT count(*) FROM mail_refused") == 0, "it was not the address"
    await cast.say(cast.olive, "@mina hello again")
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_our_own_mistakes_are_nobodys_refusal(cast: Cast, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password or sender: 5yz, and all mails of all people would be given up for it."""

    async def handle_mail(*_args: Any) -> str:
        return "550 5.7.1 not from you"

    monkeypatch.setattr(type(post.box), "handle_MAIL", handle_mail, raising=False)
    await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    assert await waits() is not None
    assert await database.fetch_value("SELECT count(*) FROM mail_refused") == 0


async def test_an_address_that_is_refused_over_days_gets_no_more_mail_until_its_person_says_so(
    cast: Cast, post: Post
) -> None:
    async def refused(days: int) -> None:
        await database.fetch("UPDATE mail_refused SET first_at = first_at - $1 * interval '1 day'", days)
        await cast.say(cast.olive, "@mina hello")
        await post.deliver()

    async def told() -> str | None:
        found: str | None = (await cast.mina.api.get("/me/notification-settings")).json()["mail_refused_at"]
        return found

    post.box.no_such_address = "550 5.1.1 no such user"
    for _time in range(6):
        await refused(0)
    assert await told() is None, "in one day that may be a mistake of the server"
    await refused(2)
    assert await told() is not None
    seen = post.box.refused
    await refused(0)
    assert post.box.refused == seen, "nothing is sent any more"
    page = (await cast.mina.browser.get("/me/notification-settings")).text
    assert "/me/mail-refusals" in page
    post.box.no_such_address = ""
    answer = await cast.mina.browser.post("/me/mail-refusals?_method=delete")
    assert answer.status_code == 303
    await refused(0)
    assert len(post.box.mails) == 1
    assert await told() is None


async def test_a_mail_that_was_taken_forgets_the_refusals_before(cast: Cast, post: Post) -> None:
    post.box.no_such_address = "550 no"
    await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    assert await database.fetch_value("SELECT times FROM mail_refused") == 1
    post.box.no_such_address = ""
    await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    assert await database.fetch_value("SELECT count(*) FROM mail_refused") == 0


async def test_killed_before_it_was_sent_it_is_sent_by_the_next(cast: Cast, post: Post) -> None:
    await cast.say(cast.olive, "@mina hello")
    await post.gather()
    await due.gather()
    assert len(await notifications_mail._claim()) == 1
    await post.mailer.round()
    assert post.box.mails == [], "it may still be at it"
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_a_worker_that_is_really_killed_in_the_midst_of_it_loses_nothing(cast: Cast, post: Post) -> None:
    settings = cast.server.settings
    post.box.silent = True
    await cast.say(cast.olive, "@mina hello")
    await post.gather()
    async with working(settings, SMTP_URL=post.box.url) as worker:
        await post.box.until(ignored=1)
        worker.process.kill()
    post.box.silent = False
    await database.fetch("UPDATE mail_waiting SET at = now()")  # as when its lease is over
    async with working(settings, SMTP_URL=post.box.url):
        await post.box.until(mails=1)
        await until(lambda: database.fetch_value("SELECT NOT EXISTS (SELECT FROM mail_waiting)"), "the mail is done")
    await post.deliver()
    assert len(post.box.mails) == 1
    assert "> @mina hello" in part(post.box.mails[0], "plain")


async def test_killed_after_it_was_sent_it_is_not_sent_again_and_what_came_since_is(
    cast: Cast, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_args: Any) -> None:
        raise ConnectionAbortedError

    await cast.say(cast.olive, "@mina one")
    with monkeypatch.context() as patched:
        patched.setattr(notifications_mail, "_end", killed)
        with pytest.raises(ConnectionAbortedError):
            await post.deliver()
    assert len(post.box.mails) == 1
    await cast.say(cast.olive, "@mina two")
    await post.deliver()
    assert len(post.box.mails) == 1
    await post.deliver()
    assert len(post.box.mails) == 2
    assert "two" in part(post.box.mails[1], "plain")


async def test_killed_before_that_could_be_noted_it_comes_under_the_same_id(
    cast: Cast, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over = core_mail._hand_over

    async def cut(*args: Any) -> None:
        await hand_over(*args)
        raise ConnectionResetError

    await cast.say(cast.olive, "@mina one")
    with monkeypatch.context() as patched:
        patched.setattr(core_mail, "_hand_over", cut)
        await post.deliver()
    await post.deliver()
    first, second = post.box.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_of_two_workers_each_mail_is_sent_by_one(cast: Cast, post: Post) -> None:
    await cast.say(cast.olive, "@all hello")
    where = (await cast.olive.api.put("/direct/mina")).json()["id"]
    await cast.say(cast.olive, "psst", where)
    await post.gather()
    await asyncio.gather(*(post.mailer.round() for _worker in range(4)))
    assert sorted(mail["To"] for mail in post.box.mails) == [
        "milo@example.org",
        "mina@example.org",
        "mina@example.org",
    ]


async def test_after_five_days_a_mail_is_given_up(cast: Cast, post: Post) -> None:
    post.box.refuse.append("451 later")
    await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    await database.fetch("UPDATE mail_waiting SET since = since - interval '6 days'")
    await post.deliver()
    assert (post.box.mails, await waits()) == ([], None)


async def test_a_mail_that_cannot_be_written_lets_the_others_go(
    cast: Cast, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = digest.made

    async def broken(settings: Any, mail: int, who: Any) -> Any:
        if who.id == cast.mina.id:
            raise KeyError
        return await made(settings, mail, who)

    monkeypatch.setattr(digest, "made", broken)
    await cast.say(cast.olive, "@mina @milo hello")
    await post.deliver()
    assert [mail["To"] for mail in post.box.mails] == ["milo@example.org"]
    monkeypatch.undo()
    await post.deliver()
    assert len(post.to(cast.mina)) == 1


async def test_a_refused_address_is_forgotten_as_soon_as_it_is_not_theirs_any_more(cast: Cast, post: Post) -> None:
    post.box.no_such_address = "550 5.1.1 nobody here"
    await cast.say(cast.olive, "@mina @milo hello")
    await post.deliver()
    refused = "SELECT email FROM mail_refused ORDER BY email"
    assert [row["email"] for row in await database.fetch(refused)] == ["milo@example.org", "mina@example.org"]
    await database.fetch("UPDATE person SET email = 'deleted-7', email_key = 'deleted-7' WHERE id = $1", cast.mina.id)
    assert [row["email"] for row in await database.fetch(refused)] == ["milo@example.org"]


async def test_what_is_refused_after_the_address_was_changed_is_not_noted(cast: Cast) -> None:
    mina = (await addressees.of([cast.mina.id]))[cast.mina.id]
    await database.fetch("UPDATE person SET email = 'new@example.org' WHERE id = $1", cast.mina.id)
    await addressees.was_refused(mina)
    assert await database.fetch_value("SELECT count(*) FROM mail_refused") == 0
