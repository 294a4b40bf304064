"""Two people in two browsers talk, and each sees at once what the other does."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.causerie import Causerie
from e2e.conftest import Visit, Watch
from e2e.steps import composer, eventually, live, message, waiting, write


def test_what_is_sent_edited_and_deleted_is_seen_at_once(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    mine, theirs = live(visit(olive, f"/conversations/{chess}")), live(visit(milo, f"/conversations/{chess}"))
    write(mine, "e4")
    write(theirs, "c5")
    for page in (mine, theirs):
        expect(message(page, "e4")).to_have_count(1)
        expect(message(page, "c5")).to_have_count(1)
    message(theirs, "e4").hover()
    expect(message(theirs, "e4").get_by_role("link", name="Edit")).to_be_hidden()
    message(mine, "e4").hover()
    message(mine, "e4").get_by_role("link", name="Edit").click()
    expect(mine.get_by_label("Edit message")).to_be_focused()
    mine.get_by_label("Edit message").fill("d4")
    mine.get_by_label("Edit message").press("Enter")
    for page in (mine, theirs):
        expect(message(page, "d4")).to_contain_text("edited")
        expect(message(page, "e4")).to_have_count(0)
    message(mine, "d4").hover()
    message(mine, "d4").get_by_role("link", name="Delete").click()
    mine.get_by_role("button", name="Delete").click()
    for page in (mine, theirs):
        expect(message(page, "This message was deleted.")).to_have_count(1)
        expect(message(page, "d4")).to_have_count(0)


def test_the_sidebar_and_the_title_count_and_the_latest_conversation_is_on_top(
    causerie: Causerie, visit: Visit
) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess, go = olive.group("Chess club", milo), olive.group("Go club", milo)
    page = live(visit(milo, f"/conversations/{go}"))
    titles = page.locator("#sidebar-items .sidebar-title").filter(has_not_text="General")
    expect(titles).to_have_text(["Go club", "Chess club"])
    olive.say(chess, "one")
    expect(page.locator(f"#conversation-{chess}")).to_contain_text("1 unread message")
    expect(page).to_have_title("(1) Go club · Causerie")
    expect(titles).to_have_text(["Chess club", "Go club"])
    olive.say(chess, "two")
    expect(page.locator(f"#conversation-{chess}")).to_contain_text("2 unread messages")
    expect(page).to_have_title("(2) Go club · Causerie")
    olive.say(olive.direct(milo), "psst")
    expect(titles.first).to_have_text("Olive Owner")
    expect(page).to_have_title("(3) Go club · Causerie")
    page.locator(f"#conversation-{chess} > a").click()  # what tells of being added may name it too
    expect(page.locator("#unread + .message")).to_contain_text("one")
    expect(page).to_have_title("(1) Chess club · Causerie")
    expect(page.locator(f"#conversation-{chess} .badge")).to_have_count(0)
    eventually(page, lambda: milo.unread(chess) == 0, "it is read")


def test_more_than_ninety_nine_unread_are_shown_as_99_plus(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(99)])
    page = live(visit(milo))
    expect(page.locator(f"#conversation-{chess} .badge [aria-hidden]")).to_have_text("99")
    expect(page).to_have_title("(99) Conversations · Causerie")
    olive.say(chess, "one more")
    expect(page.locator(f"#conversation-{chess} .badge [aria-hidden]")).to_have_text("99+")
    expect(page).to_have_title("(99+) Conversations · Causerie")


def test_what_is_unread_beyond_the_list_counts_in_the_title_until_it_stands_in_the_list(
    causerie: Causerie, visit: Visit
) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    old, older = olive.group("Chess club", milo), olive.group("Go club", milo)
    for group, text in ((old, "one"), (old, "two"), (older, "three")):
        olive.say(group, text)
    for number in range(101):
        milo.group(f"Room {number}")
    page = live(visit(milo))
    more = page.locator(".sidebar-more .badge [aria-hidden]")
    expect(more).to_have_text("3")
    expect(page).to_have_title("(3) Conversations · Causerie")
    olive.say(old, "four")
    expect(page.locator(f"#conversation-{old} .badge [aria-hidden]")).to_have_text("3")
    expect(more).to_have_text("1")
    expect(page).to_have_title("(4) Conversations · Causerie")
    page.get_by_role("link", name="More conversations").click()
    expect(page.locator(f"#conversation-{older} .badge [aria-hidden]")).to_have_text("1")
    expect(more).to_have_count(0)
    expect(page).to_have_title("(4) Conversations · Causerie")


def test_reading_in_one_place_clears_the_count_in_the_others(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    desk = live(visit(milo))
    olive.say(chess, "one")
    expect(desk).to_have_title("(1) Conversations · Causerie")
    visit(milo, f"/conversations/{chess}")
    expect(desk).to_have_title("Conversations · Causerie")
    expect(desk.locator(f"#conversation-{chess} .badge")).to_have_count(0)


def test_what_came_while_one_looked_away_stands_below_a_line(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    page.evaluate("testFocus(false)")
    olive.say(chess, "one")
    olive.say(chess, "two")
    expect(page.locator("#unread + .message")).to_contain_text("one")
    expect(page).to_have_title("(2) Chess club · Causerie")
    expect(page.locator(f"#conversation-{chess}")).to_contain_text("2 unread messages")
    assert milo.unread(chess) == 2
    page.evaluate("testFocus(true)")
    expect(page).to_have_title("Chess club · Causerie")
    expect(page.locator(f"#conversation-{chess} .badge")).to_have_count(0)
    expect(page.locator("#unread + .message")).to_contain_text("one")
    # Away a second time: the line moves to what is new now.
    page.evaluate("testFocus(false)")
    olive.say(chess, "three")
    expect(page.locator("#unread + .message")).to_contain_text("three")
    expect(page.locator("#unread")).to_have_count(1)


def test_who_reads_back_is_not_moved_and_told_what_came(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    said = [olive.say(chess, f"move {number}") for number in range(40)]
    milo.read(chess, 41)
    page = live(visit(milo, f"/conversations/{chess}"))
    expect(message(page, "move 39")).to_be_in_viewport()
    expect(page.locator("#jump")).to_be_hidden()
    middle = page.locator(f"#message-{said[15]['id']}")
    middle.evaluate("element => element.scrollIntoView({ block: 'center' })")
    expect(page.locator("#jump")).to_have_text("Jump to the latest")
    before = middle.bounding_box()
    olive.say(chess, "new one")
    expect(page.locator("#jump")).to_have_text("1 new message")
    olive.edit(said[0]["id"], "a\nmuch\nlonger\nfirst\nmove")
    olive.say(chess, "new two")
    expect(page.locator("#jump")).to_have_text("2 new messages")
    expect(message(page, "much")).to_have_count(1)
    assert middle.bounding_box() == before
    assert milo.unread(chess) == 2
    page.locator("#jump").click()
    expect(message(page, "new two")).to_be_in_viewport()
    expect(page.locator("#jump")).to_be_hidden()
    expect(page.locator("#unread + .message")).to_contain_text("new one")
    # At the end again, the page follows.
    olive.say(chess, "new three")
    expect(message(page, "new three")).to_be_in_viewport()


def test_messages_that_arrive_move_nothing_but_the_timeline(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    causerie.said_long_ago(chess, olive, [f"before {number}" for number in range(40)])
    milo.read(chess, 41)
    page = live(visit(milo, f"/conversations/{chess}"))
    for start in ("at the end", "reading back"):
        page.evaluate("""() => {
            window.shifted = [];
            const note = (list) => { for (const e of list.getEntries()) window.shifted.push([e.value,
                ...e.sources.map((s) => `${s.node?.nodeName}.${s.node?.className}`)]); };
            window.observer = new PerformanceObserver(note);
            window.observer.observe({ type: "layout-shift", buffered: false });
        }""")
        for number in range(30):
            olive.say(chess, f"{start} {number}\n" + "and more " * (number * 7 % 40))
        if start == "at the end":
            expect(message(page, f"{start} 29")).to_be_in_viewport()
        else:
            expect(page.locator("#jump")).to_have_text("30 new messages")
        shifts = page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(shifted))))")
        assert sum(shift[0] for shift in shifts) < 0.01, f"{start}: {shifts}"
        page.locator("#messages > .message").nth(8).evaluate("element => element.scrollIntoView({ block: 'center' })")
        expect(page.locator("#jump")).to_be_visible()


def test_people_who_come_and_go_and_a_new_name_are_seen_in_the_open_page(causerie: Causerie, visit: Visit) -> None:
    olive, milo, mina = (causerie.person(name) for name in ("Olive Owner", "Milo Member", "Mina Member"))
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    people = page.get_by_role("complementary", name="Members").locator("li")
    expect(people).to_have_count(2)
    olive.add(chess, mina)
    expect(people).to_have_count(3)
    olive.rename(chess, "Go club")
    expect(page.get_by_role("heading", name="Go club")).to_be_visible()
    expect(page).to_have_title("Go club · Causerie")
    expect(page.get_by_role("link", name="Go club")).to_be_visible()
    mina.remove(chess, mina)
    expect(people).to_have_count(2)


def test_someone_who_is_added_sees_the_group_appear_and_go(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    page = live(visit(milo))
    chess = olive.group("Chess club", milo)
    expect(page.get_by_role("link", name="Chess club")).to_be_visible()
    olive.remove(chess, milo)
    expect(page.get_by_role("link", name="Chess club")).to_have_count(0)


def test_on_a_plain_http_address_one_talks_as_well(causerie: Causerie, visit: Visit, watch: Watch) -> None:
    """Browsers keep some functions for https and localhost; a school's server may have neither."""
    watch.expects("Cross-Origin-Opener-Policy header has been ignored")
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = live(visit(olive, f"/conversations/{chess}", url=f"http://plain.test:{causerie.port}"))
    assert page.evaluate("isSecureContext") is False
    write(page, "e4")
    expect(page.locator(".message[data-kind=text]")).to_have_count(1)
    expect(waiting(page)).to_have_count(0)
    assert [m["body"] for m in olive.messages(chess)][1:] == ["e4"]


