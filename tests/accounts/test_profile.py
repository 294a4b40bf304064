"""What one shows of oneself: a few words, and the username."""

import asyncio
import json
from pathlib import Path

from app.accounts.usernames import skeleton
from app.core import text
from tests.conftest import PASSWORD, Cast
from tests.pages import errors, form, parsed, says, typed

NAUGHTY: list[str] = json.loads((Path(__file__).parent.parent / "data" / "blns.json").read_text())


async def test_a_few_words_about_me_stand_on_my_page_as_i_wrote_them(cast: Cast) -> None:
    words = "Chess, *tea* & <b>maps</b>.\n\nAsk me about the hall."
    told = await cast.olive.api.patch("/me", json={"about": f"  {words}\r\n"})
    assert (told.status_code, told.json()["about"]) == (200, words)
    assert (await cast.oscar.api.get("/people/olive")).json()["about"] == words
    shown = parsed(await cast.oscar.browser.get("/people/olive")).select_one(".person-about")
    assert shown is not None
    assert (shown.text, shown.find("b")) == (words, None)
    await cast.olive.api.patch("/me", json={"name": "Olive"})
    assert (await cast.olive.api.get("/me")).json()["about"] == words
    await cast.olive.api.patch("/me", json={"about": " \n\u200b"})
    assert (await cast.oscar.api.get("/people/olive")).json()["about"] == ""
    assert parsed(await cast.oscar.browser.get("/people/olive")).select_one(".person-about") is None


async def test_the_words_about_me_have_a_form_that_keeps_what_was_too_long(cast: Cast) -> None:
    fields = typed(form(await cast.olive.browser.get("/me"), "/me?_method=patch"))
    long = "line\n" * 101
    refused = await cast.olive.browser.post("/me?_method=patch", data=fields | {"about": long})
    again = form(refused, "/me?_method=patch")
    assert (refused.status_code, set(errors(again))) == (422, {"about"})
    assert typed(again)["about"] == long.strip()
    saved = await cast.olive.browser.post("/me?_method=patch", data=fields | {"about": "x" * 500})
    assert saved.status_code == 303
    assert typed(form(await cast.olive.browser.get("/me"), "/me?_method=patch"))["about"] == "x" * 500
    for bad in ("a\0b", 7, ["x"], {"x": 1}):
        assert (await cast.olive.api.patch("/me", json={"about": bad})).status_code == 422, bad
    raw = await cast.olive.api.patch(
        "/me", content=b'{"about": "a\\ud800"}', headers={"content-type": "application/json"}
    )
    assert raw.status_code in (400, 422)


async def test_naughty_words_about_me_come_back_unharmed(cast: Cast) -> None:
    kept = 0
    for written in NAUGHTY:
        answer = await cast.olive.api.patch("/me", json={"about": written})
        fits = text.storable(written) and len(written.strip()) <= 500
        assert answer.status_code == (200 if fits or text.is_blank(written) else 422), repr(written)
        if answer.status_code != 200 or not answer.json()["about"]:
            continue
        kept += 1
        assert answer.json()["about"] == written.replace("\r\n", "\n").replace("\r", "\n").strip()
        if kept % 5 == 0:
            page = parsed(await cast.oscar.browser.get("/people/olive"))
            shown = page.select_one(".person-about")
            assert shown is not None
            assert shown.text == answer.json()["about"]
            assert not shown.find_all(True)
    assert kept > 450


async def test_a_new_username_is_mine_at_once_and_the_old_one_leads_nowhere(cast: Cast) -> None:
    await cast.say(cast.milo, "hello")
    await cast.olive.browser.get(f"/conversations/{cast.chess}")
    told = await cast.milo.api.patch("/me", json={"username": " Milo.Moon "})
    assert (told.status_code, told.json()["username"]) == (200, "milo.moon")
    assert (await cast.olive.api.get("/people/milo.moon")).json()["id"] == cast.milo.id
    for path in ("/people/milo", "/people/milo/role"):
        assert (await cast.olive.api.get(path)).status_code in (404, 405)
    assert (await cast.olive.api.put("/direct/milo")).status_code == 404
    assert [p["username"] for p in (await cast.olive.api.get("/people?q=moon")).json()["people"]] == ["milo.moon"]
    page = (await cast.olive.browser.get(f"/conversations/{cast.chess}")).text
    assert 'href="/people/milo.moon"' in page
    assert 'href="/people/milo"' not in page
    program = cast.server.client(accept="application/json")
    assert (await program.post("/auth/login", json={"login": "milo", "password": PASSWORD})).status_code == 401
    assert (await program.post("/auth/login", json={"login": "milo.moon", "password": PASSWORD})).status_code == 200
    free = {"username": "milo", "name": "Other", "email": "other@example.org", "password": PASSWORD}
    assert (await program.post("/auth/signup", json=free)).status_code == 201


async def test_a_username_is_checked_as_at_sign_up(cast: Cast) -> None:
    for bad in ("ab", "x" * 31, "has space", "root", "admin", "olive", "0live", "0LIVE", "", "a\0bc", "é" * 9):
        refused = await cast.milo.api.patch("/me", json={"username": bad})
        assert (refused.status_code, set(refused.json()["errors"])) == (422, {"username"}), bad
    assert (await cast.milo.api.get("/me")).json()["username"] == "milo"
    fields = typed(form(await cast.milo.browser.get("/me"), "/me?_method=patch"))
    page = await cast.milo.browser.post("/me?_method=patch", data=fields | {"username": "olive", "about": "kept"})
    again = form(page, "/me?_method=patch")
    assert (page.status_code, set(errors(again))) == (422, {"username"})
    assert (typed(again)["username"], typed(again)["about"]) == ("olive", "kept")
    own = await cast.milo.api.patch("/me", json={"username": "mi1o"})
    assert own.status_code == 200, "what looks like mine is mine"
    assert skeleton("mi1o") == skeleton("milo")
    assert (await cast.milo.api.patch("/me", json={"username": "milo"})).status_code == 200


async def test_of_two_who_take_the_same_username_at_once_one_has_it(cast: Cast) -> None:
    everyone = (cast.milo, cast.mina, cast.oscar, cast.remy)
    answers = await asyncio.gather(*(who.api.patch("/me", json={"username": "wanted"}) for who in everyone))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]


async def test_name_and_username_that_change_at_once_are_both_searched(cast: Cast) -> None:
    await asyncio.gather(
        cast.milo.api.patch("/me", json={"username": "luna"}), cast.milo.api.patch("/me", json={"name": "Émile"})
    )
    for q in ("luna", "emile", "luna emile"):
        assert [p["id"] for p in (await cast.olive.api.get("/people", params={"q": q})).json()["people"]] == [
            cast.milo.id
        ], q


async def test_an_address_is_shown_to_administrators_and_to_oneself_alone(cast: Cast) -> None:
    for who, email in ((cast.ada, "olive@example.org"), (cast.olive, "olive@example.org"), (cast.milo, None)):
        assert (await who.api.get("/people/olive")).json()["email"] == email
        assert ("olive@example.org" in says(await who.browser.get("/people/olive"))) == bool(email)
    await cast.ada.api.put("/people/milo/role", json={"role": "admin"})
    assert (await cast.milo.api.get("/people/olive")).json()["email"] == "olive@example.org"
    assert "email" not in (await cast.ada.api.get("/people")).json()["people"][0]
