"""Reading back and forth through a long conversation, without gap or repeat, while others write."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from e2e.causerie import Causerie
from e2e.conftest import Visit
from e2e.steps import bodies, eventually, live, message, write

SCROLL_UP = "timeline.scrollTop = -timeline.scrollHeight"


def positions(page: Page) -> list[int]:
    items = page.locator("#messages > .message[data-position]")
    return [int(position) for position in items.evaluate_all("items => items.map((item) => item.dataset.position)")]


def test_scrolling_up_through_three_hundred_gives_each_once_while_someone_writes(
    causerie: Causerie, visit: Visit
) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(300)])
    milo.read(chess, 301)
    page = live(visit(milo, f"/conversations/{chess}"))
    expect(message(page, "move 299")).to_be_in_viewport()
    written = 0
    while page.locator("#older").count():
        first = positions(page)[0]
        olive.say(chess, f"meanwhile {written}")
        written += 1
        if written == 1:  # comes while the end is on the screen, so that it is not counted below
            expect(message(page, "meanwhile 0")).to_be_in_viewport()
        page.locator("#timeline").evaluate(f"timeline => {{ {SCROLL_UP} }}")
        olive.say(chess, f"meanwhile {written}")
        written += 1
        eventually(page, lambda seen=first: positions(page)[0] < seen, "the page before")  # type: ignore[misc]
    eventually(page, lambda: len(positions(page)) == 301 + written, "what was written meanwhile")
    assert positions(page) == list(range(1, 302 + written))
    expect(page.get_by_text("This is the beginning of the conversation.")).to_have_count(1)
    expect(page.locator("#jump")).to_have_text(f"{written - 1} new messages")


def test_what_one_looks_at_stays_where_it_is_when_older_messages_come(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    causerie.said_long_ago(chess, olive, [f"move {number}\n" * (1 + number % 3) for number in range(120)])
    page = live(visit(olive, f"/conversations/{chess}"))
    expect(message(page, "move 119")).to_be_in_viewport()
    looked_at = page.locator("#messages > .message").nth(3)
    key = looked_at.get_attribute("id")
    # The first page comes as soon as its pager is near the screen: what is looked at must not move when it does.
    looked_at.evaluate("element => element.scrollIntoView({ block: 'start' })")
    before = page.locator(f"#{key}").bounding_box()
    eventually(page, lambda: len(positions(page)) > 60, "the page before")
    assert page.locator(f"#{key}").bounding_box() == before


def test_far_behind_it_begins_at_the_line_and_goes_on_to_the_end_and_live(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(160)])
    page = live(visit(milo, f"/conversations/{chess}"))
    expect(page.locator("#unread + .message")).to_contain_text("move 0")
    expect(page.locator("#unread")).to_be_in_viewport()
    expect(page.locator("#jump")).to_be_visible()
    before = len(positions(page))
    olive.say(chess, "while they read 0")
    expect(page.locator("#jump")).to_have_text("1 new message")
    written = 1
    while page.locator("#newer").count():
        page.locator("#timeline").evaluate("timeline => { timeline.scrollTop = 0 }")
        olive.say(chess, f"while they read {written}")
        written += 1
        eventually(page, lambda seen=before: len(positions(page)) > seen, "the next page")  # type: ignore[misc]
        before = len(positions(page))
    page.locator("#timeline").evaluate("timeline => { timeline.scrollTop = 0 }")
    olive.say(chess, "live again")
    expect(message(page, "live again")).to_be_in_viewport()
    assert positions(page) == list(range(1, 163 + written))
    assert bodies(page) == [
        *(f"move {number}" for number in range(160)),
        *(f"while they read {number}" for number in range(written)),
        "live again",
    ]
    expect(page.locator("#unread")).to_have_count(1)


def test_the_jump_to_the_latest_leads_over_a_gap_to_the_end(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(300)])
    page = live(visit(milo, f"/conversations/{chess}"))
    expect(page.locator("#unread")).to_be_in_viewport()
    page.locator("#jump").click()
    expect(message(page, "move 299")).to_be_in_viewport()
    expect(page.locator("#jump")).to_be_hidden()
    eventually(page, lambda: milo.unread(chess) == 0, "it is read")


def test_the_link_of_a_message_shows_it_among_its_neighbours(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(200)])
    said = causerie.sql("SELECT id FROM message WHERE conversation = $1 AND body = 'move 77'", chess)
    page = visit(olive, f"/messages/{said[0]['id']}")
    expect(message(page, "move 77")).to_be_in_viewport()
    expect(message(page, "move 78")).to_have_count(1)
    expect(message(page, "move 76")).to_have_count(1)


def test_a_page_that_stays_open_for_very_long_forgets_its_oldest_and_pages_them_in_again(
    causerie: Causerie, visit: Visit
) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    expect(page.get_by_text("This is the beginning of the conversation.")).to_have_count(1)
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(620)])
    expect(message(page, "move 619")).to_be_in_viewport()
    assert len(positions(page)) <= 600
    expect(page.get_by_text("This is the beginning of the conversation.")).to_have_count(0)
    while page.locator("#older").count():
        before = len(positions(page))
        page.locator("#timeline").evaluate(f"timeline => {{ {SCROLL_UP} }}")
        eventually(page, lambda seen=before: len(positions(page)) > seen, "the page before")  # type: ignore[misc]
    assert positions(page) == list(range(1, 622))
    expect(page.get_by_text("This is the beginning of the conversation.")).to_have_count(1)


def test_with_the_first_message_it_is_where_the_conversation_begins(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    page = visit(olive, f"/conversations/{olive.direct(milo)}")
    expect(page.get_by_text("No messages yet. Be the first to write!")).to_be_visible()
    expect(page.get_by_text("Messages are kept for a year.")).to_be_visible()
    write(live(page), "hello")
    expect(page.get_by_text("This is the beginning of the conversation.")).to_be_visible()
    expect(page.get_by_text("Messages are kept for a year.")).to_be_visible()
    expect(page.locator(".beginning .icon")).to_have_count(0)
