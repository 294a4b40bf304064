"""The stretch of a conversation that its page shows: it begins where one left off."""

from typing import Any

from bs4 import BeautifulSoup

from tests.conftest import Actor, Cast
from tests.conversations.story import direct


async def look(who: Actor, conversation: int, **params: Any) -> dict[str, Any]:
    answer = await who.api.get(f"/conversations/{conversation}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def open_page(who: Actor, conversation: int, query: str = "") -> BeautifulSoup:
    who.browser.cookies.set("scripts", "1")  # so that looking does not read
    answer = await who.browser.get(f"/conversations/{conversation}{query}")
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "html5lib")


def after_the_line(page: BeautifulSoup) -> str:
    """What the first message below "new messages" says."""
    line = page.select_one("#messages > #unread")
    assert line is not None
    item = line.find_next_sibling("li", class_="message")
    assert item is not None
    return item.select(".message-body")[0].get_text()


async def test_with_nothing_new_it_is_the_latest_and_there_is_no_line(cast: Cast) -> None:
    for n in range(60):
        await cast.say(cast.milo, f"{n}")
    view = await look(cast.milo, cast.chess)
    assert (view["at_end"], view["newer"], view["unread_from"]) == (True, None, None)
    assert [m["body"] for m in view["messages"]][-1] == "59"
    assert view["older"] == view["messages"][0]["position"]
    assert (await open_page(cast.milo, cast.chess)).select("#unread") == []


async def test_a_little_behind_the_line_stands_on_the_latest_page(cast: Cast) -> None:
    for n in range(30):
        await cast.say(cast.olive, f"{n}")
    view = await look(cast.milo, cast.chess)
    first = next(m for m in view["messages"] if m["body"] == "0")
    assert (view["at_end"], view["unread"], view["unread_from"]) == (True, 30, first["position"])
    assert after_the_line(await open_page(cast.milo, cast.chess)) == "0"


async def test_far_behind_it_begins_where_one_left_off(cast: Cast) -> None:
    await cast.say(cast.milo, "the last that I saw")
    for n in range(120):
        await cast.say(cast.olive, f"{n}")
    view = await look(cast.milo, cast.chess)
    bodies = [m["body"] for m in view["messages"]]
    assert "the last that I saw" in bodies
    assert (view["at_end"], view["unread"]) == (False, 100)
    assert view["newer"] == view["messages"][-1]["position"] + 1
    page = await open_page(cast.milo, cast.chess)
    assert after_the_line(page) == "0"
    assert page.select("#messages > #newer")
    assert page.select("#conversation")[0]["data-at-end"] == "false"
    latest = await look(cast.milo, cast.chess, latest=True)
    assert (latest["at_end"], latest["messages"][-1]["body"]) == (True, "119")


async def test_the_line_stands_before_what_counts_and_not_before_what_does_not(cast: Cast) -> None:
    await cast.say(cast.milo, "mine")
    gone = await cast.say(cast.olive, "gone")
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
    await cast.olive.api.delete(f"/messages/{gone['id']}")
    assert (await look(cast.milo, cast.chess))["unread_from"] is None
    counts = await cast.say(cast.olive, "this counts")
    assert (await look(cast.milo, cast.chess))["unread_from"] == counts["position"]


async def test_the_page_names_the_head_that_it_was_read_at(cast: Cast) -> None:
    sent = await cast.say(cast.olive, "hello")
    edited = (await cast.olive.api.patch(f"/messages/{sent['id']}", json={"body": "hello!"})).json()
    tag = (await open_page(cast.milo, cast.chess)).select("#conversation")[0]
    assert tag["data-change"] == str(edited["change"])
    assert tag["data-total"] == str(sent["position"])
    assert (await look(cast.milo, cast.chess))["change"] == edited["change"]


async def test_a_place_beyond_either_end_shows_what_is_there(cast: Cast) -> None:
    for n in range(60):
        await cast.say(cast.olive, f"{n}")
    for query in ("?from=1000000", f"?from={2**62}", f"?before={2**62}"):
        page = await open_page(cast.milo, cast.chess, query)
        assert page.select("#messages > li.message")[-1].select(".message-body")[0].get_text() == "59", query
        assert page.select("#messages > #older"), query
    for query in ("?before=0", "?before=1", "?from=0"):
        page = await open_page(cast.milo, cast.chess, query)
        assert page.select("#messages > li.message")[0]["data-position"] == "1", query
        assert page.select("#messages > #newer"), query
        assert "No messages yet" not in page.text


async def test_an_empty_conversation_says_what_to_do(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    view = await look(cast.milo, here)
    assert (view["messages"], view["at_end"], view["older"], view["newer"]) == ([], True, None, None)
    assert "No messages yet. Be the first to write!" in (await open_page(cast.milo, here)).text


async def test_the_beginning_is_marked_on_the_first_page_alone(cast: Cast) -> None:
    for n in range(60):
        await cast.say(cast.milo, f"{n}")
    assert (await open_page(cast.milo, cast.chess, "?from=1")).select("#messages > .beginning")
    assert not (await open_page(cast.milo, cast.chess, "?latest=true")).select("#messages > .beginning")
