"""Contacts: one asks, the other agrees, and until then there is nothing."""

import asyncio

import pytest

from app.core import database
from tests.conftest import Cast, statements_of
from tests.pages import errors, form
from tests.people.story import EMPTY, ask, asked, days_pass, drop, listed, made, names, rows


async def test_who_is_asked_and_accepts_is_a_contact(cast: Cast) -> None:
    given = await asked(cast.milo, cast.mina)
    card = {"id": cast.mina.id, "username": "mina", "name": "Mina Member", "role": "student"}
    assert given == {
        "id": given["id"],
        "person": card,
        "state": "asked_by_me",
        "verified": False,
        "created_at": given["created_at"],
        "accepted_at": None,
    }
    assert given["created_at"].endswith("Z")
    assert await listed(cast.milo) == EMPTY | {"asked_by_me": [given]}
    hers = (await listed(cast.mina))["asked_by_them"]
    assert [(line["id"], line["person"]["username"], line["state"]) for line in hers] == [
        (given["id"], "milo", "asked_by_them")
    ]
    accepted = (await cast.mina.api.put(f"/contacts/{given['id']}/accept")).json()
    assert (accepted["state"], accepted["verified"]) == ("accepted", False)
    assert accepted["accepted_at"] is not None
    assert await listed(cast.mina) == EMPTY | {"contacts": [accepted]}
    assert await listed(cast.milo) == EMPTY | {"contacts": [accepted | {"person": card}]}
    assert await listed(cast.oscar) == EMPTY, "it is nobody else's"


async def test_nobody_becomes_a_contact_without_their_consent(cast: Cast) -> None:
    number = (await asked(cast.milo, cast.mina))["id"]
    answer = await cast.milo.api.put(f"/contacts/{number}/accept")
    assert answer.status_code == 403
    assert await names(cast.milo) == {"asked_by_me": ["mina"]}
    assert await names(cast.mina) == {"asked_by_them": ["milo"]}


async def test_what_is_between_two_people_is_to_others_as_if_it_were_not_there(cast: Cast) -> None:
    for number in ((await asked(cast.milo, cast.mina))["id"], await made(cast.olive, cast.ada), 999_999_999, 2**70):
        for one in (cast.oscar, cast.remy):
            assert (await one.api.put(f"/contacts/{number}/accept")).status_code in (400, 404)
            assert await drop(one, number) in (400, 404)
    assert await names(cast.mina) == {"asked_by_them": ["milo"]}
    assert await names(cast.ada) == {"contacts": ["olive"]}


async def test_to_ask_or_to_accept_twice_changes_nothing(cast: Cast) -> None:
    first = await asked(cast.milo, cast.mina)
    assert await asked(cast.milo, cast.mina) == first
    once = (await cast.mina.api.put(f"/contacts/{first['id']}/accept")).json()
    assert (await cast.mina.api.put(f"/contacts/{first['id']}/accept")).json() == once
    assert await asked(cast.mina, cast.milo) == once
    assert (await asked(cast.milo, cast.mina))["accepted_at"] == once["accepted_at"]
    assert await rows() == 1


async def test_to_ask_who_has_asked_is_to_accept(cast: Cast) -> None:
    await asked(cast.milo, cast.mina)
    assert (await asked(cast.mina, cast.milo))["state"] == "accepted"
    assert await names(cast.milo) == {"contacts": ["mina"]}


async def test_two_who_ask_each_other_at_the_same_moment_are_contacts(cast: Cast) -> None:
    for _round in range(10):
        answers = await asyncio.gather(ask(cast.milo, "mina"), ask(cast.mina, "milo"))
        assert [answer.status_code for answer in answers] == [201, 201]
        found = await database.fetch("SELECT accepted_at IS NOT NULL AS accepted FROM contact")
        assert [row["accepted"] for row in found] == [True]
        await database.fetch("DELETE FROM contact")


