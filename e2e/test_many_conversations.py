"""More conversations than the list shows at first: a hundred stand in it, the others come when they are asked for."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.causerie import Causerie, Person
from e2e.conftest import Visit
from e2e.steps import live

ROOMS = """
WITH room AS (
    INSERT INTO conversation (kind, title, position, change, last_activity_at)
    SELECT 'group', 'Room ' || n, 1, 1, now() - n * interval '1 minute' FROM generate_series(1, $3::int) n
    RETURNING id, title, substr(title, 6)::int AS number
), inside AS (
    INSERT INTO membership (person, conversation, read_position)
    SELECT $1, id, CASE WHEN number = ANY($4::int[]) THEN 0 ELSE 1 END FROM room
), said AS (
    INSERT INTO message (conversation, position, change, author, kind, body) SELECT id, 1, 1, $2, 'text', 'hello' FROM room
)
SELECT number, id FROM room
"""


@pytest.fixture
def olive(causerie: Causerie) -> Person:
    return causerie.person("Olive Owner")


@pytest.fixture
def milo(causerie: Causerie) -> Person:
    return causerie.person("Milo Member")


def rooms(causerie: Causerie, reader: Person, author: Person, most: int, unread: range | list[int]) -> dict[int, int]:
    """The ids of Room 1 (the latest), Room 2 and so on, each with one message, which the reader has read or not."""
    made = causerie.sql(ROOMS, reader.id, author.id, most, list(unread))
    return {row["number"]: row["id"] for row in made}


def titles(page: Page) -> Locator:
    return page.locator("#sidebar-items .sidebar-title").filter(has_not_text="General")


def named(*numbers: int) -> list[str]:
    return [f"Room {number}" for number in numbers]


def test_what_came_into_the_list_before_it_was_asked_for_stands_and_counts_once(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit
) -> None:
    there = rooms(causerie, milo, olive, 330, [150, 250, 320])
    page = live(visit(milo))
    more = page.locator(".sidebar-more .badge [aria-hidden]")
    expect(more).to_have_text("3")
    for number in (120, 250):
        assert milo.api.put(f"/conversations/{there[number]}/unread", json={"position": 1}).is_success
    milo.read(there[250], 1)
    assert milo.api.put(f"/conversations/{there[250]}/unread", json={"position": 1}).is_success
    for number in (120, 250):
        expect(page.locator(f"#conversation-{there[number]} .badge [aria-hidden]")).to_have_text("1")
    expect(page).to_have_title("(4) Conversations · Causerie")
    expect(more).to_have_text("2")
    page.get_by_role("link", name="More conversations").click()
    expect(page.locator(f"#conversation-{there[150]}")).to_be_visible()
    expect(titles(page)).to_have_text(named(*range(1, 200), 250))
    expect(page).to_have_title("(4) Conversations · Causerie")
    expect(more).to_have_text("1")
    page.get_by_role("link", name="More conversations").click()
    expect(titles(page)).to_have_text(named(*range(1, 300)))
    expect(page).to_have_title("(4) Conversations · Causerie")


def test_the_title_counts_to_a_hundred_whatever_is_read_elsewhere_beyond_the_list(
    causerie: Causerie, olive: Person, milo: Person, visit: Visit
) -> None:
    there = rooms(causerie, milo, olive, 450, range(301, 403))
    page = live(visit(milo))
    expect(page).to_have_title("(99+) Conversations · Causerie")
    # One of them stands in the list itself.
    milo.read(there[301], 1)
    assert milo.api.put(f"/conversations/{there[301]}/unread", json={"position": 1}).is_success
    expect(page.locator(f"#conversation-{there[301]} .badge [aria-hidden]")).to_have_text("1")
    for number in (302, 303, 304):
        milo.read(there[number], 1)
    expect(page).to_have_title("(99) Conversations · Causerie")
    milo.read(there[305], 1)
    expect(page).to_have_title("(98) Conversations · Causerie")
    expect(page.locator(f"#conversation-{there[301]}")).to_have_count(1)
