"""Another e-mail address: asked for with the password, and changed by the link that was mailed there."""

import asyncio
import re

import httpx
import pytest

from app.accounts import actions, addresses
from app.accounts.views import Me
from app.core import database
from tests.conftest import PASSWORD, Actor, Server
from tests.mailbox import mailbox
from tests.pages import errors, form, says, typed
from tests.processes import working

NEW = "new@example.net"


@pytest.fixture
async def olive(server: Server) -> Actor:
    return await server.someone("olive", "Olive Owner")


async def ask(who: Actor, email: object = NEW, current: object = PASSWORD) -> httpx.Response:
    return await who.api.put("/me/email", json={"email": email, "current": current})


async def confirm(server: Server, token: object) -> httpx.Response:
    return await server.client(accept="application/json").post("/auth/confirm-email", json={"token": token})


async def token_for(server: Server, who: Actor, email: str = NEW) -> str:
    """A fresh token, as the worker makes it of what was asked for."""
    made = await mailed(server, who, email)
    assert made is not None
    return token_in(made[2])


async def mailed(server: Server, who: Actor, email: str) -> tuple[str, str, str] | None:
    """What the worker would mail when that person asks for that address."""
    assert (await ask(who, email)).status_code == 202
    return await addresses.make_link(server.settings, await asked_last(who))


async def asked_last(who: Actor) -> int:
    return int(await database.fetch_value("SELECT id FROM email_change WHERE person = $1", who.id))


def token_in(text: str) -> str:
    found = re.search(r"/auth/confirm-email\?token=([A-Za-z0-9_-]+)", text)
    assert found is not None, text
    return found[1]


async def address_of(who: Actor) -> str:
    return str((await who.api.get("/me")).json()["email"])


async def test_the_link_goes_to_the_new_address_and_a_notice_to_the_old_one(server: Server) -> None:
    mina = await server.someone("mina", "Mina Member", language="fr")
    async with mailbox() as box, working(server.settings, SMTP_URL=box.url):
        assert (await ask(mina, " New@Example.net ")).status_code == 202
        await box.until(mails=1)
        assert box.recipients == [["New@Example.net"]]
        assert await address_of(mina) == "mina@example.org", "not before the link is opened"
        text = box.mails[0].get_content()
        assert "Bonjour" in text
        assert f"{server.settings.base_url}/auth/confirm-email?token=" in text
        assert (await confirm(server, token_in(text))).status_code == 204
        await box.until(mails=2)
    assert await address_of(mina) == "New@Example.net"
    notice = box.mails[1]
    assert box.recipients[1] == ["mina@example.org"]
    assert "Bonjour" in notice.get_content()
    assert "example.net" not in notice.get_content().lower()
    program = server.client(accept="application/json")
    for login, status in ((NEW, 200), ("mina@example.org", 401), ("mina", 200)):
        answer = await program.post("/auth/login", json={"login": login, "password": PASSWORD})
        assert answer.status_code == status, login


async def test_it_is_asked_for_and_confirmed_by_plain_forms(server: Server, olive: Actor) -> None:
    page = await olive.browser.get("/me/email")
    assert "olive@example.org" in says(page)
    fields = typed(form(page, "/me/email?_method=put")) | {"email": NEW, "current": PASSWORD}
    asked = await olive.browser.post("/me/email?_method=put", data=fields, follow_redirects=True)
    assert "a link has been sent to it" in says(asked)
    token = await token_for(server, olive)
    for browser, there in ((olive.browser, "/me"), (server.browser(), "/auth/login")):
        shown = await browser.get(f"/auth/confirm-email?token={token}")
        assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert await address_of(olive) != NEW, "to look is not to agree"
        sent = typed(form(shown, "/auth/confirm-email"))
        done = await browser.post("/auth/confirm-email", data=sent)
        assert (done.status_code, done.headers["location"]) == (303, there)
        assert await address_of(olive) == NEW
        await database.fetch("UPDATE person SET email = 'olive@example.org' WHERE id = $1", olive.id)
        token = await token_for(server, olive)


async def test_it_needs_the_password_and_an_address(server: Server, olive: Actor) -> None:
    for email, current, wrong in (
        (NEW, "not the right one", "current"),
        (NEW, "", "current"),
        ("nonsense", PASSWORD, "email"),
        ("a@b.c,d@e.f", PASSWORD, "email"),
        ("", PASSWORD, "email"),
        ("a\0@example.org", PASSWORD, "email"),
        ("x" * 100 + "@example.org", PASSWORD, "email"),
        ("olive@example.org", PASSWORD, "email"),
    ):
        refused = await ask(olive, email, current)
        assert (refused.status_code, set(refused.json()["errors"])) == (422, {wrong}), email
    page = await olive.browser.post("/me/email?_method=put", data={"email": NEW, "current": "wrong one"})
    again = form(page, "/me/email?_method=put")
    assert (page.status_code, set(errors(again))) == (422, {"current"})
    assert typed(again) == {"email": NEW, "current": ""}
    assert await database.fetch_value("SELECT count(*) FROM pgqueuer") == 0