@pytest.mark.parametrize("whom", ["nobody-here", "remy", "bob", "gone", "oscar", "@Oscar", "", " ", "@"])
async def test_whom_one_cannot_ask_is_said_at_the_field(cast: Cast, whom: str) -> None:
    """Nobody is called so; blocked by me; has blocked me; has left; oneself; nothing typed."""
    bob = await cast.server.someone("bob")
    gone = await cast.server.someone("gone")
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", gone.id)
    await cast.oscar.api.put("/people/remy/block")
    await bob.api.put("/people/oscar/block")
    refused = await ask(cast.oscar, whom)
    assert refused.status_code == 422
    assert refused.json()["errors"].keys() == {"username"}
    if whom in ("nobody-here", "remy", "bob", "gone"):
        assert refused.json()["errors"]["username"] == f"Nobody here has the username {whom}."
    page = await cast.oscar.browser.post("/contacts", data={"username": whom})
    assert page.status_code == 422
    assert errors(form(page, "/contacts")) == {"username": refused.json()["errors"]["username"]}
    assert await rows() == 0


async def test_a_name_may_be_typed_in_any_case_and_with_its_sign(cast: Cast) -> None:
    assert (await ask(cast.milo, " @MINA ")).json()["person"]["username"] == "mina"


async def test_who_is_declined_is_not_told_and_asks_again_in_a_week(cast: Cast) -> None:
    given = await asked(cast.milo, cast.mina)
    assert await drop(cast.mina, given["id"]) == 204
    assert await listed(cast.mina) == EMPTY
    assert await drop(cast.mina, given["id"]) == 404
    assert (await cast.mina.api.put(f"/contacts/{given['id']}/accept")).status_code == 404
    assert await listed(cast.milo) == EMPTY | {"asked_by_me": [given]}
    await days_pass(6)
    assert await asked(cast.milo, cast.mina) == given, "as if she had not answered"
    assert await listed(cast.mina) == EMPTY
    await days_pass(1)
    assert await asked(cast.milo, cast.mina) == given
    assert await names(cast.mina) == {"asked_by_them": ["milo"]}


async def test_to_take_back_what_was_declined_and_ask_anew_makes_it_no_sooner(cast: Cast) -> None:
    first = await asked(cast.milo, cast.mina)
    await drop(cast.mina, first["id"])
    assert await drop(cast.milo, first["id"]) == 204
    assert await listed(cast.milo) == EMPTY
    assert await drop(cast.milo, first["id"]) == 404
    again = await asked(cast.milo, cast.mina)
    assert again["id"] > first["id"], "as new as it should be, had she not answered"
    assert again["created_at"] > first["created_at"]
    assert await listed(cast.mina) == EMPTY
    await days_pass(7)
    await asked(cast.milo, cast.mina)
    assert await names(cast.mina) == {"asked_by_them": ["milo"]}


async def test_who_declined_can_change_their_mind_while_the_other_still_asks(cast: Cast) -> None:
    number = (await asked(cast.milo, cast.mina))["id"]
    await drop(cast.mina, number)
    assert (await asked(cast.mina, cast.milo))["state"] == "accepted"
    assert await names(cast.milo) == {"contacts": ["mina"]}


async def test_who_declined_asks_like_anyone_when_the_other_asks_no_more(cast: Cast) -> None:
    number = (await asked(cast.milo, cast.mina))["id"]
    await drop(cast.mina, number)
    await drop(cast.milo, number)
    assert (await asked(cast.mina, cast.milo))["state"] == "asked_by_me"
    assert await names(cast.milo) == {"asked_by_them": ["mina"]}


async def test_what_is_taken_back_before_an_answer_is_gone_for_both(cast: Cast) -> None:
    number = (await asked(cast.milo, cast.mina))["id"]
    assert await drop(cast.milo, number) == 204
    assert await names(cast.mina) == await names(cast.milo) == {}
    assert (await cast.mina.api.put(f"/contacts/{number}/accept")).status_code == 404
    assert await rows() == 0