def test_one_sees_who_types_until_they_send_or_stop(causerie: Causerie, visit: Visit) -> None:
    olive, milo, mina = (causerie.person(name) for name in ("Olive Owner", "Milo Member", "Mina Member"))
    chess = olive.group("Chess club", milo, mina)
    reader = live(visit(olive, f"/conversations/{chess}"))
    line = reader.locator("#typing")
    expect(line).to_be_empty()
    writer, other = live(visit(milo, f"/conversations/{chess}")), live(visit(mina, f"/conversations/{chess}"))
    composer(writer).press_sequentially("e")
    expect(line).to_have_text("Milo Member is typing…")
    composer(other).press_sequentially("c")
    expect(line).to_have_text("Milo Member and Mina Member are typing…")
    composer(writer).press_sequentially("4")
    composer(writer).press("Enter")
    expect(message(reader, "e4")).to_have_count(1)
    expect(line).not_to_contain_text("Milo")
    expect(line).to_be_empty()  # she has stopped
    expect(writer.locator("#typing")).to_be_empty()


def test_what_is_said_while_a_page_loads_its_scripts_is_seen_on_it(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = visit(milo, "/people")
    # Which scripts had run when the stream was opened: all of them, or what comes finds nobody who listens.
    page.add_init_script("""
        document.addEventListener("DOMContentLoaded", () => (window.__allRan = true));
        window.EventSource = class extends EventSource {
            constructor(...given) { super(...given); (window.__opened ||= []).push(window.__allRan === true); }
        };
    """)
    page.route("**/js/timeline.js", lambda route: (olive.say(chess, "said early"), route.continue_()))
    page.goto(f"/conversations/{chess}")
    expect(message(page, "said early")).to_have_count(1)
    assert page.evaluate("window.__opened") == [True]
