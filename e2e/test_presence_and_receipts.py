"""Who is there, and who has read: seen in the open page, as a fresh one would show it."""

import re

from playwright.sync_api import Page, expect

from e2e.causerie import Causerie
from e2e.conftest import Visit
from e2e.steps import composer, eventually, live


def signs(page: Page) -> list[tuple[str | None, str | None]]:
    """Each sign of presence beside the conversation: of whom, and which."""
    marks = page.locator("#members-pane .presence").all()
    return [(mark.get_attribute("data-person"), mark.get_attribute("class")) for mark in marks]


def test_someone_who_comes_is_seen_to_come_and_go(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(olive, f"/conversations/{chess}"))
    beside = page.get_by_role("complementary", name="Members")
    expect(beside.get_by_role("link", name="online Olive Owner")).to_be_visible()
    expect(beside.get_by_role("link", name=re.compile("online Milo"))).to_have_count(0)
    other = live(visit(milo, f"/conversations/{chess}"))
    expect(beside.get_by_role("link", name="online Milo Member")).to_be_visible()
    milo.tell(state="busy")
    expect(beside.get_by_role("link", name="busy Milo Member")).to_be_visible()
    fresh = live(visit(olive, f"/conversations/{chess}"))
    eventually(page, lambda: signs(page) == signs(fresh), "the old page shows what the fresh one does")
    milo.tell(shown_to="nobody")
    expect(beside.get_by_role("link", name="busy Milo Member")).to_have_count(0)
    expect(beside.get_by_role("link", name="Milo Member")).to_be_visible()
    expect(other.get_by_role("complementary", name="Members").get_by_role("link", name="busy Milo")).to_be_visible()


def test_one_sees_ones_message_delivered_and_read(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(olive, f"/conversations/{chess}"))
    line = page.locator("#receipts")
    expect(line).to_be_empty()
    composer(page).fill("e4")
    composer(page).press("Enter")
    expect(line).to_have_text("Sent")
    reader = live(visit(milo, f"/conversations/{chess}"))
    expect(line).to_have_text("Read by Milo Member")
    fresh = live(visit(olive, f"/conversations/{chess}"))
    expect(fresh.locator("#receipts")).to_have_text("Read by Milo Member")
    composer(reader).fill("e5")
    composer(reader).press("Enter")
    expect(line).to_be_empty()
    expect(fresh.locator("#receipts")).to_be_empty()


def test_who_has_read_is_listed_behind_each_of_ones_messages(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    olive.say(chess, "e4")
    milo.read(chess, 9)
    page = live(visit(olive, f"/conversations/{chess}"))
    item = page.locator(".message", has_text="e4")
    item.hover()
    item.get_by_role("link", name="Seen by").click()
    expect(page.get_by_role("heading", name="Seen by")).to_be_visible()
    expect(page.get_by_role("link", name="Milo Member")).to_be_visible()
    page.get_by_role("link", name="Back to the message").click()
    expect(page.locator(".message", has_text="e4")).to_be_visible()