async def test_either_removes_a_contact_for_both(cast: Cast) -> None:
    for one, other in ((cast.milo, cast.mina), (cast.mina, cast.milo)):
        number = await made(cast.milo, cast.mina)
        assert await drop(one, number) == 204
        assert await names(one) == await names(other) == {}
        assert await drop(other, number) == 404


async def test_a_block_ends_what_is_between_the_two(cast: Cast) -> None:
    await made(cast.milo, cast.mina)
    await asked(cast.milo, cast.olive)
    await asked(cast.ada, cast.milo)
    for other in ("mina", "olive", "ada"):
        await cast.milo.api.put(f"/people/{other}/block")
        await cast.milo.api.delete(f"/people/{other}/block")
    for one in (cast.milo, cast.mina, cast.olive, cast.ada):
        assert await listed(one) == EMPTY, one.name
    assert await rows() == 0


async def test_a_block_that_is_taken_back_lets_nobody_ask_sooner(cast: Cast) -> None:
    await drop(cast.mina, (await asked(cast.milo, cast.mina))["id"])
    await cast.milo.api.put("/people/mina/block")
    await cast.milo.api.delete("/people/mina/block")
    assert await listed(cast.milo) == EMPTY
    await asked(cast.milo, cast.mina)
    assert await listed(cast.mina) == EMPTY


async def test_who_is_blocked_at_this_very_moment_is_no_contact(cast: Cast) -> None:
    for _round in range(10):
        _answer, blocked = await asyncio.gather(ask(cast.milo, "oscar"), cast.oscar.api.put("/people/milo/block"))
        assert blocked.status_code == 204
        assert await rows() == 0
        await cast.oscar.api.delete("/people/milo/block")


async def test_who_has_left_is_shown_to_nobody(cast: Cast) -> None:
    number = await made(cast.milo, cast.mina)
    await asked(cast.remy, cast.olive)
    await asked(cast.olive, cast.oscar)
    gone = [cast.mina.id, cast.remy.id, cast.oscar.id]
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = ANY($1)", gone)
    assert await listed(cast.milo) == await listed(cast.olive) == EMPTY
    assert await drop(cast.milo, number) == 404


async def test_contacts_stand_by_their_names_page_after_page(cast: Cast) -> None:
    others = [await cast.server.someone(f"guest{n}", f"Guest {n % 4}") for n in range(7)]
    for other in others:
        await made(cast.olive, other)
    whole = (await listed(cast.olive))["contacts"]
    assert [line["person"]["name"] for line in whole] == sorted(other.name for other in others)
    await asked(cast.olive, cast.milo)
    first = await listed(cast.olive, limit=3)
    assert len(first["asked_by_me"]) == 1
    found, after = first["contacts"], first["next"]
    while after is not None:
        page = await listed(cast.olive, limit=3, after=after)
        assert page["asked_by_me"] == [], "requests come with the first page"
        found, after = found + page["contacts"], page["next"]
    assert found == whole
    for wrong in ("x", "~", "x~9999999999999999999999", "\0~1"):
        assert (await cast.olive.api.get("/contacts", params={"after": wrong})).status_code in (200, 400)


async def test_the_number_of_queries_does_not_grow_with_the_contacts(cast: Cast) -> None:
    async def queries() -> int:
        return await statements_of(cast.olive.browser.get("/contacts"))

    cast.olive.browser.cookies.set("scripts", "1")  # without them each page is a sign of life, written in its own time
    await queries()  # who looks in for the first time comes into the general room
    few = await queries()
    for n in range(5):
        await made(cast.olive, await cast.server.someone(f"friend{n}"))
        await asked(cast.olive, await cast.server.someone(f"asked{n}"))
        await asked(await cast.server.someone(f"asking{n}"), cast.olive)
    assert await queries() == few
