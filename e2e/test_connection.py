"""What the page says of its connection, and that nothing is missed whatever happens to it."""

from __future__ import annotations

from playwright.sync_api import Route, expect

from e2e.causerie import Causerie
from e2e.conftest import Visit, Watch
from e2e.steps import bodies, composer, connection, eventually, live, message, waiting, write

LOST = "Connection lost. Reconnecting…"
OUT = "You are no longer in this conversation."
SIGNED_OUT = "You have been logged out."
TOO_MANY = "Causerie is open in too many places. This page no longer updates by itself."


def test_a_server_that_goes_and_comes_back_is_told_and_nothing_is_missed(
    own_causerie: Causerie, visit: Visit, watch: Watch
) -> None:
    olive, milo = own_causerie.person("Olive Owner"), own_causerie.person("Milo Member")
    chess, go = olive.group("Chess club", milo), olive.group("Go club", milo)
    page = live(visit(milo, f"/conversations/{chess}", url=own_causerie.url))
    before = olive.say(chess, "before")
    expect(message(page, "before")).to_have_count(1)
    # Twice: what was said once must be said again.
    for turn in ("first", "second"):
        own_causerie.stop()
        expect(connection(page)).to_have_text(LOST)
        write(page, f"typed during the {turn} outage")
        expect(waiting(page)).to_contain_text("Not sent yet")
        own_causerie.start()
        olive.edit(before["id"], f"edited in the {turn}")
        olive.say(chess, f"missed in the {turn}")
        olive.say(go, f"elsewhere in the {turn}")
        expect(message(page, f"missed in the {turn}")).to_have_count(1, timeout=40_000)
        expect(message(page, f"edited in the {turn}")).to_have_count(1)
        expect(connection(page)).to_be_empty()
        expect(waiting(page)).to_have_count(0, timeout=40_000)
    said = [found["body"] for found in olive.messages(chess) if found["kind"] == "text"]
    assert bodies(page) == said
    assert len(said) == 5
    expect(page).to_have_title("(2) Chess club · Causerie")


def test_whoever_is_removed_is_told_and_gets_nothing_more_until_put_back(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess, go = olive.group("Chess club", milo), olive.group("Go club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    olive.remove(chess, milo)
    expect(connection(page)).to_have_text(OUT)
    expect(page.get_by_role("link", name="Chess club")).to_have_count(0)
    olive.say(chess, "now we can speak freely")
    # What comes later on the same stream proves that the other did not.
    olive.say(go, "a sign")
    expect(page).to_have_title("(1) Chess club · Causerie")
    expect(message(page, "now we can speak freely")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="This page does not exist")).to_be_visible()
    page.go_back()
    page = live(visit(milo, f"/conversations/{go}"))
    olive.remove(go, milo)
    expect(connection(page)).to_have_text(OUT)
    olive.say(go, "said in between")
    olive.add(go, milo)
    expect(connection(page)).to_be_empty()
    expect(message(page, "said in between")).to_have_count(1)
    olive.say(go, "welcome back")
    expect(message(page, "welcome back")).to_have_count(1)


def test_whoever_is_signed_out_elsewhere_is_told(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = live(visit(olive, f"/conversations/{chess}"))
    composer(page).fill("half a thought")
    session = olive.api.get("/me/sessions").json()["sessions"][0]["id"]
    olive.api.delete(f"/me/sessions/{session}")
    expect(connection(page)).to_contain_text(SIGNED_OUT)
    page.evaluate("testHide(true)")
    page.evaluate("testHide(false)")
    expect(connection(page)).to_contain_text(SIGNED_OUT)
    expect(composer(page)).to_have_value("half a thought")


def test_a_deleted_group_says_so_to_whoever_looks_at_it(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    olive.api.delete(f"/conversations/{chess}")
    expect(connection(page)).to_have_text(OUT)
    expect(page.get_by_role("link", name="Chess club")).to_have_count(0)


def test_a_page_that_was_hidden_for_a_moment_follows_its_conversation(causerie: Causerie, visit: Visit) -> None:
    """Also when its turn to keep the title true comes after it is looked at again."""
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    page.evaluate(
        """() => {
            navigator.locks.request = (name, options, callback) =>
                new Promise((done) => setTimeout(() => (done(callback()), (window.testTurn = true)), 300));
        }"""
    )
    page.evaluate("testHide(true)")
    page.evaluate("testHide(false)")
    eventually(page, lambda: page.evaluate("window.testTurn"), "its turn comes")
    olive.say(chess, "e4")
    expect(message(page, "e4")).to_have_count(1)


def test_the_sixth_place_closes_the_oldest_which_goes_on_when_looked_at(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    first = live(visit(olive, f"/conversations/{chess}"))
    pages = [first]
    for _ in range(5):
        page = first.context.new_page()
        page.goto(f"/conversations/{chess}")
        pages.append(live(page))
    expect(connection(first)).to_have_text(TOO_MANY)
    for page in pages[1:]:
        expect(connection(page)).to_be_empty()
    olive.say(chess, "e4")
    expect(message(pages[5], "e4")).to_have_count(1)
    assert bodies(first) == []
    first.evaluate("testHide(true)")
    first.evaluate("testHide(false)")
    expect(message(first, "e4")).to_have_count(1)
    expect(connection(first)).to_be_empty()
    expect(connection(pages[1])).to_have_text(TOO_MANY)


def test_a_page_that_missed_very_much_is_loaded_anew_and_keeps_the_draft(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    composer(page).fill("half a thought")
    page.evaluate("testHide(true)")
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(1001)])
    with page.expect_navigation():
        page.evaluate("testHide(false)")
    expect(composer(page)).to_have_value("half a thought")
    expect(page.locator("#unread + .message")).to_contain_text("move 0")
    expect(connection(live(page))).to_be_empty()


def test_a_stream_that_has_gone_silent_is_opened_again(causerie: Causerie, visit: Visit) -> None:
    """A cut that nobody tells of (a sleeping laptop, a vanished proxy): the heartbeat is missed."""
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = visit(milo, "/people")
    page.clock.install()
    page.goto(f"/conversations/{chess}")
    live(page)
    with page.expect_request("**/live?after=*"):
        page.clock.fast_forward(90_000)
    olive.say(chess, "e4")
    page.clock.resume()
    expect(message(page, "e4")).to_have_count(1)


def test_where_the_heart_beats_slowly_a_quiet_stream_is_left_alone(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = visit(olive, "/people")

    def slowly(route: Route) -> None:
        answer = route.fetch()
        body = answer.text()
        assert 'data-heartbeat="20.0"' in body
        route.fulfill(response=answer, body=body.replace('data-heartbeat="20.0"', 'data-heartbeat="120.0"'))

    page.route(f"**/conversations/{chess}", slowly)
    page.clock.install()
    page.add_init_script("""
        window.EventSource = class extends EventSource {
            constructor(...given) { super(...given); window.__opened += 1; }
        };
    """)
    page.goto(f"/conversations/{chess}")
    live(page)
    page.evaluate("window.__opened = 0")
    page.clock.fast_forward(300_000)
    assert page.evaluate("window.__opened") == 0
    page.clock.fast_forward(400_000)  # whatever was heard meanwhile
    assert page.evaluate("window.__opened") == 1
