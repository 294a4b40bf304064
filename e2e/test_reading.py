"""What counts as read: only what was on the screen, and only while someone was looking."""

from __future__ import annotations

import json

from playwright.sync_api import Page, Request, expect

from e2e.causerie import Causerie
from e2e.conftest import Visit
from e2e.steps import eventually, live, message


def marks(page: Page) -> list[int]:
    """The list of the positions that the page says were read, which grows."""
    said: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PUT" and request.url.endswith("/read"):
            said.append(json.loads(request.post_data or "{}")["position"])

    page.on("request", note)
    return said


def test_only_what_was_on_the_screen_is_read(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(45)])
    page = live(visit(milo, "/people"))
    said = marks(page)
    page.goto(f"/conversations/{chess}")
    expect(page.locator("#unread")).to_be_in_viewport()
    eventually(page, lambda: said, "something is read")
    cut = page.evaluate("""() => {
        const bottom = document.getElementById("timeline").getBoundingClientRect().bottom;
        return Math.max(...[...document.querySelectorAll(".message[data-position]")]
            .filter((item) => item.getBoundingClientRect().bottom <= bottom + 4).map((item) => Number(item.dataset.position)));
    }""")
    assert said == [cut]
    assert 2 < cut < 40
    eventually(page, lambda: milo.unread(chess) == 46 - cut, "the rest is unread")
    expect(page.locator(f"#conversation-{chess} .badge [aria-hidden]")).to_have_text(str(46 - cut))
    message(page, "move 30").evaluate("element => element.scrollIntoView({ block: 'end' })")
    eventually(page, lambda: milo.unread(chess) == 14, "what was scrolled into sight is read")
    message(page, "move 3").evaluate("element => element.scrollIntoView()")
    page.locator("#jump").click()
    eventually(page, lambda: milo.unread(chess) == 0, "all is read")
    eventually(page, lambda: said[-1] == 46, "its request is seen")
    assert said == sorted(set(said)), "the mark moves forward only, and nothing is said twice"


def test_nothing_is_read_while_nobody_looks(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    said = marks(page)
    page.evaluate("testFocus(false)")
    olive.say(chess, "in another window's shadow")
    expect(message(page, "in another window's shadow")).to_be_in_viewport()
    page.evaluate("testHide(true)")
    olive.say(chess, "behind another tab")
    page.evaluate("testHide(false)")
    expect(message(page, "behind another tab")).to_be_in_viewport()
    # The page tells what was read after a quarter of a second. What it asks for later proves that it told nothing.
    with page.expect_response("**/health"):
        page.evaluate("setTimeout(() => fetch('/health'), 300)")
    assert milo.unread(chess) == 2
    assert said == []
    page.evaluate("testFocus(true)")
    eventually(page, lambda: said == [3], "it is told")
    eventually(page, lambda: milo.unread(chess) == 0, "it is read")


def test_ones_own_words_are_read(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = live(visit(olive, "/people"))
    olive.say(chess, "from the phone")
    expect(page.locator(f"#conversation-{chess}")).to_have_attribute("data-change", "2")
    expect(page.get_by_role("link", name="Chess club")).to_be_visible()
    expect(page).to_have_title("People · Causerie")
    assert olive.unread(chess) == 0


def test_what_is_watched_is_read_also_while_there_is_no_end_of_it(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    eventually(page, lambda: milo.unread(chess) == 0, "what was there is read")
    # As in a lively conversation, in which each message scrolls the page: never a quarter of a second without one.
    page.evaluate("setInterval(() => document.getElementById('timeline').dispatchEvent(new Event('scroll')), 50)")
    olive.say(chess, "hello")
    eventually(page, lambda: milo.unread(chess) == 0, "it is read")
