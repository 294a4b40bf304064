"""Someone asks the staff, and one of the staff answers: live, and without JavaScript."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.causerie import Causerie, Person
from e2e.conftest import Visit
from e2e.steps import composer, live, message, write


def teacher(causerie: Causerie, name: str) -> Person:
    person = causerie.person(name)
    causerie.sql("UPDATE person SET role = 'teacher' WHERE id = $1", person.id)
    return person


def test_asked_and_answered_by_plain_forms(causerie: Causerie, visit_without_scripts: Visit) -> None:
    milo, tess = causerie.person("Milo Member"), teacher(causerie, "Tess Teacher")
    mine = visit_without_scripts(milo)
    mine.get_by_role("link", name="Ask the staff").first.click()
    mine.get_by_label("What is it about?").fill(f"Room of {milo.username}")
    mine.get_by_label("Your question").fill("Where is it?")
    mine.get_by_role("button", name="Ask").click()
    expect(mine.get_by_role("heading", name=f"Room of {milo.username}")).to_be_visible()
    expect(mine.get_by_text("Not assigned yet")).to_be_visible()
    expect(mine.get_by_role("button", name="Assign to me")).to_be_hidden()
    theirs = visit_without_scripts(tess)
    theirs.get_by_role("link", name="Support requests").click()
    theirs.get_by_role("link", name=f"Room of {milo.username}").click()
    expect(theirs.get_by_text("Where is it?")).to_be_visible()
    theirs.get_by_role("button", name="Assign to me").click()
    composer(theirs).fill("Second floor.")
    theirs.get_by_role("button", name="Send").click()
    theirs.get_by_role("button", name="Close").click()
    expect(theirs.get_by_role("button", name="Reopen")).to_be_visible()
    mine.reload()
    expect(mine.get_by_text("Assigned to Tess Teacher")).to_be_visible()
    answer = mine.locator(".message", has_text="Second floor.")
    expect(answer.locator(".message-head")).to_contain_text("Tess Teacher Staff")
    composer(mine).fill("I do not see it.")
    mine.get_by_role("button", name="Send").click()
    expect(mine.get_by_text("Milo Member reopened this request.")).to_be_visible()
    expect(mine.get_by_role("button", name="Close")).to_be_visible()


def test_both_see_at_once_what_the_other_does(causerie: Causerie, visit: Visit) -> None:
    milo, tess, tom = (
        causerie.person("Milo Member"),
        teacher(causerie, "Tess Teacher"),
        teacher(causerie, "Tom Teacher"),
    )
    asked = milo.ask("Where is room 7?", "I cannot find it.")
    mine, theirs = live(visit(milo, f"/conversations/{asked}")), live(visit(tess, f"/conversations/{asked}"))
    expect(theirs.locator(f"#conversation-{asked}")).to_have_count(0)
    theirs.get_by_role("button", name="Assign to me").click()
    live(theirs)
    expect(theirs.locator(f"#conversation-{asked}")).to_have_count(1)
    expect(mine.get_by_text("Assigned to Tess Teacher")).to_be_visible()
    write(theirs, "floor two")
    expect(message(mine, "floor two").locator(".tag")).to_have_text("Staff")
    tom.api.put(f"/conversations/{asked}/closed", json={}).raise_for_status()
    for page in (mine, theirs):
        expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    expect(theirs.locator(f"#conversation-{asked}")).to_have_count(0)
    expect(theirs.locator("#connection")).to_be_empty()  # it left her list, and she is still in it
    write(mine, "still nothing")
    expect(message(theirs, "still nothing")).to_have_count(1)
    for page in (mine, theirs):
        expect(page.get_by_role("button", name="Close")).to_be_visible()
    expect(theirs.locator(f"#conversation-{asked}")).to_have_count(1)
    causerie.sql("UPDATE person SET role = 'parent' WHERE id = $1", tess.id)
    expect(theirs.locator("#connection")).to_have_text("You are no longer in this conversation.")
