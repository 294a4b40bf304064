"""To ask by e-mail address: whoever has it is asked, and the one who asks learns nothing by it."""

import pytest

from app.core import database
from app.people import contacts
from tests.conftest import Cast
from tests.pages import parsed, says
from tests.people.story import EMPTY, ask, asked, days_pass, drop, listed, names, rows
from tests.processes import until, working


async def test_whoever_has_an_address_is_asked_and_the_asker_learns_nothing(cast: Cast) -> None:
    bob = await cast.server.someone("bob")
    await bob.api.put("/people/milo/block")
    typed = ["Mina@Example.org", "nobody@example.org", "bob@example.org", "milo@example.org"]
    answers = [await ask(cast.milo, address) for address in typed]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"null")}
    pages = [await cast.milo.browser.post("/contacts", data={"username": address}) for address in typed]
    assert {(page.status_code, page.headers["location"]) for page in pages} == {(303, "/contacts")}
    told = await cast.milo.browser.get("/contacts")
    assert "If someone here has this address, your request has been sent." in says(told)
    assert await database.fetch_value("SELECT count(*) FROM pgqueuer") == 8, "the same work, whoever it is"
    async with working(cast.server.settings):
        await until(lambda: names(cast.mina), "she is asked")
        await until(_nothing_to_do, "the others are nobody")
    assert await names(cast.mina) == {"asked_by_them": ["milo"]}
    assert await rows() == 1
    assert await listed(cast.milo) == EMPTY
    assert parsed(await cast.milo.browser.get("/people/mina")).find("form", action="/contacts") is not None


async def _nothing_to_do() -> bool:
    return not await database.fetch_value("SELECT count(*) FROM pgqueuer")


@pytest.mark.parametrize(
    "typed", ["a@b", "@@", "mina@", "mina @example.org", "x" * 100 + "@example.org", "mi\0na@b.org"]
)
async def test_what_is_no_address_is_said_at_the_field(cast: Cast, typed: str) -> None:
    refused = await ask(cast.milo, typed)
    assert refused.status_code == 422
    assert refused.json()["errors"] == {"username": "This does not look like an email address."}


async def test_who_is_asked_by_address_accepts_and_is_then_seen(cast: Cast) -> None:
    await contacts.ask_address(cast.milo.id, "mina@example.org")
    number = (await listed(cast.mina))["asked_by_them"][0]["id"]
    assert await drop(cast.milo, number) == 404, "what he cannot see he cannot take back"
    assert (await cast.milo.api.put(f"/contacts/{number}/accept")).status_code == 404
    assert (await cast.mina.api.put(f"/contacts/{number}/accept")).status_code == 200
    assert await names(cast.milo) == {"contacts": ["mina"]}


async def test_nothing_else_that_one_does_tells_whose_an_address_is(cast: Cast) -> None:
    await contacts.ask_address(cast.milo.id, "mina@example.org")
    hidden = (await listed(cast.mina))["asked_by_them"][0]
    seen = await asked(cast.milo, cast.mina)
    assert seen["id"] > hidden["id"], "neither an old number"
    assert seen["created_at"] > hidden["created_at"], "nor an old date"
    await contacts.ask_address(cast.milo.id, "mina@example.org")
    assert await listed(cast.milo) == EMPTY | {"asked_by_me": [seen]}
    # Of those who have asked him already nobody is accepted by an address: that would tell that it is theirs.
    await asked(cast.olive, cast.milo)
    before = await listed(cast.milo)
    await contacts.ask_address(cast.milo.id, "olive@example.org")
    assert await listed(cast.milo) == before
    await drop(cast.milo, before["asked_by_them"][0]["id"])
    before = await listed(cast.milo)
    await contacts.ask_address(cast.milo.id, "olive@example.org")
    assert await listed(cast.milo) == before
    assert await names(cast.olive) == {"asked_by_them": ["milo"]}, "now it is she who is asked"


async def test_declined_by_address_is_declined_for_a_week_too(cast: Cast) -> None:
    await contacts.ask_address(cast.milo.id, "mina@example.org")
    await drop(cast.mina, (await listed(cast.mina))["asked_by_them"][0]["id"])
    await contacts.ask_address(cast.milo.id, "mina@example.org")
    assert (await asked(cast.milo, cast.mina))["state"] == "asked_by_me"
    assert await listed(cast.mina) == EMPTY
    await days_pass(7)
    await contacts.ask_address(cast.milo.id, "mina@example.org")
    assert await names(cast.mina) == {"asked_by_them": ["milo"]}


async def test_a_job_comes_too_late_for_who_has_left_or_blocked(cast: Cast) -> None:
    await cast.mina.api.put("/people/milo/block")
    await contacts.ask_address(cast.milo.id, "mina@example.org")
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.oscar.id)
    await contacts.ask_address(cast.milo.id, "oscar@example.org")
    await contacts.ask_address(cast.oscar.id, "milo@example.org")
    assert await rows() == 0
