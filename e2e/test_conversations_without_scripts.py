"""With JavaScript off: reading, writing and looking after a group, by plain forms and links only."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from e2e.causerie import Causerie
from e2e.conftest import Visit
from e2e.steps import bodies


def send(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


def test_one_reads_pages_and_comes_to_the_end(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(1, 121)])
    page = visit_without_scripts(milo, f"/conversations/{chess}")
    # Far behind: it begins where one left off, with a line above what is new.
    expect(page.locator("#unread + .message")).to_contain_text("move 1")
    assert bodies(page)[0] == "move 1"
    seen = bodies(page)
    while page.get_by_role("link", name="Newer messages").count():
        page.get_by_role("link", name="Newer messages").click()
        page.wait_for_load_state()  # all of it, for nothing below waits
        seen += bodies(page)
    assert seen == [f"move {number}" for number in range(1, 121)]
    back = bodies(page)
    while page.get_by_role("link", name="Older messages").count():
        page.get_by_role("link", name="Older messages").click()
        page.wait_for_load_state()
        back = bodies(page) + back
    assert back == seen
    page.get_by_role("link", name="Jump to the latest").click()
    expect(page.get_by_text("move 120", exact=True)).to_be_in_viewport()


def test_looking_at_the_end_of_a_conversation_marks_it_as_read(
    causerie: Causerie, visit_without_scripts: Visit
) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    olive.say(chess, "are you there?")
    page = visit_without_scripts(milo)
    line = page.locator(f"#conversation-{chess}")
    expect(line).to_contain_text("1 unread message")
    line.get_by_role("link").click()
    expect(page.get_by_text("New messages", exact=True)).to_be_visible()
    expect(page.get_by_text("are you there?")).to_be_in_viewport()
    assert milo.unread(chess) == 0
    page.goto("/conversations")
    expect(line).not_to_contain_text("unread")


def test_one_sends_and_a_refused_text_is_kept(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = visit_without_scripts(olive, f"/conversations/{chess}")
    send(page, "first line\n  second *line* <b>\n")
    expect(page.locator(".message").last).to_contain_text("second line <b>")
    expect(page.locator(".message").last).to_be_in_viewport()
    assert olive.messages(chess)[-1]["body"] == "first line\n  second *line* <b>"
    expect(page.get_by_label("Your message")).to_have_value("")
    send(page, "x" * 2001)
    expect(page.get_by_role("alert")).to_contain_text("the limit is 2000")
    expect(page.get_by_label("Your message")).to_have_value("x" * 2001)
    send(page, " \n ")
    expect(page.get_by_role("alert")).to_be_visible()
    assert len(bodies(page)) == 1
    send(page, "x" * 2000)
    expect(page.locator(".message").last).to_contain_text("x" * 2000)
    assert len(bodies(page)) == 2


def test_a_form_that_is_sent_twice_makes_one_message(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = visit_without_scripts(olive, f"/conversations/{chess}")
    send(page, "once")
    expect(page.locator(".message").last).to_contain_text("once")
    page.go_back()
    send(page, "once")
    expect(page.locator(".message").last).to_contain_text("once")
    assert [m["body"] for m in olive.messages(chess) if m["kind"] == "text"] == ["once"]


def test_one_edits_and_deletes_what_one_wrote(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    milo.say(chess, "not mine")
    said = olive.say(chess, "e4 ofcourse")
    page = visit_without_scripts(olive, f"/conversations/{chess}")
    expect(page.locator(".message", has_text="not mine").get_by_role("link", name="Edit")).to_be_hidden()
    message = page.locator(f"#message-{said['id']}")
    message.get_by_role("link", name="Edit").click()
    field = page.get_by_label("Edit message")
    expect(field).to_have_value("e4 ofcourse")
    field.fill("  ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Edit message")).to_have_attribute("aria-invalid", "true")
    field.fill("e4, of course")
    page.get_by_role("button", name="Save").click()
    expect(message).to_contain_text("e4, of course")
    expect(message).to_contain_text("edited")
    message.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("Delete this message for everyone?")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(message).to_contain_text("This message was deleted.")
    assert "e4" not in page.locator("body").inner_text()


def test_a_group_is_made_and_looked_after(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive, milo, mina = (causerie.person(name) for name in ("Olive Owner", "Milo Member", "Mina Member"))
    page = visit_without_scripts(olive)
    page.get_by_role("link", name="New conversation").first.click()
    page.get_by_label("Group name").fill("Chess club")
    page.get_by_label("Who is in it?").fill(f"{milo.username}, nobody-of-that-name")
    page.get_by_role("button", name="Create group").click()
    expect(page.get_by_text("Nobody here has the username nobody-of-that-name.")).to_be_visible()
    expect(page.get_by_label("Group name")).to_have_value("Chess club")
    page.get_by_label("Who is in it?").fill(milo.username)
    page.get_by_role("button", name="Create group").click()
    expect(page.get_by_role("heading", name="Chess club")).to_be_visible()
    # Adding and removing
    page.get_by_role("link", name="2 members").click()
    page.get_by_label("Add someone by username").fill("nobody-of-that-name")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Nobody here has the username nobody-of-that-name.")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("nobody-of-that-name")
    page.get_by_label("Username").fill(f"@{mina.username}")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#members > li")).to_have_count(3)
    page.get_by_role("button", name="Remove Milo Member").click()
    expect(page.locator("#members > li")).to_have_count(2)
    assert milo.api.get(page.url.removesuffix("/members")).status_code == 404
    # A new name
    page.goto(page.url.removesuffix("/members") + "/settings")
    page.get_by_label("Group name").fill(" ")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("Enter a name for the group.")).to_be_visible()
    page.get_by_label("Group name").fill("Go club")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Go club")).to_be_visible()
    expect(page.locator(".message-system").last).to_contain_text("Olive Owner renamed the group to “Go club”.")
    # Another owner
    page.get_by_role("link", name="2 members").click()
    page.get_by_role("button", name="Make owner Mina Member").click()
    expect(page.locator("#members > li", has_text="Mina Member")).to_contain_text("owner")
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)


def test_one_leaves_a_group_and_its_owner_deletes_it(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    theirs, mine = visit_without_scripts(milo, f"/conversations/{chess}"), visit_without_scripts(olive)
    theirs.get_by_role("link", name="Settings").click()
    expect(theirs.get_by_role("button", name="Delete the group")).to_have_count(0)
    theirs.get_by_role("button", name="Leave the group").click()
    expect(theirs.get_by_text("You have left the group.")).to_be_visible()
    expect(theirs.get_by_role("link", name="Chess club")).to_have_count(0)
    mine.goto(f"/conversations/{chess}/settings")
    mine.get_by_role("button", name="Delete the group").click()
    expect(mine.get_by_text("The group has been deleted.")).to_be_visible()
    expect(mine.get_by_role("link", name="Chess club")).to_have_count(0)
    mine.goto(f"/conversations/{chess}")
    expect(mine.get_by_role("heading", name="This page does not exist")).to_be_visible()


def test_one_finds_someone_in_the_directory_and_writes_to_them(
    causerie: Causerie, visit_without_scripts: Visit
) -> None:
    olive, zoe = causerie.person("Olive Owner"), causerie.person("Zoé Çelik-Åström")
    page = visit_without_scripts(olive)
    page.get_by_role("link", name="People").first.click()
    page.get_by_label("Search by name or username").fill("celik astrom")
    page.get_by_role("button", name="Search").click()
    page.locator("#people li", has_text=zoe.username).get_by_role("link").click()
    page.get_by_role("button", name="Message to Zoé Çelik-Åström").click()
    expect(page.get_by_role("heading", name="Zoé Çelik-Åström")).to_be_visible()
    expect(page.get_by_text("No messages yet. Be the first to write!")).to_be_visible()
    send(page, "hello!")
    expect(page.locator(".message").last).to_contain_text("hello!")
    theirs = visit_without_scripts(zoe)
    theirs.get_by_role("link", name="Olive Owner").click()
    expect(theirs.locator(".message").last).to_contain_text("hello!")
    send(theirs, "hej")
    expect(theirs.locator(".message").last).to_contain_text("hej")
    page.reload()
    assert bodies(page) == ["hello!", "hej"]


def test_whoever_has_very_many_conversations_reaches_each(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    for number in range(101):
        olive.group(f"Group {number}")
    page = visit_without_scripts(olive)
    expect(page.get_by_role("link", name="Group 100")).to_be_visible()
    page.get_by_role("link", name="More conversations").click()
    page.get_by_role("link", name="Group 0", exact=True).click()
    expect(page.get_by_role("heading", name="Group 0", exact=True)).to_be_visible()


def test_everything_one_wrote_is_listed(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(60)])
    page = visit_without_scripts(olive, "/messages")
    expect(page.locator(".message-body")).to_have_count(50)
    page.get_by_role("link", name="Older messages").click()
    expect(page.locator(".message-body")).to_have_count(10)
    page.get_by_role("link").filter(has=page.locator("xpath=self::a[starts-with(@href, '/messages/')]")).last.click()
    expect(page.get_by_text("move 0", exact=True)).to_be_in_viewport()