async def test_the_answer_does_not_tell_whether_another_account_has_the_address(server: Server, olive: Actor) -> None:
    await server.someone("milo")
    free, taken, odd = await ask(olive), await ask(olive, "milo@example.org"), await ask(olive, "MILO@example.org")
    assert {answer.status_code for answer in (free, taken, odd)} == {202}
    assert free.content == taken.content == odd.content
    pages = [
        await olive.browser.post("/me/email?_method=put", data={"email": email, "current": PASSWORD})
        for email in (NEW, "milo@example.org")
    ]
    assert pages[0].headers["location"] == pages[1].headers["location"]
    for email in ("milo@example.org", "MILO@example.org"):
        assert await mailed(server, olive, email) is None, "and nothing is mailed"
    assert await mailed(server, olive, "OLIVE@example.org") is not None


async def test_a_link_works_once_and_for_an_hour_and_the_newest_alone(server: Server, olive: Actor) -> None:
    old = await token_for(server, olive, "older@example.net")
    token = await token_for(server, olive)
    assert (await confirm(server, old)).status_code == 422
    await database.fetch("UPDATE email_change SET expires_at = now() - interval '1 second'")
    assert (await confirm(server, token)).status_code == 422
    assert "expired" in says(await server.browser().get(f"/auth/confirm-email?token={token}"))
    token = await token_for(server, olive)
    answers = await asyncio.gather(*(confirm(server, token) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [204, 422, 422, 422, 422]
    assert await address_of(olive) == NEW
    for nonsense in ("", "x", "a\0b", "x" * 9999, 7, None):
        assert (await confirm(server, nonsense)).status_code == 422


async def test_only_the_hash_of_a_link_is_kept(server: Server, olive: Actor) -> None:
    token = await token_for(server, olive)
    row = await database.fetch_row("SELECT * FROM email_change")
    assert row is not None
    assert token.encode() not in b"".join(str(value).encode() for value in row)


async def test_who_takes_the_address_first_has_it(server: Server, olive: Actor) -> None:
    milo = await server.someone("milo")
    mine, theirs = await token_for(server, olive), await token_for(server, milo)
    assert (await confirm(server, theirs)).status_code == 204
    late = await confirm(server, mine)
    assert late.status_code == 422
    assert "expired or has already been used" in late.text
    assert (await address_of(olive), await address_of(milo)) == ("olive@example.org", NEW)


async def test_a_new_password_ends_the_link_and_the_new_address_ends_links_for_a_password(
    server: Server, olive: Actor
) -> None:
    token = await token_for(server, olive)
    changed = {"current": PASSWORD, "password": "seven green boats sing"}
    assert (await olive.api.put("/me/password", json=changed)).status_code == 204
    assert (await confirm(server, token)).status_code == 422
    reset = await actions.make_reset_link(server.settings, "olive@example.org")
    assert reset is not None
    again = await ask(olive, current="seven green boats sing")
    made = await addresses.make_link(server.settings, await asked_last(olive))
    assert again.status_code == 202
    assert made is not None
    assert (await confirm(server, token_in(made[2]))).status_code == 204
    assert not await actions.link_works(reset[2].partition("token=")[2])


async def test_who_left_has_no_new_address(server: Server, olive: Actor) -> None:
    token = await token_for(server, olive)
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", olive.id)
    assert (await confirm(server, token)).status_code == 422
    assert await addresses.make_link(server.settings, await asked_last(olive)) is None


async def test_a_worker_that_is_late_mails_nothing_once_the_password_is_another(server: Server, olive: Actor) -> None:
    await ask(olive)
    change = await asked_last(olive)
    changed = {"current": PASSWORD, "password": "seven green boats sing"}
    assert (await olive.api.put("/me/password", json=changed)).status_code == 204
    assert await addresses.make_link(server.settings, change) is None


async def test_who_knew_the_old_password_asks_for_nothing_while_it_is_changed(
    server: Server, olive: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = actions.require_password

    async def then_changed(me: Me, password: str) -> str:
        proved = await really(me, password)
        await database.fetch("UPDATE person SET password_hash = 'other' WHERE id = $1", me.id)
        return proved

    monkeypatch.setattr("app.accounts.addresses.require_password", then_changed)
    refused = await ask(olive)
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"current"})
    assert await database.fetch_value("SELECT count(*) FROM email_change") == 0


async def test_to_ask_for_an_address_that_is_taken_ends_the_link_before_too(server: Server, olive: Actor) -> None:
    await server.someone("milo")
    token = await token_for(server, olive)
    await ask(olive, "milo@example.org")
    assert (await confirm(server, token)).status_code == 422, "else it would tell whether an account has the address"
