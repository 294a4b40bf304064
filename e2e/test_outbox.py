"""What was sent and is not acknowledged: shown, kept, tried again with the same key, and there once in the end."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from playwright.sync_api import Page, Route, expect

from e2e.causerie import Causerie, Person
from e2e.conftest import Visit, sign_in
from e2e.steps import bodies, composer, eventually, live, message, waiting, write

SEND = "**/conversations/*/messages"


def answering(page: Page, answer: Callable[[Route], object]) -> list[str]:
    """Lets `answer` answer what the page sends; gives the list of the keys that it sends."""
    keys: list[str] = []

    def handle(route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
            return
        keys.append(parse_qs(route.request.post_data or "")["key"][0])
        answer(route)

    page.route(SEND, handle)
    return keys


def texts(person: Person, where: int) -> list[str]:
    return [said["body"] for said in person.messages(where) if said["kind"] == "text"]


def test_without_a_network_messages_wait_in_order_and_are_sent_once(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = live(visit(olive, f"/conversations/{chess}"))
    keys = answering(page, lambda route: route.abort())
    for text in ("one", "two", "three"):
        write(page, text)
    expect(waiting(page, "one")).to_contain_text("Not sent yet. It is saved here and will be retried.")
    expect(waiting(page)).to_have_count(3)
    expect(composer(page)).to_have_value("")
    eventually(page, lambda: len(keys) >= 2, "it is tried again")
    assert len(set(keys)) == 1, "the first is tried again with its key before the second is tried at all"
    assert texts(olive, chess) == []
    page.unroute(SEND)
    expect(waiting(page)).to_have_count(0)
    assert bodies(page) == ["one", "two", "three"] == texts(olive, chess)


def test_while_the_server_is_busy_it_is_tried_again(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = live(visit(olive, f"/conversations/{chess}"))
    refusals = iter([503, 500, 429])

    def answer(route: Route) -> None:
        status = next(refusals, None)
        route.fulfill(status=status, body="no") if status else route.fallback()

    keys = answering(page, answer)
    write(page, "one")
    expect(waiting(page)).to_have_count(0)
    expect(message(page, "one")).to_have_count(1)
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert texts(olive, chess) == ["one"]


def test_an_answer_that_was_lost_on_the_way_makes_no_second_message(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page, theirs = live(visit(olive, f"/conversations/{chess}")), live(visit(milo, f"/conversations/{chess}"))
    lost: list[int] = []

    def answer(route: Route) -> None:
        if lost:
            route.fallback()
            return
        lost.append(route.fetch().status)
        route.abort()

    keys = answering(page, answer)
    write(page, "one")
    eventually(page, lambda: len(keys) == 2, "it is tried again")
    expect(waiting(page)).to_have_count(0)
    expect(message(page, "one")).to_have_count(1)
    expect(message(theirs, "one")).to_have_count(1)
    assert lost == [201]
    assert keys[0] == keys[1]
    assert texts(olive, chess) == ["one"]


def test_what_waits_survives_a_reload_and_a_closed_browser_tab(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess, go = olive.group("Chess club"), olive.group("Go club")
    page = live(visit(olive, f"/conversations/{chess}"))
    keys = answering(page, lambda route: route.abort())
    write(page, "one")
    expect(waiting(page, "one")).to_contain_text("Not sent yet")
    page.reload()
    expect(waiting(page, "one")).to_contain_text("Not sent yet")
    again = page.context.new_page()
    page.close()
    again.goto(f"/conversations/{go}")
    assert texts(olive, go) == []
    with again.expect_request(lambda request: request.method == "POST") as sent:
        again.goto(f"/conversations/{chess}")
    assert parse_qs(sent.value.post_data or "")["key"] == [keys[0]]
    expect(waiting(again)).to_have_count(0)
    expect(message(again, "one")).to_have_count(1)
    assert texts(olive, chess) == ["one"]


def test_a_refused_text_comes_back_to_where_it_was_typed_with_the_reason(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    page = live(visit(milo, f"/conversations/{chess}"))
    write(page, "y" * 2001)
    expect(page.get_by_role("alert")).to_contain_text("the limit is 2000")
    expect(composer(page)).to_have_value("y" * 2001)
    expect(waiting(page)).to_have_count(0)
    composer(page).fill("shorter")
    expect(page.get_by_role("alert")).to_have_count(0)
    composer(page).press("Enter")
    expect(message(page, "shorter")).to_have_count(1)
    olive.remove(chess, milo)
    write(page, "am I still here?")
    expect(page.get_by_role("alert")).to_have_text("You are no longer in this conversation.")
    expect(composer(page)).to_have_value("am I still here?")
    assert texts(olive, chess) == ["shorter"]


def test_what_is_sent_after_being_signed_out_is_kept_until_one_is_back(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = live(visit(olive, f"/conversations/{chess}"))
    session = next(s["id"] for s in olive.api.get("/me/sessions").json()["sessions"])
    causerie.sql("UPDATE session SET ended_at = now() WHERE id = $1", session)
    write(page, "not lost")
    expect(waiting(page, "not lost")).to_contain_text("Not sent yet")
    # They log in again; here, with the very session that had ended.
    causerie.sql("UPDATE session SET ended_at = NULL WHERE id = $1", session)
    sign_in(page.context, olive, causerie.url)
    page.goto(f"/conversations/{chess}")
    expect(waiting(page)).to_have_count(0)
    expect(message(page, "not lost")).to_have_count(1)
    assert texts(olive, chess) == ["not lost"]


def test_whoever_writes_while_far_behind_sees_what_they_wrote(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    causerie.said_long_ago(chess, olive, [f"move {number}" for number in range(200)])
    page = live(visit(milo, f"/conversations/{chess}"))
    expect(page.locator("#unread + .message")).to_contain_text("move 0")
    write(page, "wait for me")
    expect(message(page, "wait for me")).to_be_in_viewport()
    expect(waiting(page)).to_have_count(0)
    expect(message(page, "move 199")).to_have_count(1)
