"""The directory of people, and a person's card."""

import pytest

from app.core import database
from app.core.text import initials, is_blank, is_visible, one_line, storable
from tests.conftest import Cast, Server, statements_of
from tests.pages import parsed, says


async def names(cast: Cast, **query: str | int) -> list[str]:
    answer = await cast.oscar.api.get("/people", params=query)
    assert answer.status_code == 200, answer.text
    return [person["username"] for person in answer.json()["people"]]


async def test_everyone_is_listed_by_name_with_what_they_show_to_others(cast: Cast) -> None:
    told = (await cast.oscar.api.get("/people")).json()
    assert [p["name"] for p in told["people"]] == sorted(p["name"] for p in told["people"])
    assert {p["username"] for p in told["people"]} == {"ada", "olive", "milo", "mina", "remy", "oscar"}
    assert told["people"][0] == {"id": cast.ada.id, "username": "ada", "name": "Ada Admin", "role": "admin"}
    assert told["next"] is None


async def test_a_name_is_found_without_its_accents_and_in_any_case(cast: Cast) -> None:
    for q in ("rémy", "REMY", "remy", "  Removed  Rémy ", "rem mov", "\u0052e\u0301my"):
        assert await names(cast, q=q) == ["remy"], q
    assert await names(cast, q="olive owner") == ["olive"]
    assert await names(cast, q="OSCAR") == ["oscar"]
    assert await names(cast, q="nobody at all") == []


async def test_signs_of_a_search_are_letters_like_others(cast: Cast) -> None:
    for q in ("%", "_", "\\", "o%r", "'", '"', "*", "' OR 1=1 --"):
        assert await names(cast, q=q) == [], q


async def test_pages_of_the_directory_have_no_gap_and_no_repeat(cast: Cast) -> None:
    for n in range(12):
        await cast.server.someone(f"twin{n}", "Twin Sister")
    seen: list[str] = []
    after = ""
    while True:
        told = (await cast.oscar.api.get("/people", params={"limit": 5, "after": after})).json()
        assert len(told["people"]) <= 5
        seen += [person["username"] for person in told["people"]]
        if told["next"] is None:
            break
        after = told["next"]
    assert len(seen) == len(set(seen)) == 18


async def test_the_number_of_queries_does_not_grow_with_the_people(cast: Cast) -> None:
    async def queries() -> int:
        return await statements_of(cast.oscar.browser.get("/people"))

    cast.oscar.browser.cookies.set("scripts", "1")  # without them each page is a sign of life, written in its own time
    await queries()  # who looks in for the first time comes into the general room
    few = await queries()
    for n in range(30):
        await cast.server.someone(f"guest{n}")
    assert await queries() == few


async def test_who_left_is_in_no_list_and_has_no_card(cast: Cast) -> None:
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.mina.id)
    assert "mina" not in await names(cast)
    assert await names(cast, q="mina") == []
    assert (await cast.oscar.api.get("/people/mina")).status_code == 404


async def test_a_card_is_found_by_username_in_any_case(cast: Cast) -> None:
    card = {"id": cast.olive.id, "username": "olive", "name": "Olive Owner", "role": "student"}
    card |= {"presence": "offline", "last_seen_at": None}
    for username in ("olive", "OLIVE", "@olive"):
        told = (await cast.oscar.api.get(f"/people/{username}")).json()
        assert told.pop("created_at").endswith("Z")
        assert told == card | {"about": "", "email": None}
    assert (await cast.oscar.api.get("/people/nobody-here")).status_code == 404


async def test_nobody_is_told_the_address_of_another(cast: Cast) -> None:
    for path in ("/people", "/people?q=example.org", "/people/olive", "/people?q=olive@"):
        for client in (cast.oscar.api, cast.oscar.browser):
            assert "olive@example.org" not in (await client.get(path)).text, path
    assert await names(cast, q="olive@example.org") == [], "nor can it be found out by searching"


async def test_the_page_searches_without_scripts_and_the_fragment_with_them(cast: Cast) -> None:
    page = await cast.oscar.browser.get("/people", params={"q": "Mina"})
    found = parsed(page).find(id="people")
    assert found is not None
    assert "Mina Member" in found.text
    assert "Milo" not in found.text
    search = parsed(page).find("input", attrs={"name": "q"})
    assert search is not None
    assert search["value"] == "Mina"
    fragment = await cast.oscar.browser.get("/people", params={"q": "Mina"}, headers={"hx-request": "true"})
    assert "<html" not in fragment.text
    assert "Mina Member" in fragment.text
    assert "No matching people." in says(await cast.oscar.browser.get("/people", params={"q": "zzz"}))


async def test_a_card_offers_to_write_and_mine_leads_to_my_account(cast: Cast) -> None:
    card = await cast.oscar.browser.get("/people/olive")
    assert parsed(card).find("form", action="/direct/olive?_method=put") is not None
    mine = await cast.oscar.browser.get("/people/oscar")
    assert parsed(mine).find("form", action="/direct/oscar?_method=put") is None
    assert parsed(mine).find("a", href="/me") is not None


async def test_a_name_is_text_wherever_it_stands(server: Server) -> None:
    evil = await server.someone("evil", "<img src=x onerror=alert(1)>'\"&")
    for path in ("/people", "/people/evil", "/me", "/conversations", "/me/sessions"):
        page = await evil.browser.get(path)
        assert "<img" not in page.text, path
        assert parsed(page).find("img", src="x") is None


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("Zoé", "Z"),
        ("jean de la Tour", "JT"),
        ("李 小龙", "李小"),
        ("  x  ", "X"),
        ("🙂 Smile", "S"),
        ("🙂", "🙂"),
        ("ßeta", "SS"),
        ("", "?"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_what_is_blank_what_can_be_seen_and_what_can_be_stored() -> None:
    assert all(is_blank(text) for text in ("", " ", "\u200b", "\u2028", "\u3164", "\u202e\u00a0"))
    assert not any(is_blank(text) for text in ("a", "\u200ba", "🙂", "\u0301"))
    assert is_visible("zoé@example.org")
    assert not any(is_visible(text) for text in ("a\u200bb", "a b", "a\u202eb", "a\0"))
    assert storable("é🙂")
    assert not storable("a\0")
    assert not storable("\ud800")
    assert one_line(" a\n\tb\u2028c\0d ") == "a b c d"
