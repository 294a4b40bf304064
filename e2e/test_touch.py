"""On a telephone, without JavaScript: what a finger finds."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.causerie import Causerie
from e2e.conftest import Visit
from e2e.steps import message

TELEPHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 360, "height": 740}}


def test_a_tap_on_ones_message_shows_what_can_be_done_with_it(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    olive.say(chess, "e4")
    olive.say(chess, "d4")
    page = visit_without_scripts(olive, f"/conversations/{chess}", **TELEPHONE)
    actions = message(page, "d4").locator(".message-actions")
    expect(actions).to_have_css("opacity", "0")
    expect(actions).to_have_css("pointer-events", "none")
    message(page, "d4").locator(".message-body").tap()
    expect(actions).to_have_css("opacity", "1")
    expect(message(page, "e4").locator(".message-actions")).to_have_css("opacity", "0")
    for link in actions.get_by_role("link").all():
        box = link.bounding_box()
        assert box is not None and box["width"] >= 24 and box["height"] >= 24
    actions.get_by_role("link", name="Edit").tap()
    expect(page.get_by_label("Edit message")).to_have_value("d4")


def test_who_is_new_finds_the_way_to_the_general_room(causerie: Causerie, visit_without_scripts: Visit) -> None:
    page = visit_without_scripts(causerie.person("Newcomer No-One"), **TELEPHONE)
    expect(page.get_by_role("main").get_by_role("link", name="New conversation")).to_be_in_viewport(ratio=1)
    page.get_by_role("link", name="Go to the general room").tap()
    expect(page.get_by_label("Your message")).to_be_visible()


def test_a_word_after_an_action_moves_nothing(causerie: Causerie, visit_without_scripts: Visit) -> None:
    page = visit_without_scripts(causerie.person("Olive Owner"), "/me", **TELEPHONE)
    before = page.get_by_role("heading", level=1).bounding_box()
    page.get_by_role("button", name="Save").tap()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.wait_for_load_state()  # with its styles
    assert page.get_by_role("heading", level=1).bounding_box() == before
