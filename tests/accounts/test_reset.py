"""A forgotten password: the link by mail or on the console, and what it does."""

import asyncio
import re

import httpx
import pytest

from app.accounts import actions
from app.core import database, security
from tests.conftest import PASSWORD, Actor, Server
from tests.mailbox import mailbox
from tests.pages import errors, form, says, typed
from tests.processes import until, working
from tests.streams import following

NEW = "seven green boats sing"


@pytest.fixture
async def olive(server: Server) -> Actor:
    someone = await server.someone("olive", "Olive Owner")
    await someone.api.get("/conversations")  # comes into the general room, so a stream has something to say
    return someone


async def forgot(server: Server, email: object) -> httpx.Response:
    return await server.client(accept="application/json").post("/auth/forgot-password", json={"email": email})


async def reset(server: Server, token: object, password: str = NEW) -> httpx.Response:
    program = server.client(accept="application/json")
    return await program.post("/auth/reset-password", json={"token": token, "password": password})


async def token_for(server: Server, email: str = "olive@example.org") -> str:
    """A fresh token, as the worker makes it."""
    made = await actions.make_reset_link(server.settings, email)
    assert made is not None
    return token_in(made[2])


def token_in(text: str) -> str:
    found = re.search(r"/auth/reset-password\?token=([A-Za-z0-9_-]+)", text)
    assert found is not None, text
    return found[1]


async def can_log_in(server: Server, password: str) -> bool:
    program = server.client(accept="application/json")
    return (await program.post("/auth/login", json={"login": "olive", "password": password})).status_code == 200


async def test_the_answer_is_the_same_whoever_asks_for_whatever(server: Server, olive: Actor) -> None:
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", (await server.someone("dora")).id)
    asked = ["olive@example.org", "OLIVE@example.org", "nobody@example.org", "dora@example.org", "", "x", "o\0live"]
    answers = [await forgot(server, email) for email in [*asked, "é" * 10_000]]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    pages = [await server.browser().post("/auth/forgot-password", data={"email": email}) for email in asked[:4]]
    assert {page.status_code for page in pages} == {202}
    assert len({page.content for page in pages}) == 1
    assert "If an account with this address exists, a link has been sent to it" in says(pages[0])


async def test_without_smtp_the_link_is_shown_on_the_console_of_the_worker(server: Server, olive: Actor) -> None:
    async with working(server.settings) as console:
        poisoned = {"host": "evil.example", "x-forwarded-host": "evil.example"}
        program = server.client(accept="application/json", **poisoned)
        await program.post("/auth/forgot-password", json={"email": " Olive@Example.org "})
        line = await console.until("/auth/reset-password?token=")
    assert line.startswith(f"{server.settings.base_url}/auth/reset-password?token=")
    assert "To: olive@example.org" in console.lines
    page = await server.browser().get(line.strip())
    fields = typed(form(page, "/auth/reset-password"))
    assert fields["token"] == token_in(line)
    done = await server.browser().post("/auth/reset-password", data=fields | {"password": NEW}, follow_redirects=True)
    assert done.url.path == "/auth/login"
    assert await can_log_in(server, NEW)
    assert not await can_log_in(server, PASSWORD)


async def test_with_smtp_the_link_is_mailed_in_the_language_of_the_person(server: Server) -> None:
    await server.someone("mina", "Mina Member", language="fr")
    async with mailbox() as box, working(server.settings, SMTP_URL=box.url, MAIL_FROM="Chat <chat@example.org>"):
        await forgot(server, "mina@example.org")
        await box.until(mails=1)
    mail = box.mails[0]
    assert box.recipients == [["mina@example.org"]]
    assert (mail["To"], mail["From"]) == ("mina@example.org", "Chat <chat@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"]
    assert mail["Date"]
    text = mail.get_content()
    assert "Bonjour" in text
    assert "mot de passe" in mail["Subject"]
    assert f"{server.settings.base_url}/auth/reset-password?token=" in text
    assert (await reset(server, token_in(text))).status_code == 204


