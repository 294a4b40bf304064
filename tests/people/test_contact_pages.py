"""Contacts as pages and forms, in both languages, and what a person's page offers."""

from bs4 import Tag

from tests.conftest import Actor, Cast
from tests.pages import form, parsed, says, typed
from tests.people.story import asked, drop, made, names

LONG = "مريم Featherstonehaugh-Cholmondeley العليا"


async def section(who: Actor, name: str) -> Tag:
    """That part of their page of contacts."""
    found = parsed(await who.browser.get("/contacts")).find("section", attrs={"aria-labelledby": name})
    assert isinstance(found, Tag)
    return found


async def on_page_of(who: Actor, whom: Actor) -> Tag:
    """What that person's page says and offers about being contacts."""
    found = parsed(await who.browser.get(f"/people/{whom.username}")).find(
        "section", attrs={"aria-labelledby": "contact"}
    )
    assert isinstance(found, Tag)
    return found


def offers(part: Tag) -> list[str]:
    """The words on its buttons, without those for listeners."""
    return [str(next(button.stripped_strings)) for button in part.find_all("button")]


async def test_who_has_none_is_told_what_to_do(cast: Cast) -> None:
    page = says(await cast.milo.browser.get("/contacts"))
    assert "You have no contacts yet. Add someone above, or show your invitation" in page
    assert "No requests." in page
    assert "No requests sent." in page
    french = says(await cast.mina.browser.get("/contacts"))
    assert "Vous n’avez pas encore de contacts." in french
    assert "Aucune demande." in french
    assert "Aucune demande envoyée." in french


async def test_the_sidebar_leads_there_and_says_where_one_is(cast: Cast) -> None:
    here = parsed(await cast.mina.browser.get("/contacts")).select_one('.sidebar a[href="/contacts"]')
    elsewhere = parsed(await cast.mina.browser.get("/people")).select_one('.sidebar a[href="/contacts"]')
    assert here is not None
    assert elsewhere is not None
    assert here.text.strip() == "Contacts"
    assert (here.get("aria-current"), elsewhere.get("aria-current")) == ("page", None)


async def test_each_stands_in_their_part_with_what_can_be_done(cast: Cast) -> None:
    await made(cast.milo, cast.olive)
    await asked(cast.milo, cast.mina)
    await asked(cast.oscar, cast.milo)
    for name, person, words in (
        ("my-contacts", "Olive Owner", ["Message", "Remove"]),
        ("asked-by-me", "Mina Member", ["Cancel request"]),
        ("asked-by-them", "Oscar Outsider", ["Accept", "Decline"]),
    ):
        part = await section(cast.milo, name)
        assert [bdi.text for bdi in part.find_all("bdi")] == [person]
        assert offers(part) == words
    assert offers(await section(cast.mina, "asked-by-them")) == ["Accepter", "Refuser"]


async def test_everything_is_done_by_plain_forms(cast: Cast) -> None:
    page = await cast.milo.browser.get("/contacts")
    fields = typed(form(page, "/contacts")) | {"username": "mina"}
    done = await cast.milo.browser.post("/contacts", data=fields)
    assert (done.status_code, done.headers["location"]) == (303, "/contacts")
    assert "Request sent. You become contacts when they accept." in says(await cast.milo.browser.get("/contacts"))
    for who, part, word, flash in (
        (cast.mina, "asked-by-them", "Refuser", "Demande refusée."),
        (cast.milo, "asked-by-me", "Cancel request", "Request cancelled."),
    ):
        assert flash in await pressed(who, await section(who, part), word)
    await asked(cast.mina, cast.milo)
    assert "You are now contacts." in await pressed(cast.milo, await section(cast.milo, "asked-by-them"), "Accept")
    removed = await pressed(cast.mina, await section(cast.mina, "my-contacts"), "Retirer")
    assert "Contact retiré." in removed
    assert await names(cast.milo) == {}


async def pressed(who: Actor, part: Tag, word: str) -> str:
    """What they read after that button."""
    button = next(button for button in part.find_all("button") if word in button.text)
    around = button.find_parent("form")
    assert isinstance(around, Tag)
    answer = await who.browser.post(str(around["action"]), data=typed(around))
    assert answer.status_code == 303, answer.text
    return says(await who.browser.get(answer.headers["location"]))


async def test_a_person_s_page_offers_what_fits(cast: Cast) -> None:
    assert offers(await on_page_of(cast.milo, cast.mina)) == ["Send request"]
    await pressed(cast.milo, await on_page_of(cast.milo, cast.mina), "Send request")
    assert offers(await on_page_of(cast.milo, cast.mina)) == ["Cancel request"]
    assert offers(await on_page_of(cast.mina, cast.milo)) == ["Accepter", "Refuser"]
    await pressed(cast.mina, await on_page_of(cast.mina, cast.milo), "Accepter")
    for one, other, word in ((cast.milo, cast.mina, "Remove"), (cast.mina, cast.milo, "Retirer")):
        assert offers(await on_page_of(one, other)) == [word]
    mine = parsed(await cast.milo.browser.get("/people/milo"))
    assert mine.find("section", attrs={"aria-labelledby": "contact"}) is None


async def test_who_was_declined_finds_no_sign_of_it(cast: Cast) -> None:
    number = (await asked(cast.milo, cast.mina))["id"]
    before = await on_page_of(cast.milo, cast.mina), await section(cast.milo, "asked-by-me")
    await drop(cast.mina, number)
    assert (await on_page_of(cast.milo, cast.mina), await section(cast.milo, "asked-by-me")) == before
    assert offers(await on_page_of(cast.mina, cast.milo)) == ["Envoyer la demande"]


async def test_a_name_that_is_long_and_goes_the_other_way_stays_in_its_place(cast: Cast) -> None:
    other = await cast.server.someone("maryam", LONG)
    await made(other, cast.milo)
    part = await section(cast.milo, "my-contacts")
    shown = part.find("bdi")
    assert shown is not None
    assert shown.text == LONG


async def test_people_by_address_are_explained_and_a_refused_form_keeps_what_was_typed(cast: Cast) -> None:
    assert "Requests to email addresses are not shown here." in says(await cast.milo.browser.get("/contacts"))
    refused = await cast.milo.browser.post("/contacts", data={"username": "nobody-here"})
    assert refused.status_code == 422
    assert typed(form(refused, "/contacts")) == {"username": "nobody-here"}
