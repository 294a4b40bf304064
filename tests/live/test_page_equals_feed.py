"""The page that was open, with the fragments that it received, is the page that one would get by loading it anew."""

from collections.abc import Awaitable, Callable
from copy import copy

import pytest
from bs4 import BeautifulSoup, Tag

from app.people import presence
from tests.conftest import Actor, Cast
from tests.conversations.desk import Desk, open_desk
from tests.processes import until
from tests.streams import Event, Feed, following

Action = Callable[[Cast], Awaitable[object]]


async def load(who: Actor, conversation: int) -> BeautifulSoup:
    answer = await who.browser.get(f"/conversations/{conversation}?latest=true")
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def apply(page: BeautifulSoup, event: Event) -> None:
    """Does to the page what static/js does with that event."""
    parts = [part for part in BeautifulSoup(event.data, "html.parser").contents if isinstance(part, Tag)]
    if event.name == "message":
        put_message(page, parts[0])
    elif event.name == "conversation-head":
        for part in parts:
            found = page.find(id=part["id"])
            assert found is not None
            found.replace_with(part)
    elif event.name in ("presence", "presences"):
        put_presence(page, parts, everyone=event.name == "presences")
    elif event.name == "sidebar":
        sidebar = page.find(id="sidebar-items")
        assert isinstance(sidebar, Tag)
        sidebar.clear()
        sidebar.extend(parts)
    elif event.name == "conversation":
        put_line(page, parts[0])
    elif event.name in ("conversation-gone", "conversation-archived"):
        found = page.find(id=f"conversation-{event.data}")
        if isinstance(found, Tag):
            found.decompose()


def put_message(page: BeautifulSoup, item: Tag) -> None:
    template = item.select_one(".now-quoted")
    now = template.find(class_="quote") if template else None
    if isinstance(now, Tag):
        for quote in page.select(f'.quote[data-of="{now["data-of"]}"]'):
            quote.replace_with(copy(now))
    there = page.find(id=item["id"])
    if isinstance(there, Tag):
        there.replace_with(item)
        return
    messages = page.find(id="messages")
    assert isinstance(messages, Tag)
    for other in messages.select("li.message"):
        if int(str(other["data-position"])) > int(str(item["data-position"])):
            other.insert_before(item)
            return
    messages.append(item)


def put_presence(page: BeautifulSoup, marks: list[Tag], everyone: bool) -> None:
    if everyone:
        for place in page.select("#members-pane .presence, #conversation-head .presence"):
            attrs = {"class": "presence", "data-person": str(place["data-person"])}
            place.replace_with(page.new_tag("span", attrs=attrs))
    for mark in marks:
        for place in page.select(f'.presence[data-person="{mark["data-person"]}"]'):
            place.replace_with(copy(mark))


def rank(item: Tag) -> tuple[bool, float]:
    return item.has_attr("data-pinned"), float(str(item["data-activity"]))


def put_line(page: BeautifulSoup, item: Tag) -> None:
    there = page.find(id=item["id"])
    if isinstance(there, Tag):
        there.decompose()
    sidebar = page.find(id="sidebar-items")
    assert isinstance(sidebar, Tag)
    for other in sidebar.select("li.sidebar-item"):
        if rank(other) <= rank(item):
            other.insert_before(item)
            return
    sidebar.append(item)


def shown(page: BeautifulSoup, open_line: str) -> dict[str, list[str]]:
    """What is compared. The line of the open conversation is kept by the page itself (its count is what is below the
    fold), and where "new messages" stands belongs to the reader's visit."""
    for mark in page.select("#unread, .unread-line, .beginning"):
        mark.decompose()
    for link in page.select("[aria-current]"):
        del link["aria-current"]
    for line in page.select(f"#{open_line}"):
        line.decompose()
    found = {}
    for name in ("messages", "sidebar-items", "conversation-head", "members-pane"):
        part = page.find(id=name)
        assert isinstance(part, Tag), name
        found[name] = [" ".join(str(child).split()) for child in part.children if isinstance(child, Tag)]
    return found


async def seen_online(viewer: Actor) -> bool:
    return presence.state(viewer.id) == "online"


async def said(cast: Cast, who: str = "milo") -> int:
    """A message of theirs that is there before the page is loaded."""
    return int((await cast.say(getattr(cast, who), "it was here before"))["id"])


async def check(cast: Cast, viewer: Actor, action: Action, where: int | None = None) -> None:
    here = where or cast.chess
    viewer.browser.cookies.set("scripts", "1")
    page = await load(viewer, here)
    conversation = page.find(id="conversation")
    assert isinstance(conversation, Tag)
    before = shown(await load(viewer, here), f"conversation-{here}")
    cursor = f"{here}:{conversation['data-change']}"
    async with following(cast.server, viewer, cursor, json=False) as feed:
        await until(lambda: seen_online(viewer), "the viewer is online")
        await action(cast)
        fresh = shown(await load(viewer, here), f"conversation-{here}")
        assert fresh != before, "the action changes nothing that this viewer sees, so this would prove nothing"
        applied = 0

        def same(f: Feed) -> bool:
            nonlocal applied
            while applied < len(f.events):
                apply(page, f.events[applied])
                applied += 1
            return shown(BeautifulSoup(str(page), "html.parser"), f"conversation-{here}") == fresh

        try:
            await feed.until(same)
        except AssertionError:
            assert shown(page, f"conversation-{here}") == fresh


