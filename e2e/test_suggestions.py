"""Names are completed as one types, by keyboard, by finger and by screen reader; and without scripts one types them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.causerie import Causerie, Person
from e2e.conftest import Visit
from e2e.steps import eventually, later, unlike_words
from e2e.test_accessibility import ALL, AXE, COLOURS, violations


@pytest.fixture
def family(causerie: Causerie) -> str:
    """A name that nobody else has: Zoé, Zora and Milo are called so."""
    return "Q" + unlike_words(9)


@pytest.fixture
def people(causerie: Causerie, family: str) -> list[Person]:
    return [causerie.person(f"{name} {family}") for name in ("Zoé", "Zora", "Milo")]


def field(page: Page) -> Any:
    return page.get_by_role("combobox", name="Who is in it?")


def posted(page: Page) -> str:
    return page.locator("input[name=members]").input_value()


def test_several_people_are_chosen_with_the_keyboard_alone(
    causerie: Causerie, visit: Visit, family: str, people: list[Person]
) -> None:
    zoe, zora, _milo = people
    page = visit(causerie.person("Olive Owner"), "/conversations/new")
    page.get_by_label("Group name").fill("Chess club")
    page.keyboard.press("Tab")
    expect(field(page)).to_be_focused()
    expect(field(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.type(f"zo {family}".upper())
    options = page.get_by_role("option")
    expect(options).to_have_count(2)
    expect(field(page)).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("status").filter(has_text="2 suggestions")).to_have_count(1)
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(field(page)).to_have_attribute("aria-activedescendant", str(options.first.get_attribute("id")))
    for key, chosen in (("ArrowDown", 1), ("ArrowDown", 0), ("ArrowUp", 1)):
        page.keyboard.press(key)
        expect(options.nth(chosen)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(field(page)).to_have_value(f"ZO {family.upper()}")
    page.keyboard.press("ArrowDown")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Remove Zoé {family}")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text=f"Zoé {family} added")).to_have_count(1)
    assert posted(page) == zoe.username
    page.keyboard.type(f"zo {family}")
    expect(options).to_have_count(1)  # who is chosen is not suggested again
    # Only what was suggested for all of this text: Enter chooses nobody who was suggested for another one.
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    assert posted(page) == f"{zoe.username} {zora.username}"
    page.keyboard.press("Backspace")
    expect(page.get_by_role("button", name=f"Remove Zora {family}")).to_have_count(0)
    expect(field(page)).to_be_focused()
    page.keyboard.type(f"@{zora.username}")
    expect(options).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")  # what is typed counts as it is
    expect(page.get_by_role("heading", name="Chess club")).to_be_visible()
    expect(page.get_by_role("complementary", name="Members").locator("li")).to_have_count(3)


def test_nobody_of_that_name_is_said_and_a_refused_form_keeps_whom_one_chose(
    causerie: Causerie, visit: Visit, family: str, people: list[Person]
) -> None:
    page = visit(causerie.person("Olive Owner"), "/conversations/new")
    page.get_by_label("Group name").fill("Chess club")
    field(page).fill(people[2].username)  # at once: for a part of it others would be suggested meanwhile
    page.get_by_role("option").click()
    field(page).press_sequentially(f"{family}x")
    expect(page.locator(".suggest-nobody")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="No matching people.")).to_have_count(1)
    expect(field(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.locator("#error-members")).to_contain_text("Nobody here has the username")
    expect(field(page)).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name=f"Remove {family}x").click()
    assert posted(page) == people[2].username
    page.get_by_role("button", name="Create group").click()
    expect(page.get_by_role("complementary", name="Members").locator("li")).to_have_count(2)


def test_one_is_added_asked_or_given_a_question(
    causerie: Causerie, visit: Visit, family: str, people: list[Person]
) -> None:
    olive, (zoe, zora, milo) = causerie.person("Olive Owner"), people
    chess = olive.group("Chess club")
    page = visit(olive, f"/conversations/{chess}/members")
    name = page.get_by_role("combobox", name="Add someone by username")
    name.press_sequentially(f"zoe {family}")
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    name.press("Enter")
    expect(name).to_have_value(zoe.username)
    name.press("Enter")
    expect(page.locator("#members > li")).to_have_count(2)
    page.goto("/contacts")
    whom = page.get_by_role("combobox", name="Add a contact")
    whom.press_sequentially(zora.username)
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    whom.press("Enter")  # the whole name stands there already
    expect(page.get_by_text("Request sent. You become contacts when they accept.")).to_be_visible()
    whom.press_sequentially("someone@example.org")
    later(page)  # by then it would have been said
    expect(page.locator(".suggest-nobody")).to_be_hidden()
    whom.press("Enter")
    expect(page.get_by_text("If someone here has this address, your request has been sent.")).to_be_visible()
    causerie.sql("UPDATE person SET role = 'teacher' WHERE id = ANY($1)", [olive.id, zora.id])
    asked = milo.ask("Where is room 7?")
    page.goto(f"/conversations/{asked}/settings")
    page.get_by_role("combobox", name="Who handles it?").press_sequentially(f"zo {family}")
    meant = page.locator(".suggest-option[aria-selected=true]")
    expect(meant).to_have_text([f"Zora {family} @{zora.username}"])  # students are not
    page.locator(".suggest-option").click()
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text(f"Assigned to Zora {family}")).to_be_visible()


def test_an_answer_that_comes_late_is_dropped(
    causerie: Causerie, visit: Visit, family: str, people: list[Person]
) -> None:
    page = visit(causerie.person("Olive Owner"), "/conversations/new")
    held: list[Callable[[], None]] = []

    def answered(route: Route) -> None:
        if family in route.request.url and "milo" not in route.request.url:
            held.append(route.continue_)
        else:
            route.continue_()

    page.route("**/people?*", answered)
    field(page).fill(family)
    eventually(page, lambda: held, "the first was asked for")
    field(page).fill(f"milo {family}")
    expect(page.get_by_role("option")).to_have_count(1)
    field(page).press("Escape")
    for go_on in held:
        try:
            go_on()
        except Exception:  # it was given up already
            continue
    later(page)
    expect(page.get_by_role("option")).to_have_count(0)


def test_at_most_eight_and_nobody_whom_one_does_not_see(causerie: Causerie, visit: Visit, family: str) -> None:
    olive = causerie.person(f"Olive {family}")
    others = [causerie.person(f"Nina {family}") for _ in range(10)]
    olive.api.put(f"/people/{others[0].username}/block").raise_for_status()
    page = visit(olive, "/conversations/new")
    field(page).fill(family)
    expect(page.get_by_role("option")).to_have_count(8)
    expect(page.get_by_role("option").filter(has_text=olive.username)).to_have_count(0)
    for other in others[1:]:
        field(page).fill(other.username)
        expect(page.get_by_role("option")).to_have_text([f"Nina {family} @{other.username}"])
    field(page).fill(others[0].username)
    expect(page.locator(".suggest-nobody")).to_be_visible()


def test_a_finger_finds_all_of_it_and_axe_objects_to_nothing(
    causerie: Causerie, visit: Visit, family: str, people: list[Person]
) -> None:
    telephone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 320, "height": 640}}
    page = visit(causerie.person("Olive Owner"), "/conversations/new", **telephone)
    long = causerie.person(f"Wilhelmina Oberammergau-Zetterberg {family}")
    field(page).fill(long.username)
    page.get_by_role("option").tap()
    field(page).fill(family)
    page.get_by_role("option").first.tap()
    field(page).fill(family)
    expect(page.get_by_role("option")).to_have_count(2)
    assert page.locator(".chip").count() == 2
    for target in (*page.get_by_role("option").all(), page.locator(".chip-remove").first):
        box = target.bounding_box()
        assert box is not None and box["height"] >= 40 and box["width"] >= 40
    assert page.evaluate(
        "[document.documentElement, document.querySelector('main')].every((each) => each.scrollWidth <= 320)"
    )
    page.evaluate(AXE)
    objections = violations(page, ALL)
    page.emulate_media(color_scheme="dark")
    assert objections + violations(page, COLOURS) == []
