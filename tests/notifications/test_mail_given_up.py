"""Mail that was given up or waits too long: an administrator sees it, and has it sent after all."""

import asyncio
import dataclasses
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import AuthResult

from app.core import database, jobs, periodic
from app.notifications import digest
from app.notifications import jobs as notifications_jobs
from tests.conftest import Cast, statements_of
from tests.mailbox import mailbox
from tests.notifications.conftest import Post, part
from tests.pages import parsed
from tests.processes import until

PATH = "/admin/jobs"
AGED = "UPDATE mail_waiting SET {0} = {0} - interval '{1}'"


@pytest.fixture(autouse=True)
def work(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The jobs of notifications, and what comes round of them."""
    monkeypatch.setattr(jobs, "_handlers", {})
    monkeypatch.setattr(periodic, "_tasks", {})
    notifications_jobs.register(cast.server.app.state.bell)


async def given_up(cast: Cast) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await cast.ada.api.get(PATH)).json()["letters"]
    return found


async def late(cast: Cast) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (await cast.ada.api.get(PATH)).json()["late_mails"]
    return found


async def run_again(cast: Cast) -> None:
    """The administrator wants all tried again, and a worker does what that leaves to do."""
    assert (await cast.ada.api.post(f"{PATH}/tries")).status_code == 204
    await do_jobs()


async def do_jobs() -> None:
    running = asyncio.create_task(jobs.run())
    await until(lambda: database.fetch_value("SELECT NOT EXISTS (SELECT FROM pgqueuer)"), "the jobs are done")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def refused_for_good(cast: Cast, post: Post, says: str = "@mina hello") -> None:
    post.box.refuse.append("554 5.7.1 we do not like mina@example.org")
    await cast.say(cast.olive, says)
    await post.deliver()
    assert post.box.mails == []


def words(answer: httpx.Response) -> str:
    return parsed(answer).get_text()


async def test_what_was_refused_for_good_is_seen_and_sent_once_when_it_is_run_again(cast: Cast, post: Post) -> None:
    await refused_for_good(cast, post)
    (letter,) = await given_up(cast)
    assert (letter["job"], letter["error"], letter["tries"]) == ("MailGivenUp", "SMTPDataError 554", 1)
    assert letter["about"]["person"] == cast.mina.id
    page = await cast.ada.browser.get(PATH)
    assert "Send notifications by email" in words(page)
    kept = await database.fetch_value("SELECT convert_from(payload, 'UTF8') || error FROM dead_letter")
    for said in (page.text, str(letter), kept):
        assert "hello" not in said
        assert "mina@" not in said
    await post.deliver()
    assert post.box.mails == [], "it is not tried again by itself"
    answer = await cast.ada.browser.post(f"{PATH}/{letter['id']}/tries")
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    await do_jobs()
    await post.deliver()
    (mail,) = post.to(cast.mina)
    assert "> @mina hello" in part(mail, "plain")
    await post.deliver()
    assert len(post.box.mails) == 1
    assert await given_up(cast) == []
    assert await database.fetch_value("SELECT count(*) FROM mail_waiting") == 0


async def test_a_job_that_runs_twice_sends_it_once(cast: Cast, post: Post) -> None:
    await refused_for_good(cast, post)
    (letter,) = await database.fetch("SELECT job, payload FROM dead_letter")
    await jobs.enqueue((letter["job"], letter["payload"]))
    await run_again(cast)
    await post.deliver()
    await jobs.enqueue((letter["job"], letter["payload"]))
    await do_jobs()
    await post.deliver()
    assert len(post.box.mails) == 1


@pytest.mark.parametrize("what", ["read", "deleted", "turned off", "has left"])
async def test_what_was_read_or_deleted_meanwhile_is_not_sent(cast: Cast, post: Post, what: str) -> None:
    post.box.refuse.append("554 no")
    said = await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    if what == "read":
        await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    elif what == "deleted":
        await cast.olive.api.delete(f"/messages/{said['id']}")
    elif what == "turned off":
        await cast.mina.api.put("/me/notification-settings", json={"mail": "nothing"})
    else:
        await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.mina.id)
    await run_again(cast)
    await post.deliver()
    assert post.box.mails == []
    assert await given_up(cast) == []
    assert await database.fetch_value("SELECT count(*) FROM mail_waiting") == 0


async def test_what_a_later_mail_told_is_not_told_again(cast: Cast, post: Post) -> None:
    """More of one kind joins what was told: the next mail has it all."""
    await refused_for_good(cast, post)
    await cast.say(cast.olive, "@mina and again")
    await post.deliver()
    (mail,) = post.to(cast.mina)
    assert "> @mina hello" in part(mail, "plain")
    await run_again(cast)
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_refused_again_it_is_given_up_again_as_one(cast: Cast, post: Post) -> None:
    await refused_for_good(cast, post)
    (first,) = await given_up(cast)
    post.box.refuse.append("550 no")
    await run_again(cast)
    await post.deliver()
    (second,) = await given_up(cast)
    assert second["error"] == "SMTPDataError 550"
    assert second["id"] != first["id"]


async def test_too_old_it_is_given_up_with_its_last_error_and_has_its_time_anew(cast: Cast, post: Post) -> None:
    post.box.refuse.append("451 later")
    await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    await database.fetch(AGED.format("since", "6 days"))
    await post.deliver()
    (letter,) = await given_up(cast)
    assert (letter["error"], letter["tries"]) == ("SMTPDataError 451", 1)
    lasted = datetime.fromisoformat(letter["last_at"]) - datetime.fromisoformat(letter["first_at"])
    assert lasted.days == 6
    assert post.box.mails == []
    await run_again(cast)
    post.box.refuse.append("451 later")
    await post.deliver()
    assert await given_up(cast) == [], "it has five days again"
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_what_was_read_in_those_days_is_nothing_to_run_again(cast: Cast, post: Post) -> None:
    post.box.refuse.append("451 later")
    said = await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await database.fetch(AGED.format("since", "6 days"))
    await post.deliver()
    assert await given_up(cast) == []


async def test_of_several_summaries_that_were_given_up_one_is_sent(cast: Cast, post: Post) -> None:
    await cast.milo.api.put("/me/notification-settings", json={"weekly": True, "mail": "nothing"})
    await cast.say(cast.olive, "hello")
    for _week in range(2):
        await database.fetch("INSERT INTO mail_waiting (person, kind) VALUES ($1, 'weekly')", cast.milo.id)
        post.box.refuse.append("554 no")
        await post.deliver()
    assert len(await given_up(cast)) == 2
    await run_again(cast)
    await post.deliver()
    assert len(post.to(cast.milo)) == 1


async def test_a_wrong_password_is_seen_while_the_mail_still_waits(cast: Cast, post: Post) -> None:
    def wrong(*_args: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    async with mailbox(authenticator=wrong, auth_require_tls=False) as box:
        url = box.url.replace("://", "://us:geheim@")
        post.mailer.settings = dataclasses.replace(post.mailer.settings, smtp_url=url)
        await cast.say(cast.olive, "@mina hello")
        await post.deliver()
    assert await late(cast) is None, "a moment is no trouble"
    await database.fetch(AGED.format("since", "10 minutes"))
    found = await late(cast)
    assert found is not None
    assert (found["many"], found["error"]) == (1, "SMTPAuthenticationError 535")
    assert (datetime.now(UTC) - datetime.fromisoformat(found["since"])).seconds >= 600
    assert (datetime.now(UTC) - datetime.fromisoformat(found["failed_at"])).seconds < 60
    page = await cast.ada.browser.get(PATH)
    assert "1 notification email has been waiting" in words(page)
    assert "SMTPAuthenticationError 535" in words(page)
    assert "geheim" not in page.text
    assert await given_up(cast) == []
    post.mailer.settings = dataclasses.replace(post.mailer.settings, smtp_url=post.box.url)
    await post.deliver()
    assert len(post.box.mails) == 1
    assert await late(cast) is None
    assert "waiting to be sent" not in words(await cast.ada.browser.get(PATH))


async def test_mail_that_nobody_took_up_is_late_too_and_that_of_quiet_hours_is_not(cast: Cast, post: Post) -> None:
    await database.fetch(
        """
        INSERT INTO mail_waiting (person, kind, since, at)
        SELECT $1, 'told', now() - interval '1 hour', now() + minutes * interval '1 minute'
        FROM unnest(ARRAY[-60, 300]) AS minutes
        """,
        cast.mina.id,
    )
    found = await late(cast)
    assert found is not None
    assert (found["many"], found["error"], found["failed_at"]) == (1, None, None)
    assert "1 notification email has been waiting" in words(await cast.ada.browser.get(PATH))


async def test_a_mail_that_cannot_be_written_is_seen_and_given_up_in_the_end(
    cast: Cast, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: Any) -> Any:
        raise KeyError

    with monkeypatch.context() as patched:
        patched.setattr(digest, "made", broken)
        await cast.say(cast.olive, "@mina hello")
        await post.deliver()
        await database.fetch(AGED.format("since", "1 hour"))
        found = await late(cast)
        assert found is not None
        assert found["error"] == "KeyError"
        await database.fetch(AGED.format("since", "6 days"))
        await post.deliver()
    (letter,) = await given_up(cast)
    assert letter["error"] == "KeyError"
    await run_again(cast)
    await post.deliver()
    assert len(post.box.mails) == 1


async def test_the_page_costs_the_same_however_many_wait(cast: Cast, post: Post) -> None:
    few = await statements_of(cast.ada.api.get(PATH))
    await database.fetch(
        """
        INSERT INTO mail_waiting (person, kind, since, at, error)
        SELECT $1, 'told', now() - interval '1 hour', now(), 'SMTPConnectError' FROM generate_series(1, 50)
        """,
        cast.mina.id,
    )
    assert await statements_of(cast.ada.api.get(PATH)) == few
    assert (await cast.milo.api.get(PATH)).status_code == 404


async def test_what_nobody_runs_again_goes_after_the_time_of_dead_letters(cast: Cast, post: Post) -> None:
    await refused_for_good(cast, post)
    sweep = periodic._tasks["sweep notifications"].work
    await database.fetch(AGED.format("given_up_at", "89 days"))
    await sweep(datetime.now(UTC))
    assert await database.fetch_value("SELECT count(*) FROM mail_waiting") == 1
    await database.fetch(AGED.format("given_up_at", "3 days"))
    await sweep(datetime.now(UTC))
    assert await database.fetch_value("SELECT count(*) FROM mail_waiting") == 0