async def sends(cast: Cast) -> object:
    return await cast.say(cast.milo, "new *here*\n\n`code`")


async def sends_in_a_burst(cast: Cast) -> object:
    return [await cast.say(who, f"{n}") for n in range(3) for who in (cast.milo, cast.olive)]


async def sends_elsewhere(cast: Cast) -> object:
    return await cast.say(cast.ada, "to all", cast.general)


async def edits(cast: Cast) -> object:
    return await cast.milo.api.patch(f"/messages/{await first_of(cast)}", json={"body": "otherwise"})


async def deletes(cast: Cast) -> object:
    return await cast.milo.api.delete(f"/messages/{await first_of(cast)}")


async def adds(cast: Cast) -> object:
    return await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})


async def removes(cast: Cast) -> object:
    return await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")


async def leaves(cast: Cast) -> object:
    return await cast.milo.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")


async def owner_leaves(cast: Cast) -> object:
    return await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.olive.id}")


async def renames(cast: Cast) -> object:
    return await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": "Chess & Go"})


async def hands_over(cast: Cast) -> object:
    return await cast.olive.api.put(f"/conversations/{cast.chess}/owner", json={"username": "milo"})


async def makes_a_group_with_the_viewer(cast: Cast) -> object:
    return await cast.ada.api.post("/conversations", json={"kind": "group", "title": "Another", "members": ["mina"]})


async def writes_directly(cast: Cast) -> object:
    direct = (await cast.oscar.api.put("/direct/mina")).json()["id"]
    return await cast.say(cast.oscar, "psst", direct)


async def pins_elsewhere(cast: Cast) -> object:
    return await cast.mina.api.put(f"/conversations/{cast.general}/pin", json={})


async def mutes_elsewhere(cast: Cast) -> object:
    return await cast.mina.api.put(f"/conversations/{cast.general}/mute", json={"until": "ever"})


async def archives_elsewhere(cast: Cast) -> object:
    return await cast.mina.api.put(f"/conversations/{cast.general}/archive", json={})


async def marks_unread_elsewhere(cast: Cast) -> object:
    return await cast.mina.api.put(f"/conversations/{cast.general}/unread", json={})


async def first_of(cast: Cast) -> int:
    history = (await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"]
    return next(int(m["id"]) for m in history if m["author"]["username"] == "milo" and m["kind"] == "text")


ACTIONS = [
    sends,
    sends_in_a_burst,
    sends_elsewhere,
    edits,
    deletes,
    adds,
    removes,
    leaves,
    owner_leaves,
    renames,
    hands_over,
    makes_a_group_with_the_viewer,
    writes_directly,
    pins_elsewhere,
    mutes_elsewhere,
    archives_elsewhere,
    marks_unread_elsewhere,
]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
async def test_old_page_and_fragments_are_a_fresh_page(cast: Cast, action: Action) -> None:
    await said(cast)
    await cast.mina.api.get("/conversations/general")
    hello = await cast.say(cast.ada, "welcome", cast.general)
    await cast.mina.api.put(f"/conversations/{cast.general}/read", json={"position": hello["position"]})
    await check(cast, cast.mina, action)


async def closes(desk: Desk) -> object:
    return await desk.put(desk.ada, "closed")


async def takes(desk: Desk) -> object:
    return await desk.put(desk.ada, "assignee")


async def assigns(desk: Desk) -> object:
    return await desk.put(desk.ada, "assignee", username="tess")


async def gives_back(desk: Desk) -> object:
    return await desk.end(desk.ada, "assignee")


async def answers(desk: Desk) -> object:
    return await desk.say(desk.ada, "Second floor.")


async def opens_again(desk: Desk) -> object:
    return await desk.end(desk.milo, "closed")


async def asks_more(desk: Desk) -> object:
    return await desk.say(desk.milo, "Not found.")


@pytest.mark.parametrize("viewer", ["milo", "tess"])
@pytest.mark.parametrize("act", [closes, takes, assigns, gives_back, answers, opens_again, asks_more])
async def test_of_what_the_staff_is_asked_too(
    cast: Cast, act: Callable[[Desk], Awaitable[object]], viewer: str
) -> None:
    desk = await open_desk(cast)
    await desk.say(desk.tess, "I am looking.")
    if act in (opens_again, asks_more):
        await desk.put(desk.ada, "closed")
    elif act is gives_back:
        await desk.put(desk.tess, "assignee")
    for who in (desk.milo, desk.tess):
        await who.api.put(f"/conversations/{desk.thread}/read", json={"position": 9})
    await check(cast, getattr(desk, viewer), lambda _cast: act(desk), desk.thread)
