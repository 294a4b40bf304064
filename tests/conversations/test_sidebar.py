"""The list of conversations: the latest activity first."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.conversations import render
from app.conversations.views import ConversationItem
from app.core import database
from app.core.cache import Cache
from tests.conftest import Actor, Cast, statements_of
from tests.conversations.story import direct, make_group


async def order(who: Actor) -> list[int]:
    return [line["id"] for line in (await who.api.get("/conversations")).json()["conversations"]]


async def paged(who: Actor, limit: int) -> list[int]:
    """All lines, page by page."""
    found: list[int] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        page = (await who.api.get("/conversations", params=params)).json()
        assert len(page["conversations"]) <= limit
        found += [line["id"] for line in page["conversations"]]
        if page["next"] is None:
            return found
        params["after"] = page["next"]


async def test_what_was_written_in_last_is_on_top(cast: Cast) -> None:
    assert (await order(cast.milo))[-1] == cast.chess  # by this look they came into the general room
    group = await make_group(cast.olive, cast.milo)
    assert await order(cast.milo) == [group, cast.general, cast.chess]
    await cast.say(cast.milo, "hello", cast.chess)
    assert await order(cast.milo) == [cast.chess, group, cast.general]


async def test_an_edit_a_deletion_or_reading_moves_nothing(cast: Cast) -> None:
    await order(cast.milo)
    sent = await cast.say(cast.milo, "hello")
    group = await make_group(cast.olive, cast.milo)
    before = await order(cast.milo)
    assert before == [group, cast.chess, cast.general]
    await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": "hello!"})
    await cast.milo.api.put(f"/conversations/{cast.chess}/read", json={"position": 1})
    await cast.milo.api.delete(f"/messages/{sent['id']}")
    assert await order(cast.milo) == before


async def test_paging_gives_each_once_also_when_many_were_active_at_the_same_moment(cast: Cast) -> None:
    groups = [await make_group(cast.milo, title=f"Room {n}") for n in range(11)]
    together = "UPDATE conversation SET last_activity_at = '2026-01-01 12:00:00.123456+00' WHERE id = ANY($1)"
    await database.fetch(together, groups[:8])
    whole = await order(cast.milo)
    assert len(whole) == 13
    for limit in (1, 2, 3, 5, 12, 13, 100):
        assert await paged(cast.milo, limit) == whole


async def test_a_page_can_be_followed_in_the_browser(cast: Cast) -> None:
    for n in range(101):
        await make_group(cast.milo, title=f"Room {n}")
    page = (await cast.milo.browser.get("/conversations")).text
    assert page.count('class="sidebar-item') == 100
    link = page[page.index("sidebar-more") :].split('href="')[1].split('"')[0].replace("&amp;", "&")
    rest = await cast.milo.browser.get(link, headers={"hx-request": "true"})
    assert rest.text.count('class="sidebar-item') == 3


async def test_a_cursor_that_is_none_is_refused(cast: Cast) -> None:
    noon = "2026-01-01T12:00:00+00:00"
    ends = ["0001-01-01T00:00:00+14:00~1", "9999-12-31T23:59:59-14:00~1", "0000-01-01~1"]
    for after in ["x", "~", noon, f"{noon}~x", f"{noon}~{2**70}", "~7", "\0~1", *ends]:
        answer = await cast.milo.api.get("/conversations", params={"after": after})
        assert answer.status_code in (200, 400, 404), after
    for limit in ("0", "101", "-1", "x", str(2**70)):
        assert (await cast.milo.api.get("/conversations", params={"limit": limit})).status_code in (400, 422), limit


async def test_it_holds_ones_own_conversations_and_no_others(cast: Cast) -> None:
    await direct(cast.milo, cast.mina)
    await make_group(cast.olive, title="Private")
    assert await order(cast.oscar) == [cast.general]
    assert await order(cast.remy) == [cast.general]


async def test_a_line_carries_only_what_it_shows(cast: Cast) -> None:
    line = (await cast.milo.api.get("/conversations")).json()["conversations"][0]
    shown = {"id", "kind", "title", "unread", "change", "last_activity_at", "person"}
    assert line.keys() == shown | {"pinned", "archived", "muted_until"}
    assert line["last_activity_at"].endswith("Z")


def test_a_line_is_made_once_for_all_who_have_something_unread_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def line(unread: int) -> str:
        when = datetime(2026, 11, 21, tzinfo=UTC)
        item = ConversationItem(id=3, kind="group", title="Chess", unread=unread, change=9, last_activity_at=when)
        return render.sidebar_item(item, None, "en")

    monkeypatch.setattr(render, "_cache", Cache(most=1_000_000))
    one, many = line(1), line(100)
    assert ('data-unread="1"' in one, ">1<" in one, "1 unread message<" in one) == (True, True, True)
    assert ('data-unread="100"' in many, ">99+<" in many, "100 unread messages<" in many) == (True, True, True)
    assert len(render._cache) == 1
    assert ('data-unread="0"' in line(0), "badge" in line(0), "\0" in line(0) + one + many) == (True, False, False)


def title_of(page: str) -> str:
    return page.split("<title")[1].split(">", 1)[1].split("</title>")[0]


async def test_the_title_counts_what_is_unread_but_for_the_silent(cast: Cast) -> None:
    assert title_of((await cast.milo.browser.get("/me")).text).startswith("My account")
    await cast.say(cast.olive, "one")
    await cast.say(cast.olive, "two")
    assert title_of((await cast.milo.browser.get("/me")).text).startswith("(2) My account")
    await cast.milo.api.put(f"/conversations/{cast.chess}/mute", json={})
    assert title_of((await cast.milo.browser.get("/me")).text).startswith("My account")


async def test_what_is_unread_beyond_the_list_is_counted_too(cast: Cast) -> None:
    old = [await make_group(cast.olive, cast.milo, title=f"Old {n}") for n in range(3)]
    for number, group in enumerate(old):
        for n in range(number):
            await cast.say(cast.olive, f"message {n}", group)
    muted, archived = await make_group(cast.olive, cast.milo), await make_group(cast.olive, cast.milo)
    for group in (muted, archived):
        await cast.say(cast.olive, "hello", group)
    await cast.milo.api.put(f"/conversations/{muted}/mute", json={})
    await cast.milo.api.put(f"/conversations/{archived}/archive")
    for n in range(100):
        await make_group(cast.milo, title=f"Room {n}")
    view = (await cast.milo.api.get("/conversations")).json()
    assert view["unread_beyond"] == {str(old[1]): 1, str(old[2]): 2}
    page = (await cast.milo.browser.get("/me")).text
    assert title_of(page).startswith("(3) ")
    more = page[page.index("sidebar-more") :].partition("</li>")[0]
    assert "3 unread messages" in more
    rest = (await cast.milo.api.get("/conversations", params={"after": view["next"]})).json()
    assert (rest["next"], rest["unread_beyond"]) == (None, {})


async def test_what_is_unread_beyond_is_not_counted_for_who_does_not_want_it(cast: Cast) -> None:
    for n in range(3):
        await cast.say(cast.olive, "hello", await make_group(cast.olive, cast.milo, title=f"Group {n}"))
    read, path = cast.milo.api.get, "/conversations?limit=1"
    counted = (await read(path)).json()
    bare = (await read(f"{path}&unread_beyond=false")).json()
    assert await statements_of(read(f"{path}&unread_beyond=false")) == await statements_of(read(path)) - 1
    assert len(counted["unread_beyond"]) == 3
    assert bare == counted | {"unread_beyond": {}}
