"""What one is told of, as it comes: the number in the list, a word in the corner, the line on its page."""

from playwright.sync_api import expect

from e2e.causerie import Causerie
from e2e.conftest import Visit
from e2e.steps import live, message


def test_a_mention_is_counted_and_pops_up_on_another_page_and_leads_to_the_message(
    causerie: Causerie, visit: Visit
) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(olive, "/people"))
    expect(page.locator("#notifications-badge")).to_be_hidden()
    said = milo.say(chess, f"are you there, @{olive.username}?")
    toast = page.locator(".toast")
    expect(toast).to_contain_text("are you there")
    expect(page.locator("#notifications-badge")).to_contain_text("1")
    toast.get_by_role("link").click()
    expect(page.locator(f"#message-{said['id']}")).to_be_visible()
    expect(page.locator("#notifications-badge")).to_be_hidden()


def test_who_looks_at_the_conversation_is_told_nothing(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(olive, f"/conversations/{chess}"))
    milo.say(chess, f"you see this, @{olive.username}")
    expect(message(page, "you see this,")).to_be_visible()
    milo.say(milo.direct(olive), "and you are told of this")
    expect(page.locator(".toast")).to_have_count(1)
    expect(page.locator(".toast")).to_contain_text("and you are told of this")


def test_the_page_of_notifications_shows_what_comes_and_forms_work_in_it(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    page = live(visit(olive, "/notifications"))
    expect(page.locator(".empty")).to_be_visible()
    direct = milo.direct(olive)
    milo.say(direct, "one")
    row = page.locator(".notification")
    expect(row).to_contain_text("one")
    milo.say(direct, "two")
    expect(row).to_contain_text("two")
    expect(row).to_have_count(1)
    expect(page.locator(".toast")).to_have_count(0)
    row.get_by_role("button", name="Mark as read").click()
    expect(page.locator(".notification-unread")).to_have_count(0)
    expect(page.locator(".notification")).to_have_count(1)
    page.locator(".notification").get_by_role("button", name="Delete").click()
    expect(page.locator(".empty")).to_be_visible()


def test_what_is_deleted_or_edited_leaves_the_page_of_notifications_and_the_corner(
    causerie: Causerie, visit: Visit
) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    direct = milo.direct(olive)
    page = live(visit(olive, "/notifications"))
    elsewhere = live(visit(olive, "/people"))
    said = [milo.say(direct, text) for text in ("the first", "a secret")]
    row = page.locator(".notification")
    expect(row).to_contain_text("a secret")
    toast = elsewhere.locator(".toast")
    expect(toast).to_contain_text("a secret")
    toast.hover()  # or it would go by itself
    milo.delete(said[1]["id"])
    expect(row).to_contain_text("the first")
    expect(toast).to_have_count(0)
    milo.edit(said[0]["id"], "something else")
    expect(row).to_contain_text("something else")
    row.get_by_role("button", name="Delete").focus()
    kept = page.locator("#notifications").inner_html()
    fresh = visit(olive, "/notifications").locator("#notifications").inner_html()
    assert kept.split() == fresh.split(), "the page that was open is a fresh page"
    milo.edit(said[0]["id"], "something new")
    expect(row).to_contain_text("something new")
    expect(row.get_by_role("button", name="Delete")).to_be_focused()
    milo.delete(said[0]["id"])
    expect(page.locator(".empty")).to_be_visible()
    expect(page.locator("#notifications-badge")).to_be_hidden()
    milo.say(direct, "after that")
    expect(row).to_contain_text("after that")


def test_older_ones_stays_below_the_list_when_it_is_asked_for_anew(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    causerie.sql(
        """
        INSERT INTO notification (person, kind, actor, in_app, read_at, updated_at)
        SELECT $1, 'contact_accepted', $2, true, now(), now() - n * interval '1 minute' FROM generate_series(1, 40) n
        """,
        olive.id,
        milo.id,
    )
    direct = milo.direct(olive)
    said = milo.say(direct, "before")
    page = live(visit(olive, "/notifications"))
    row = page.locator(".notification").first
    expect(row).to_contain_text("before")
    milo.edit(said["id"], "afterwards")
    expect(row).to_contain_text("afterwards")
    order = (
        "() => [...document.querySelector('.page').children].map(({ tagName, className }) => `${tagName} ${className}`)"
    )
    assert page.evaluate(order) == visit(olive, "/notifications").evaluate(order), "as on a fresh page"
    milo.delete(said["id"])
    expect(row).not_to_contain_text("afterwards")
    assert page.evaluate(order)[-1] == "P more"
