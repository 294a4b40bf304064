"""Replying in a page: with the mouse, the keyboard, without scripts, and when something goes wrong on the way."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, Route, expect

from e2e.causerie import Causerie, Person
from e2e.conftest import Visit
from e2e.steps import composer, eventually, live, message, waiting, write

SEND = "**/conversations/*/messages"


def club(causerie: Causerie) -> tuple[Person, Person, int, int]:
    """Olive's group with Milo, who asked something in it."""
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    return olive, milo, chess, int(milo.say(chess, "Is the hall open?")["id"])


def reply(page: Page, text: str) -> None:
    message(page, text).hover()
    message(page, text).get_by_role("link", name="Reply").click()


def answering(page: Page) -> Locator:
    """What the composer replies to."""
    return page.locator("#composer-reply .quote")


def test_a_reply_quotes_and_the_quote_leads_to_the_original(causerie: Causerie, visit: Visit) -> None:
    olive, milo, chess, asked = club(causerie)
    # More than one page is missing: else the next one is fetched meanwhile, and the end is there.
    causerie.said_long_ago(chess, milo, [f"filler {number}" for number in range(150)])
    page = live(visit(olive, f"/conversations/{chess}?from=1"))
    reply(page, "Is the hall open?")
    expect(answering(page)).to_have_text("In reply to Milo Member: Is the hall open?")
    expect(composer(page)).to_be_focused()
    write(page, "on Saturday")
    expect(answering(page)).to_have_count(0)
    page.wait_for_url("**latest=true*")  # it was sent from far above the end
    quote = message(page, "on Saturday").locator(".quote")
    expect(quote).to_have_text("In reply to Milo Member: Is the hall open?")
    assert olive.messages(chess)[-1]["reply_to"] == asked
    quote.click()  # the original is not on this page
    expect(message(page, "Is the hall open?")).to_be_in_viewport()
    page.goto(f"/conversations/{chess}?latest=true")
    write(page, "one more")
    reply(page, "one more")
    expect(answering(page)).to_contain_text("one more")
    write(page, "to myself")
    message(page, "to myself").locator(".quote").click()
    expect(message(page, "one more").locator("article").first).to_be_focused()
    assert page.url.endswith("latest=true"), "the original is on the page: nothing is loaded"


def test_by_keyboard_and_given_up_by_escape(causerie: Causerie, visit: Visit) -> None:
    olive, _milo, chess, asked = club(causerie)
    page = live(visit(olive, f"/conversations/{chess}"))
    link = message(page, "Is the hall open?").get_by_role("link", name="Reply")
    link.focus()
    page.keyboard.press("Enter")
    expect(answering(page)).to_be_visible()
    expect(composer(page)).to_be_focused()
    page.keyboard.type("half a thought")
    page.keyboard.press("Escape")
    expect(answering(page)).to_have_count(0)
    expect(composer(page)).to_be_focused()
    expect(composer(page)).to_have_value("half a thought")
    page.keyboard.press("Enter")
    expect(message(page, "half a thought")).to_have_count(1)
    expect(message(page, "half a thought").locator(".quote")).to_have_count(0)
    link.focus()
    page.keyboard.press("Enter")
    expect(answering(page)).to_be_visible()
    page.locator("#composer-reply").get_by_role("link", name="Cancel").click()
    expect(answering(page)).to_have_count(0)
    assert [m["reply_to"] for m in olive.messages(chess)][-2:] == [None, None], asked


def test_what_one_replies_to_survives_a_reload_with_the_draft(causerie: Causerie, visit: Visit) -> None:
    olive, milo, chess, asked = club(causerie)
    page = live(visit(olive, f"/conversations/{chess}"))
    reply(page, "Is the hall open?")
    expect(answering(page)).to_be_visible()
    composer(page).fill("half a thought")
    page.goto("/people")
    page.goto(f"/conversations/{chess}")
    expect(answering(page)).to_have_text("In reply to Milo Member: Is the hall open?")
    expect(composer(page)).to_have_value("half a thought")
    milo.edit(asked, "Is it shut?")
    expect(answering(page)).to_have_text("In reply to Milo Member: Is it shut?")
    composer(page).press("Enter")
    expect(message(page, "half a thought").locator(".quote")).to_contain_text("Is it shut?")
    page.reload()
    expect(message(page, "half a thought").locator(".quote")).to_contain_text("Is it shut?")
    expect(answering(page)).to_have_count(0)


