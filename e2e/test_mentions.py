"""Mentioning people in a page: names are completed, one's own stand out."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from e2e.causerie import Causerie, Person
from e2e.conftest import Visit
from e2e.steps import bodies, composer, live, message


def options(page: Page) -> Locator:
    return page.locator("#composer").get_by_role("option")


def club(causerie: Causerie) -> tuple[Person, Person, Person, int]:
    olive, milo, mina = (causerie.person(name) for name in ("Olive Owner", "Milo Member", "Mina Member"))
    return olive, milo, mina, olive.group("Chess club", milo, mina)


def test_a_name_is_completed_by_keyboard(causerie: Causerie, visit: Visit) -> None:
    olive, milo, mina, chess = club(causerie)
    page = live(visit(olive, f"/conversations/{chess}"))
    page.keyboard.type("Hello @M")
    expect(options(page)).to_have_text([f"Milo Member @{milo.username}", f"Mina Member @{mina.username}"])
    expect(composer(page)).to_have_role("combobox")
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(composer(page)).to_have_attribute("aria-activedescendant", str(options(page).last.get_attribute("id")))
    page.keyboard.press("Enter")
    expect(composer(page)).to_have_value(f"Hello @{mina.username} ")
    expect(options(page)).to_have_count(0)
    expect(composer(page)).to_have_role("textbox")
    page.keyboard.type("and @mil")
    expect(options(page)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    page.keyboard.press("Enter")
    expect(message(page, "and @mil").locator(".mention")).to_have_text(f"@{mina.username}")
    assert olive.messages(chess)[-1]["mentions"] == [mina.username]


def test_all_is_offered_to_those_who_may_and_escape_gives_up_the_list_first(causerie: Causerie, visit: Visit) -> None:
    olive, milo, _mina, chess = club(causerie)
    asked = milo.say(chess, "Shall we?")["id"]
    page = live(visit(olive, f"/conversations/{chess}?reply_to={asked}"))
    composer(page).focus()
    page.keyboard.type("@a")
    expect(options(page)).to_have_text(["Everyone here @all"])
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    expect(page.locator("#composer-reply .quote")).to_be_visible()
    page.keyboard.type("l")
    expect(options(page)).to_have_count(1)
    options(page).first.click()
    expect(composer(page)).to_have_value("@all ")
    expect(composer(page)).to_be_focused()
    page.keyboard.type("yes")
    page.keyboard.press("Enter")
    expect(message(page, "yes").locator(".mention-all")).to_have_text("@all")
    theirs = live(visit(milo, f"/conversations/{chess}"))
    composer(theirs).focus()
    theirs.keyboard.type("@a")
    theirs.keyboard.press("Enter")
    expect(message(theirs, "@a")).to_have_count(1)
    assert bodies(theirs)[-1] == "@a"


def test_in_the_midst_of_a_text_and_not_in_addresses(causerie: Causerie, visit: Visit) -> None:
    olive, milo, _mina, chess = club(causerie)
    page = live(visit(olive, f"/conversations/{chess}"))
    page.keyboard.type("Hello , how are you?")
    for _ in range(", how are you?".__len__()):
        page.keyboard.press("ArrowLeft")
    page.keyboard.type("@milo")
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    page.keyboard.press("Enter")
    expect(composer(page)).to_have_value(f"Hello @{milo.username} , how are you?")
    composer(page).fill("")
    page.keyboard.type("someone@mi")
    page.keyboard.press("Enter")
    expect(message(page, "someone@mi")).to_have_count(1)


def test_ones_own_stand_out_and_lead_to_the_card(
    causerie: Causerie, visit: Visit, visit_without_scripts: Visit
) -> None:
    olive, milo, mina, chess = club(causerie)
    page = live(visit(milo, f"/conversations/{chess}"))
    olive.say(chess, f"@{milo.username} and @{mina.username}, and @all")
    mentions = message(page, "and").locator(".mention")
    expect(mentions).to_have_count(3)
    colours = [each.evaluate("each => getComputedStyle(each).backgroundColor") for each in mentions.all()]
    assert colours[0] == colours[2] != colours[1], "his own, and what is to all, are marked"
    mentions.nth(1).click()
    expect(page.get_by_role("heading", name="Mina Member")).to_be_visible()
    plain = visit_without_scripts(mina, "/conversations")
    plain.get_by_role("link", name="My mentions").click()
    expect(plain.get_by_role("main")).to_contain_text("Chess club")
    plain.get_by_role("main").locator("a[href^='/messages/']").click()
    expect(message(plain, "and")).to_be_in_viewport()


def test_a_name_with_an_accent_is_completed_also_by_the_tabulator(causerie: Causerie, visit: Visit) -> None:
    olive, elo = causerie.person("Olive Owner"), causerie.person("Élodie Member", username="zz.elodie")
    page = live(visit(olive, f"/conversations/{olive.group('Chess club', elo)}"))
    composer(page).focus()
    page.keyboard.type("(@Élo")
    expect(options(page)).to_have_text(["Élodie Member @zz.elodie"])
    expect(page.get_by_role("option", selected=True)).to_have_count(1)  # not for a part of it
    page.keyboard.press("Tab")
    expect(composer(page)).to_have_value("(@zz.elodie ")
    expect(composer(page)).to_be_focused()
    composer(page).fill("")
    page.keyboard.type("Zoé@élo")
    page.keyboard.press("Tab")
    expect(composer(page)).to_have_value("Zoé@élo")
    expect(composer(page)).not_to_be_focused()
