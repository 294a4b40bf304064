"""The composer: what the keys do, and that nothing typed is lost."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.causerie import Causerie
from e2e.conftest import Visit, Watch, sign_in
from e2e.steps import bodies, composer, live, message


def test_enter_sends_and_shift_enter_breaks_the_line(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = visit(olive, f"/conversations/{chess}")
    expect(composer(page)).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(composer(page)).to_have_value("one\ntwo")
    page.keyboard.press("Enter")
    expect(composer(page)).to_have_value("")
    expect(composer(page)).to_be_focused()
    expect(message(page, "one")).to_contain_text("two")
    page.keyboard.press("Enter")
    page.keyboard.type("  ")
    page.keyboard.press("Enter")
    page.keyboard.type("three")
    page.get_by_role("button", name="Send").click()
    expect(message(page, "three")).to_have_count(1)
    assert [m["body"] for m in olive.messages(chess)][1:] == ["one\ntwo", "three"]


def test_enter_that_ends_a_composition_does_not_send(causerie: Causerie, visit: Visit) -> None:
    """Someone who writes Japanese chooses a word with Enter."""
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = visit(olive, f"/conversations/{chess}")
    devtools = page.context.new_cdp_session(page)
    composer(page).focus()
    devtools.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    devtools.send("Input.insertText", {"text": "日本"})
    expect(composer(page)).to_have_value("日本")
    page.keyboard.press("Enter")
    expect(message(page, "日本")).to_have_count(1)
    assert bodies(page) == ["日本"]


def test_a_draft_survives_a_reload_and_a_look_elsewhere(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess, go = olive.group("Chess club"), olive.group("Go club")
    page = visit(olive, f"/conversations/{chess}")
    composer(page).fill("half a\nthought")
    page.reload()
    expect(composer(page)).to_have_value("half a\nthought")
    page.get_by_role("link", name="Go club").click()
    expect(page.get_by_role("heading", name="Go club")).to_be_visible()
    expect(composer(page)).to_have_value("")
    page.get_by_role("link", name="Chess club").click()
    expect(composer(page)).to_have_value("half a\nthought")
    composer(page).press("Enter")
    expect(message(page, "thought")).to_have_count(1)
    page.reload()
    expect(composer(page)).to_have_value("")
    page.goto(f"/conversations/{go}")
    expect(composer(page)).to_have_value("")


def test_a_draft_is_its_writers_alone(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = visit(olive, f"/conversations/{chess}")
    composer(page).fill("between us")
    page.context.clear_cookies()
    sign_in(page.context, milo, causerie.url)
    page.reload()
    expect(page.locator(".sidebar-me")).to_contain_text("Milo Member")
    expect(composer(page)).to_have_value("")


def test_arrow_up_edits_what_one_wrote_last_and_escape_gives_up(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    olive.say(chess, "the first")
    olive.say(chess, "the second")
    milo.say(chess, "an answer")
    page = visit(olive, f"/conversations/{chess}")
    field = page.get_by_label("Edit message")
    page.keyboard.type("x")
    page.keyboard.press("ArrowUp")
    expect(field).to_have_count(0)
    composer(page).fill("")
    page.keyboard.press("ArrowUp")
    expect(field).to_have_value("the second")
    expect(field).to_be_focused()
    page.keyboard.type(" (no")
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(message(page, "the second")).to_have_count(1)
    expect(composer(page)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    field.fill("the third")
    page.keyboard.press("Enter")
    expect(message(page, "the third")).to_contain_text("edited")
    expect(composer(page)).to_be_focused()


def test_the_feed_leaves_an_open_edit_form_alone(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    said = olive.say(chess, "e4")
    page = live(visit(olive, f"/conversations/{chess}"))
    composer(page).press("ArrowUp")
    field = page.get_by_label("Edit message")
    field.fill("my thoughts so far")
    olive.edit(said["id"], "d4, from the phone")
    milo.say(chess, "well?")
    expect(message(page, "well?")).to_have_count(1)
    expect(field).to_have_value("my thoughts so far")
    field.press("Escape")
    expect(message(page, "d4, from the phone")).to_have_count(1)


def test_an_edit_that_is_refused_keeps_the_text_and_says_why(causerie: Causerie, visit: Visit, watch: Watch) -> None:
    watch.expects("htmx:error: Failed to fetch")
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    olive.say(chess, "e4")
    page = live(visit(olive, f"/conversations/{chess}"))
    composer(page).press("ArrowUp")
    field = page.get_by_label("Edit message")
    field.fill("x" * 2001)
    field.press("Enter")
    expect(page.get_by_text("the limit is 2000")).to_be_visible()
    expect(field).to_have_value("x" * 2001)
    expect(field).to_be_focused()
    field.fill("d4")
    page.route("**/messages/*", lambda route: route.abort() if route.request.method == "PATCH" else route.fallback())
    field.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(field).to_have_value("d4")
    page.unroute("**/messages/*")
    page.route(
        "**/messages/*", lambda route: route.fulfill(status=503, body="<h1>Causerie is temporarily unavailable</h1>")
    )
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Causerie is temporarily unavailable")
    expect(field).to_have_value("d4")
    page.unroute("**/messages/*")
    field.press("Enter")
    expect(message(page, "d4")).to_contain_text("edited")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_who_edits_goes_on_where_the_text_ends(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    said = olive.say(chess, "e4")
    page = visit(olive, f"/conversations/{chess}")
    composer(page).press("ArrowUp")
    field = page.get_by_label("Edit message")
    expect(field).to_be_focused()
    page.keyboard.type(", d4")
    expect(field).to_have_value("e4, d4")
    field.press("Home")
    composer(page).focus()
    field.focus()  # the caret that one has set since is left alone
    page.keyboard.type("1. ")
    expect(field).to_have_value("1. e4, d4")
    page.goto(f"/messages/{said['id']}/edit")
    expect(field).to_be_focused()
    page.keyboard.type("!")
    expect(field).to_have_value("e4!")


def test_a_text_that_is_too_long_says_so_at_the_field(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    page = live(visit(olive, f"/conversations/{olive.group('Chess club')}"))
    composer(page).fill("x" * 2001)
    composer(page).press("Enter")
    expect(composer(page)).to_have_attribute("aria-invalid", "true")
    expect(composer(page)).to_have_accessible_description(re.compile("the limit is 2000"))
    composer(page).fill("shorter")
    expect(composer(page)).to_have_attribute("aria-invalid", "false")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_whoever_logs_out_leaves_no_draft_on_the_computer(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = visit(olive, f"/conversations/{chess}")
    composer(page).fill("not for whoever sits down next")
    assert "not for whoever" in page.evaluate("JSON.stringify(localStorage)")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/auth/login")
    assert "not for whoever" not in page.evaluate("JSON.stringify(localStorage)")
