"""The link that one shows to somebody who stands beside, and what comes of it."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest

from app.core import database
from app.people.invitations import qr_code
from tests.conftest import PASSWORD, Actor, Cast
from tests.pages import form, parsed, says, typed
from tests.people.story import EMPTY, asked, drop, listed, made, names, rows


async def link(who: Actor) -> str:
    """The path of their link."""
    url = (await who.api.get("/contacts/invitation")).json()["url"]
    return str(urlsplit(url).path)


async def take(who: Actor, path: str) -> httpx.Response:
    return await who.api.post(path)


async def test_who_comes_by_the_link_sees_whose_it_is_and_is_a_contact_at_once(cast: Cast) -> None:
    path = await link(cast.mina)
    shown = (await cast.milo.api.get(path)).json()
    card = {"id": cast.mina.id, "username": "mina", "name": "Mina Member", "role": "student"}
    assert shown == {"person": card, "contact": None}
    assert await rows() == 0, "to look is not to agree"
    answer = await take(cast.milo, path)
    assert answer.status_code == 201
    view = answer.json()
    assert (view["person"], view["state"], view["verified"]) == (card, "accepted", True)
    assert (await listed(cast.milo))["contacts"] == [view]
    assert (await listed(cast.mina))["contacts"][0]["verified"] is True
    assert (await cast.milo.api.get(path)).json()["contact"] == view
    assert (await take(cast.milo, path)).json() == view, "again changes nothing"


async def test_it_stays_the_same_until_it_is_renewed_and_nobody_guesses_it(cast: Cast) -> None:
    urls = await asyncio.gather(*(cast.mina.api.get("/contacts/invitation") for _ in range(5)))
    assert len({answer.json()["url"] for answer in urls}) == 1
    url = urls[0].json()["url"]
    assert url.startswith(f"{cast.server.settings.base_url}/contacts/invitation/")
    assert len(url.rpartition("/")[2]) == 22
    old = urlsplit(url).path
    renewed = await cast.mina.api.post("/contacts/invitation")
    assert renewed.status_code == 200
    new = urlsplit(renewed.json()["url"]).path
    assert new != old
    assert await link(cast.mina) == new
    for method in ("GET", "POST"):
        assert (await cast.milo.api.request(method, old)).status_code == 404
    assert await rows() == 0
    assert (await take(cast.milo, new)).status_code == 201


async def test_what_was_asked_declined_or_agreed_before_is_a_contact_who_was_met(cast: Cast) -> None:
    path = await link(cast.mina)
    await asked(cast.milo, cast.mina)
    await asked(cast.mina, cast.olive)
    number = (await asked(cast.oscar, cast.mina))["id"]
    await drop(cast.mina, number)
    await drop(cast.oscar, number)
    agreed = await made(cast.ada, cast.mina)
    for one in (cast.milo, cast.olive, cast.oscar, cast.ada):
        assert (await take(one, path)).json()["verified"] is True, one.name
        assert await names(one) == {"contacts": ["mina"]}
    assert (await cast.ada.api.get(path)).json()["contact"]["id"] == agreed
    assert len((await listed(cast.mina))["contacts"]) == 4


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_wrong_an_own_or_a_blocked_link_leads_nowhere(cast: Cast, method: str) -> None:
    path = await link(cast.mina)
    blocked = await link(cast.oscar)
    await cast.oscar.api.put("/people/mina/block")
    left = await link(cast.remy)
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.remy.id)
    assert (await cast.mina.api.request(method, "/contacts/invitation/%00")).status_code == 404
    told = set()
    for wrong in (blocked, left, f"{path}x", path[:-1], "/contacts/invitation/x"):
        answer = await cast.mina.api.request(method, wrong)
        assert answer.status_code == 404, wrong
        told.add(answer.json()["detail"])
    assert len(told) == 1, "all the same"
    assert (await cast.oscar.api.request(method, path)).status_code == 404, "nor the other way round"
    own = await cast.mina.browser.request(method, path)
    assert own.status_code == 404
    assert "Cette invitation est la vôtre." in says(own), "in her language"
    assert await rows() == 0


async def test_a_link_and_a_block_at_the_same_moment_make_no_contact(cast: Cast) -> None:
    path = await link(cast.oscar)
    for _round in range(10):
        _answer, blocked = await asyncio.gather(take(cast.milo, path), cast.oscar.api.put("/people/milo/block"))
        assert blocked.status_code == 204
        assert await rows() == 0
        await cast.oscar.api.delete("/people/milo/block")


async def test_two_who_take_each_other_s_link_at_once_are_one_contact(cast: Cast) -> None:
    his, hers = await link(cast.milo), await link(cast.mina)
    for _round in range(5):
        answers = await asyncio.gather(take(cast.milo, hers), take(cast.mina, his))
        assert [answer.status_code for answer in answers] == [201, 201]
        assert await rows() == 1
        await database.fetch("DELETE FROM contact")


async def test_who_is_not_signed_in_logs_in_and_comes_back_to_it(cast: Cast) -> None:
    path = await link(cast.mina)
    browser = cast.server.browser()
    sent = await browser.get(path)
    assert sent.status_code == 303
    door = await browser.get(sent.headers["location"])
    fields = typed(form(door, "/auth/login")) | {"login": "milo", "password": PASSWORD}
    entered = await browser.post("/auth/login", data=fields)
    assert (entered.status_code, entered.headers["location"]) == (303, path)
    assert "Mina Member" in says(await browser.get(path))


async def test_by_plain_forms(cast: Cast) -> None:
    mine = await cast.mina.browser.get("/contacts/invitation")
    code = parsed(mine).select_one("main code")
    picture = parsed(mine).select_one("main [role=img]")
    assert code is not None
    assert picture is not None
    assert code.text == f"{cast.server.settings.base_url}{await link(cast.mina)}"
    assert picture["aria-label"] == "Code QR de votre lien"
    assert picture.find("svg") is not None
    path = await link(cast.mina)
    shown = await cast.milo.browser.get(path)
    assert "Mina Member" in says(shown)
    done = await cast.milo.browser.post(str(form(shown, path)["action"]))
    assert (done.status_code, done.headers["location"]) == (303, "/contacts")
    assert "You are now contacts." in says(await cast.milo.browser.get("/contacts"))
    again = await cast.milo.browser.get(path)
    assert parsed(again).find("form", action=path) is None
    assert "You are contacts, and have met in person." in says(again)
    renewed = await cast.mina.browser.post("/contacts/invitation")
    assert (renewed.status_code, renewed.headers["location"]) == (303, "/contacts/invitation")
    assert "Votre nouveau lien est prêt." in says(await cast.mina.browser.get("/contacts/invitation"))


async def test_a_contact_who_was_not_met_can_be_confirmed(cast: Cast) -> None:
    await made(cast.milo, cast.mina)
    path = await link(cast.mina)
    assert "We have met" in form(await cast.milo.browser.get(path), path).text
    assert (await take(cast.milo, path)).json()["verified"] is True


def test_the_code_needs_no_style_and_no_script_and_stays_dark_on_white() -> None:
    drawn = qr_code("https://chat.example.org/contacts/invitation/abcdefghijklmnopqrstuv")
    assert "style=" not in drawn
    assert "<script" not in drawn
    assert 'fill="#fff"' in drawn
    assert 'stroke="#000"' in drawn


async def test_nobody_has_a_code_before_they_want_one(cast: Cast) -> None:
    assert await database.fetch_value("SELECT count(*) FROM person WHERE contact_code IS NOT NULL") == 0
    assert await listed(cast.mina) == EMPTY
    assert await database.fetch_value("SELECT count(*) FROM person WHERE contact_code IS NOT NULL") == 0
