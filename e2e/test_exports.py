"""Taking a conversation along: asked for in its settings, watched as it is made, told when it is ready, and fetched."""

import json
from pathlib import Path

from playwright.sync_api import expect

from e2e.causerie import Causerie, Person
from e2e.conftest import Visit
from e2e.steps import live


def test_an_export_is_asked_for_gets_ready_before_ones_eyes_and_is_fetched(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Échecs & co")
    olive.say(chess, "a move to remember")
    page = visit(olive, f"/conversations/{chess}/settings")
    page.get_by_role("link", name="Export").click()
    page.get_by_label("Data (JSON)").check()
    page.get_by_role("button", name="Export").click()
    page.wait_for_url("**/exports/*")
    live(page)
    fetch = page.get_by_role("link", name="Download")
    expect(fetch).to_be_visible(timeout=60_000)
    with page.expect_download() as begun:
        fetch.click()
    assert begun.value.suggested_filename.startswith("Échecs & co 20")
    found = json.loads(Path(begun.value.path()).read_text())
    assert "a move to remember" in [each["body"] for each in found["messages"]]
    expect(page.locator("#notifications-badge")).to_contain_text("1")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".flash")).to_be_visible()
    expect(page.locator(".export")).to_have_count(0)
    expect(page.locator("#notifications-badge")).to_be_hidden()


def under_way(causerie: Causerie, person: Person) -> int:
    """The number of an export that is made, to a tenth, and of which no worker knows."""
    made = causerie.sql(
        """
        INSERT INTO export (person, kind, title, format, archive, paper, language, time_zone, status, done, total)
        VALUES ($1, 'person', 'My data', 'json', false, 'a4', 'en', 'UTC', 'working', 10, 100) RETURNING id
        """,
        person.id,
    )
    return int(made[0]["id"])


def test_the_bar_moves_without_a_reload_and_keeps_the_focus(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    number = under_way(causerie, olive)
    page = live(visit(olive, "/exports"))
    bar = page.locator("progress")
    expect(bar).to_have_attribute("value", "10")
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    page.evaluate("window.same = true")
    causerie.sql("UPDATE export SET done = 70 WHERE id = $1", number)
    causerie.sql("SELECT pg_notify('causerie_bell', $1)", f"tests e{olive.id}.{number}")
    expect(bar).to_have_attribute("value", "70")
    expect(cancel).to_be_focused()
    cancel.press("Enter")
    expect(page.locator(".export")).to_have_attribute("data-status", "cancelled")


def test_a_connection_that_was_lost_meanwhile_shows_how_it_is_now(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    number = under_way(causerie, olive)
    page = live(visit(olive, "/exports"))
    causerie.sql("UPDATE export SET status = 'failed', failure = 'time', ended_at = now() WHERE id = $1", number)
    page.evaluate("document.dispatchEvent(new CustomEvent('live:open'))")
    expect(page.locator(".export-wrong")).to_contain_text("This took too long.")
