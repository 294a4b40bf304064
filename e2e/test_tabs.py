"""Many tabs of one browser: six connections are all it has, and each tab is right when it is looked at."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.causerie import Causerie, Person, until
from e2e.conftest import Visit, Watch, whole_browser
from e2e.steps import composer, connection, eventually, live, message


@pytest.fixture
def olive(causerie: Causerie) -> Person:
    until(lambda: causerie.streams() == 0, "the streams of the tests before have ended")
    return causerie.person("Olive Owner")


@pytest.fixture
def milo(causerie: Causerie) -> Person:
    return causerie.person("Milo Member")


def hide(page: Page) -> None:
    page.evaluate("testHide(true)")


def show(page: Page) -> None:
    page.evaluate("testHide(false)")


def tab(page: Page, path: str) -> Page:
    """One more tab of the same browser."""
    opened = page.context.new_page()
    opened.goto(path)
    return opened


def test_ten_tabs_leave_room_for_an_eleventh_and_one_hidden_one_keeps_the_title_true(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit
) -> None:
    groups = [olive.group(f"Group {number}", milo) for number in range(10)]
    pages: list[Page] = []
    for group in groups:
        page = tab(pages[0], f"/conversations/{group}") if pages else visit(milo, f"/conversations/{group}")
        if pages:
            hide(pages[-1])
        pages.append(live(page))
    # The one that is looked at, and one of the nine others.
    eventually(pages[9], lambda: causerie.streams() == 2, "two streams")
    eleventh = tab(pages[0], "/people")
    expect(eleventh.get_by_role("heading", name="People")).to_be_visible()
    eleventh.close()
    olive.say(groups[9], "to the one that is looked at")
    olive.say(groups[0], "to one that is hidden")
    expect(message(pages[9], "to the one that is looked at")).to_be_in_viewport()
    expect(pages[9]).to_have_title("(1) Group 9 · Causerie")
    hidden_titles = [page.title() for page in pages[:9]]
    eventually(pages[0], lambda: any(page.title().startswith("(1) ") for page in pages[:9]), f"{hidden_titles}")
    # When the one that kept its stream is closed, another one takes its place.
    keeper = next(page for page in pages[:9] if page.title().startswith("(1) "))
    keeper.close()
    others = [page for page in pages[:9] if page is not keeper]
    eventually(others[0], lambda: any(page.title().startswith("(1) ") for page in others), "another keeps the title")
    eventually(others[0], lambda: causerie.streams() == 2, "two streams")


def test_a_tab_that_is_looked_at_again_is_right_at_once(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit
) -> None:
    chess, go = olive.group("Chess club", milo), olive.group("Go club", milo)
    first = live(visit(milo, f"/conversations/{chess}"))
    said = olive.say(chess, "e4")
    expect(message(first, "e4")).to_have_count(1)
    eventually(first, lambda: milo.unread(chess) == 0, "it is read")
    hide(first)
    second = live(tab(first, f"/conversations/{go}"))
    olive.edit(said["id"], "d4")
    olive.say(chess, "c5")
    olive.say(go, "a stone")
    expect(message(second, "a stone")).to_have_count(1)
    expect(second).to_have_title("(1) Go club · Causerie")
    assert milo.unread(chess) == 1, "a hidden page has seen nothing"
    eventually(second, lambda: milo.unread(go) == 0, "it is read")
    hide(second)
    show(first)
    expect(message(first, "c5")).to_be_in_viewport()
    expect(message(first, "d4")).to_have_count(1)
    expect(first).to_have_title("Chess club · Causerie")
    eventually(first, lambda: milo.unread(chess) == 0, "it is read")
    expect(second).to_have_title("Go club · Causerie")


def test_a_tab_opened_in_the_background_waits_with_its_stream(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit
) -> None:
    chess = olive.group("Chess club", milo)
    front = live(visit(milo, "/conversations"))
    background = []
    for _ in range(2):
        page = front.context.new_page()
        page.add_init_script("window.testHide?.(true)")
        page.goto(f"/conversations/{chess}")
        background.append(page)
    eventually(front, lambda: causerie.streams() == 2, "two streams")
    olive.say(chess, "e4")
    expect(front.locator(f"#conversation-{chess}")).to_have_attribute("data-unread", "1")
    for page in background:
        expect(message(page, "e4")).to_have_count(0)
        show(page)
        expect(message(page, "e4")).to_have_count(1)
    eventually(front, lambda: causerie.streams() == 3, "three streams")


def test_coming_back_online_wakes_no_hidden_tab(causerie: Causerie, olive: Person, milo: Person, visit: Visit) -> None:
    chess = olive.group("Chess club", milo)
    pages = [live(visit(milo, f"/conversations/{chess}"))]
    for _ in range(3):
        hide(pages[-1])
        pages.append(live(tab(pages[0], f"/conversations/{chess}")))
    eventually(pages[3], lambda: causerie.streams() == 2, "two streams")
    for page in pages:
        page.evaluate("dispatchEvent(new Event('online'))")
    olive.say(chess, "e4")
    expect(message(pages[3], "e4")).to_have_count(1)
    eventually(pages[3], lambda: causerie.streams() == 2, "still two streams")
    for page in pages[:3]:
        expect(message(page, "e4")).to_have_count(0)


@whole_browser(ignore_default_args=["--disable-back-forward-cache"])
def test_a_page_that_one_comes_back_to_is_live_again(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit
) -> None:
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    page.evaluate("window.stillHere = true")
    composer(page).fill("half a thought")
    page.goto("/people")
    eventually(page, lambda: causerie.streams() == 1, "one stream")
    olive.say(chess, "said meanwhile")
    page.go_back(wait_until="commit")  # a kept page is not loaded again
    expect(message(page, "said meanwhile")).to_have_count(1)
    assert page.evaluate("window.stillHere") is True, "the browser has kept the page"
    expect(composer(page)).to_have_value("half a thought")
    olive.say(chess, "and live")
    expect(message(page, "and live")).to_have_count(1)
    expect(connection(page)).to_be_empty()
    eventually(page, lambda: causerie.streams() == 1, "one stream")


def keeps(causerie: Causerie, olive: Person, group: int, page: Page, text: str = "psst") -> None:
    """That hidden page has the stream that keeps its title true."""
    eventually(page, lambda: causerie.streams() == 1, "one stream")
    olive.say(group, text)
    eventually(page, lambda: page.title().startswith("(1) "), "its title is true")


def test_a_hidden_tab_whose_conversation_is_gone_leaves_the_title_to_another(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit
) -> None:
    chess, go = olive.group("Chess club", milo), olive.group("Go club", milo)
    first = live(visit(milo, f"/conversations/{chess}"))
    first.route("**/live", lambda route: route.fulfill(status=503))
    olive.remove(chess, milo)
    with first.expect_response(f"**/conversations/{chess}"):  # it asks why it was refused
        hide(first)
    second = live(tab(first, f"/conversations/{go}"))
    hide(second)
    keeps(causerie, olive, go, second)


def test_a_hidden_tab_that_gave_way_to_other_places_stands_again_behind_the_others(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit
) -> None:
    go = olive.group("Go club", milo)
    first = visit(milo, "/people")
    first.clock.install()
    first.goto(f"/conversations/{go}")
    hide(live(first))
    second = live(tab(first, f"/conversations/{go}"))
    hide(second)
    eventually(second, lambda: causerie.streams() == 1, "the first keeps its stream")
    elsewhere = [live(visit(milo)) for _ in range(5)]
    expect(connection(first)).to_contain_text("too many places")
    for page in elsewhere:
        expect(connection(page)).to_be_empty()
        page.close()
    eventually(second, lambda: causerie.streams() == 0, "none is left")
    first.clock.fast_forward(301_000)
    keeps(causerie, olive, go, second)


def test_on_a_plain_http_address_one_hidden_tab_keeps_the_title_true_as_well(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit, watch: Watch
) -> None:
    """Browsers keep locks for https and localhost."""
    watch.expects("Cross-Origin-Opener-Policy header has been ignored")
    go = olive.group("Go club", milo)
    first = live(visit(milo, f"/conversations/{go}", url=f"http://plain.test:{causerie.port}"))
    assert first.evaluate("navigator.locks") is None
    # Another one crashed lately.
    first.evaluate("localStorage.setItem(`causerie-hidden-${document.body.dataset.me}`, `0.1 ${Date.now() + 2000}`)")
    second = live(tab(first, f"/conversations/{go}"))
    hide(first)
    hide(second)
    eventually(first, lambda: causerie.streams() == 1, "one of the two has a stream")
    olive.say(go, "psst")
    pages = [first, second]
    eventually(first, lambda: any(page.title().startswith("(1) ") for page in pages), "one title is true")
    keeper, other = sorted(pages, key=lambda page: not page.title().startswith("(1) "))
    assert other.title() == "Go club · Causerie"
    keeper.goto("about:blank")
    eventually(other, lambda: other.title().startswith("(1) "), "the other follows")
    eventually(other, lambda: causerie.streams() == 1, "one stream")