async def test_a_mail_that_the_server_refuses_is_tried_again(server: Server, olive: Actor) -> None:
    async with mailbox() as box, working(server.settings, SMTP_URL=box.url) as console:
        box.refuse = ["451 try again later"]
        await forgot(server, "olive@example.org")
        await box.until(refused=1)
        await console.until("job failed, to be tried again")
        assert "olive@example.org" not in console.text
        # What waits is brought forward, instead of waiting with it.
        due = "UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued' RETURNING id"
        await until(lambda: database.fetch(due), "the failed try is put back")
        await box.until(mails=1)
    assert (await reset(server, token_in(box.mails[0].get_content()))).status_code == 204


async def test_a_mail_waits_for_a_server_that_cannot_be_reached(server: Server, olive: Actor) -> None:
    async with mailbox() as box:
        url = box.url
    async with working(server.settings, SMTP_URL=url) as console:
        await forgot(server, "olive@example.org")
        await console.until("job failed, to be tried again")
        waits = "SELECT count(*) FROM pgqueuer WHERE status = 'queued' AND execute_after > now()"
        await until(lambda: database.fetch_value(waits), "the failed try is put back")


async def test_a_job_that_was_asked_for_without_a_worker_is_done_when_one_comes(server: Server, olive: Actor) -> None:
    await forgot(server, "olive@example.org")
    async with working(server.settings) as console:
        await console.until("/auth/reset-password?token=")


async def test_nothing_is_mailed_for_an_unknown_address_and_nothing_fails(server: Server, olive: Actor) -> None:
    async with mailbox() as box, working(server.settings, SMTP_URL=box.url) as console:
        for email in ("nobody@example.org", "o\0live@example.org", "", "olive@example.org,eve@example.org"):
            await forgot(server, email)
        await forgot(server, "olive@example.org")  # jobs are taken in order, so the others are done after this one
        await box.until(mails=1)
    assert box.recipients == [["olive@example.org"]]
    assert "failed" not in console.text


async def test_the_link_goes_to_the_address_of_the_account_and_never_to_one_that_only_compares_alike(
    server: Server,
) -> None:
    """ "claß.example" folds to "class.example" but is another domain, of another owner."""
    await server.someone("olive")
    await database.fetch("UPDATE person SET email = 'o@class.example', email_key = 'o@class.example'")
    made = await actions.make_reset_link(server.settings, "o@cla\u00df.example")
    assert made is not None
    assert made[0] == "o@class.example"


async def test_the_mail_holds_nothing_that_a_stranger_could_write_into_it(server: Server) -> None:
    await server.someone("eve", "Win at http://evil.example")
    async with working(server.settings) as console:
        await forgot(server, "eve@example.org")
        await console.until("/auth/reset-password?token=")
        await console.until("---")
    assert "evil.example" not in console.text


async def test_only_the_hash_of_the_token_is_kept(server: Server, olive: Actor) -> None:
    token = await token_for(server)
    assert len(token) >= 40
    kept = await database.fetch_value("SELECT token_hash FROM password_reset")
    assert kept == security.hash_link_token(token)
    assert token.encode() not in kept


async def test_a_link_works_once(server: Server, olive: Actor) -> None:
    token = await token_for(server)
    assert (await reset(server, token)).status_code == 204
    again = await reset(server, token, "eight green boats sing")
    assert again.status_code == 422
    assert list(again.json()["errors"]) == ["token"]
    assert await can_log_in(server, NEW)


async def test_a_link_used_many_times_at_once_works_once(server: Server, olive: Actor) -> None:
    token = await token_for(server)
    passwords = [f"boat number {n} sings green" for n in range(6)]
    answers = await asyncio.gather(*(reset(server, token, password) for password in passwords))
    assert sorted(answer.status_code for answer in answers) == [204] + [422] * 5
    won = next(p for p, answer in zip(passwords, answers, strict=True) if answer.status_code == 204)
    assert await can_log_in(server, won)


