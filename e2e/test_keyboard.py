"""Everything can be done with the keyboard alone, in a sensible order, and one always sees where one is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.causerie import PASSWORD, Causerie
from e2e.conftest import Visit
from e2e.pages import Stop, World, every_page, world
from e2e.steps import composer, live, message, unlike_words

NAME = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return "";
    const words = element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent;
    return words.trim().replace(/\\s+/g, " ");
}"""
# How the focused element and what is around it look; `window.looks` keeps it until the focus has moved on.
LOOK = """() => {
    const look = (element) => {
        const seen = [];
        for (let around = element, depth = 0; around && depth < 4; around = around.parentElement, depth += 1) {
            const style = getComputedStyle(around);
            seen.push([style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.borderColor, style.backgroundColor]);
        }
        return JSON.stringify(seen);
    };
    const last = window.looked;
    const element = document.activeElement;
    window.looked = element === document.body ? null : { element, look: look(element) };
    const box = element.getBoundingClientRect();
    return {
        unseen: last && last.element !== element && look(last.element) === last.look ? last.element.outerHTML.slice(0, 200) : "",
        hidden: window.looked && (box.width < 2 || box.bottom < 0 || box.top > innerHeight) ? element.outerHTML.slice(0, 200) : "",
    };
}"""


def start_at_the_top(page: Page) -> None:
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")


def walk(page: Page, most: int = 400) -> tuple[list[str], list[str]]:
    """The names of all that Tab comes by, from the top, and where one could not see that one was there."""
    start_at_the_top(page)
    names: list[str] = []
    lost: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        look = page.evaluate(LOOK)
        lost += [f"{what}: {html}" for what, html in look.items() if html]
        name = page.evaluate(NAME)
        if not page.evaluate("window.looked !== null") or (names and name == names[0]):
            return names, lost
        names.append(name)
    raise AssertionError(f"Tab never comes to the end: {names}")


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Presses Tab until that control has the focus."""
    for _ in range(60):
        page.keyboard.press(key)
        if page.evaluate(NAME).startswith(name):
            return
    raise AssertionError(f"{key} never comes to {name!r}")


def test_one_signs_up_makes_a_group_talks_and_logs_out(causerie: Causerie, visit: Visit) -> None:
    page = visit(None, "/auth/signup")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    username = f"kim-{unlike_words()}"
    for typed in ("Kim Keys", username, f"{username}@example.org", PASSWORD):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hello, Kim Keys!")).to_be_visible()
    tab_to(page, "New conversation")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Group name")).to_be_focused()
    page.keyboard.type("Chess club")
    tab_to(page, "Create group")
    page.keyboard.press("Enter")
    expect(composer(page)).to_be_focused()
    page.keyboard.type("e4")
    page.keyboard.press("Enter")
    expect(message(page, "e4")).to_have_count(1)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Edit message")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("d4")
    page.keyboard.press("Enter")
    expect(message(page, "d4")).to_have_count(1)
    expect(composer(page)).to_be_focused()
    tab_to(page, "Delete", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    expect(message(page, "This message was deleted.")).to_have_count(1)
    tab_to(page, "Skip to the conversations", "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, "General")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="General")).to_be_visible()
    expect(composer(page)).to_be_focused()
    tab_to(page, "Skip to the conversations", "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_tab_comes_by_the_controls_of_a_conversation_in_the_order_of_the_page(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    milo.say(chess, "see https://example.org")
    olive.say(chess, "mine")
    page = live(visit(olive, f"/conversations/{chess}"))
    expect(page.locator(".presence-online")).to_have_count(2)  # in the sidebar and beside the conversation
    names, lost = walk(page)
    assert not lost, "\n".join(lost)
    assert [name for name in names if ":" not in name] == [
        "Skip to the content",
        "Skip to your message",
        "Causerie",
        "New conversation",
        "People",
        "Contacts",
        "Notifications",
        "My mentions",
        "Ask the staff",
        "Chess club",
        "General",
        f"OOonlineOlive Owner@{olive.username}",
        "Log out",
        "2 members",
        "Settings",
        "Messages",
        "Milo Member",
        "Reply",
        "Olive Owner",
        "Reply",
        "Edit",
        "Delete",
        "Seen by",
        "Skip to the conversations",
        "Your message",
        "Send",
        "MMMilo Member",
        "OOonlineOlive Owner",
        "All members",
    ]


@pytest.fixture(scope="module")
def there(causerie: Causerie) -> World:
    return world(causerie)


PLACES = [
    "log in, refused",
    "sign up",
    "conversations",
    "new conversation, refused",
    "members as the owner",
    "settings as the owner",
]
PLACES += ["delete page", "people", "person", "my account", "my devices", "edit form in its place", "docs"]


@pytest.mark.parametrize("place", PLACES)
def test_one_always_sees_where_one_is(there: World, visit: Visit, place: str) -> None:
    stop: Stop = next(stop for stop in every_page(there) if stop.name == place)
    page = visit(stop.person, stop.path)
    if stop.step is not None:
        stop.step(page)
    names, lost = walk(page)
    assert not lost, "\n".join(lost)
    controls = page.locator(
        "a[href]:visible, button:visible, input:visible, select:visible, textarea:visible, summary:visible"
    )
    assert len(names) >= controls.count(), "Tab comes by every control"


def test_the_skip_links_lead_over_the_navigation(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = live(visit(olive, f"/conversations/{chess}"))
    for presses, name in ((1, "Skip to the content"), (2, "Skip to your message")):
        start_at_the_top(page)
        for _ in range(presses):
            page.keyboard.press("Tab")
        link = page.get_by_role("link", name=name)
        expect(link).to_be_focused()
        expect(link).to_be_in_viewport()
        page.keyboard.press("Enter")
        if presses == 1:
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name="1 member")).to_be_focused()
        else:
            expect(composer(page)).to_be_focused()