def test_a_reply_that_waits_for_the_network_stays_one(causerie: Causerie, visit: Visit) -> None:
    olive, _milo, chess, asked = club(causerie)
    page = live(visit(olive, f"/conversations/{chess}"))
    page.route(SEND, lambda route: route.abort())
    reply(page, "Is the hall open?")
    write(page, "it waits")
    expect(waiting(page, "it waits")).to_contain_text("Not sent yet.")
    page.reload()
    expect(waiting(page, "it waits")).to_contain_text("Not sent yet.")
    page.unroute(SEND)
    expect(message(page, "it waits").locator(".quote")).to_contain_text("Is the hall open?")
    assert olive.messages(chess)[-1]["reply_to"] == asked


def test_whoever_sends_before_the_page_shows_what_they_reply_to_replies_all_the_same(
    causerie: Causerie, visit: Visit
) -> None:
    olive, milo, chess, asked = club(causerie)
    page = live(visit(olive, f"/conversations/{chess}"))
    held: list[Route] = []
    page.route("**/conversations/*?reply_to=*", lambda route: held.append(route))
    reply(page, "Is the hall open?")
    eventually(page, lambda: held, "the answer to Reply is on its way")
    write(page, "on Saturday")
    expect(message(page, "on Saturday").locator(".quote")).to_contain_text("Is the hall open?")
    assert olive.messages(chess)[-1]["reply_to"] == asked
    with page.expect_response("**/conversations/*?reply_to=*"):
        held[0].continue_()
    milo.say(chess, "thank you")
    expect(message(page, "thank you")).to_be_visible()
    expect(answering(page)).to_have_count(0)
    write(page, "to nobody")
    expect(message(page, "to nobody")).to_be_visible()
    assert olive.messages(chess)[-1]["reply_to"] is None


def test_a_reply_that_is_refused_comes_back_whole(causerie: Causerie, visit: Visit) -> None:
    olive, milo, chess, asked = club(causerie)
    page = live(visit(olive, f"/conversations/{chess}"))
    reply(page, "Is the hall open?")
    write(page, "x" * 2001)
    expect(page.locator("#composer .error")).to_contain_text("the limit is")
    expect(composer(page)).to_have_value("x" * 2001)
    expect(answering(page)).to_contain_text("Is the hall open?")
    milo.delete(asked)
    expect(answering(page)).to_have_text("In reply to a deleted message")
    write(page, "too late")
    expect(page.locator("#composer .error")).to_have_text("The message you are replying to no longer exists.")
    expect(composer(page)).to_have_value("too late")
    expect(answering(page)).to_have_count(0)
    composer(page).press("Enter")
    expect(message(page, "too late")).to_have_count(1)


def test_an_answer_that_comes_after_its_original_was_deleted_does_not_bring_it_back(
    causerie: Causerie, visit: Visit
) -> None:
    """The fragment that acknowledges a send was made before the deletion, and is slower than the feed."""
    olive, milo, chess, asked = club(causerie)
    page = live(visit(olive, f"/conversations/{chess}"))
    reply(page, "Is the hall open?")
    held: list[bool] = []

    def hold(route: Route) -> None:
        answer = route.fetch()
        milo.delete(asked)
        expect(message(page, "This message was deleted.")).to_have_count(1)
        held.append("Is the hall open?" in answer.text())
        route.fulfill(response=answer)

    page.route(SEND, hold)
    write(page, "an answer")
    eventually(page, lambda: held, "it was acknowledged")
    assert held == [True]
    expect(waiting(page)).to_have_count(0)
    expect(message(page, "an answer").locator(".quote")).to_have_text("In reply to a deleted message")


def test_without_scripts_it_is_a_link_and_a_form(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive, _milo, chess, asked = club(causerie)
    page = visit_without_scripts(olive, f"/conversations/{chess}")
    reply(page, "Is the hall open?")
    expect(answering(page)).to_have_text("In reply to Milo Member: Is the hall open?")
    page.get_by_role("link", name="Cancel").click()
    expect(answering(page)).to_have_count(0)
    reply(page, "Is the hall open?")
    composer(page).fill("on Saturday")
    page.get_by_role("button", name="Send").click()
    message(page, "on Saturday").locator(".quote").click()
    assert page.url.endswith(f"#message-{asked}")
    expect(page.locator(f"#message-{asked}")).to_be_in_viewport()


def test_whom_one_blocked_is_folded_in_quotes_too(causerie: Causerie, visit: Visit) -> None:
    olive, milo, chess, asked = club(causerie)
    olive.say(chess, "an answer", reply_to=asked)
    olive.api.put(f"/people/{milo.username}/block").raise_for_status()
    page = live(visit(olive, f"/conversations/{chess}"))
    quote = message(page, "an answer").locator(".quote")
    expect(quote.locator(".quote-said")).to_be_hidden()
    said = quote.evaluate("quote => getComputedStyle(quote, '::after').content")
    assert said == '"a message from someone you blocked"'