async def test_a_link_works_for_ten_minutes(server: Server, olive: Actor) -> None:
    token = await token_for(server)
    lasts = await database.fetch_value("SELECT extract(epoch FROM expires_at - now())::int FROM password_reset")
    assert 590 < lasts <= 600
    await database.fetch("UPDATE password_reset SET expires_at = now() - interval '1 second'")
    assert (await reset(server, token)).status_code == 422
    assert not await can_log_in(server, NEW)


async def test_a_newer_link_ends_the_older_ones(server: Server, olive: Actor) -> None:
    older, newer = await token_for(server), await token_for(server)
    assert (await reset(server, older)).status_code == 422
    assert (await reset(server, newer)).status_code == 204


async def test_a_changed_password_ends_the_links(server: Server, olive: Actor) -> None:
    token = await token_for(server)
    changed = await olive.api.put("/me/password", json={"current": PASSWORD, "password": NEW})
    assert changed.status_code == 204
    assert (await reset(server, token, "eight green boats sing")).status_code == 422


async def test_a_reset_ends_all_sessions_and_their_streams(server: Server, olive: Actor) -> None:
    async with following(server, olive, json=False) as feed:
        assert (await reset(server, await token_for(server))).status_code == 204
        assert (await olive.api.get("/me")).status_code == 401
        await feed.until(lambda f: f.ended.is_set(), 10)
    program = server.client(accept="application/json")
    assert (await program.post("/auth/refresh", json={"refresh_token": olive.refresh})).status_code == 401


async def test_a_reset_logs_nobody_in(server: Server, olive: Actor) -> None:
    sent = {"token": await token_for(server), "password": NEW}
    answer = await server.browser().post("/auth/reset-password", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/login")
    assert not {"access", "refresh"} & set(answer.cookies)


async def test_a_poor_password_is_refused_and_the_link_still_works(server: Server, olive: Actor) -> None:
    token = await token_for(server)
    for password in ("short", "password123", "olive@example.org", "Olive Owner"):
        answer = await reset(server, token, password)
        assert list(answer.json()["errors"]) == ["password"], password
    page = await server.browser().post("/auth/reset-password", data={"token": token, "password": "shorty"})
    again = form(page, "/auth/reset-password")
    assert typed(again)["token"] == token
    assert set(errors(again)) == {"password"}
    assert "shorty" not in page.text
    assert (await reset(server, token)).status_code == 204


async def test_a_link_that_is_no_good_leads_to_a_new_one(server: Server, olive: Actor) -> None:
    page = await server.browser().post("/auth/reset-password", data={"token": "nonsense", "password": NEW})
    assert page.status_code == 422
    assert "Request a new link" in says(page)


async def test_tokens_that_never_were_are_refused(server: Server, olive: Actor) -> None:
    await token_for(server)
    for token in ("", "x", "o\0", "é" * 3000, "%00", "' OR 1=1 --"):
        assert (await reset(server, token)).status_code == 422, token
    for wrong in (None, 1, ["x"], {"a": 1}, True):
        assert (await reset(server, wrong)).status_code == 422, wrong


async def test_who_left_gets_no_link_and_cannot_use_an_old_one(server: Server, olive: Actor) -> None:
    token = await token_for(server)
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", olive.id)
    assert (await reset(server, token)).status_code == 422
    assert await actions.make_reset_link(server.settings, "olive@example.org") is None


async def test_the_page_with_the_token_tells_nobody_of_it(server: Server, olive: Actor) -> None:
    answer = await server.browser().get("/auth/reset-password", params={"token": "xyzzy"})
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert answer.headers["cache-control"] == "no-store"
    assert "xyzzy" not in answer.text.replace('name="token" value="xyzzy"', "")


async def test_a_link_that_no_longer_works_says_so_before_a_password_is_typed(server: Server, olive: Actor) -> None:
    token = await token_for(server)
    browser = server.browser()
    fresh = await browser.get(f"/auth/reset-password?token={token}")
    assert f'name="token" value="{token}"' in fresh.text
    await reset(server, token)
    for old in (token, "x", "", "a\0b"):
        page = await browser.get("/auth/reset-password", params={"token": old})
        assert page.status_code == 200
        assert "This link has expired or has already been used." in page.text
        assert 'name="password"' not in page.text
