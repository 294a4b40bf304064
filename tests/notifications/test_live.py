"""Notices on the feed: the badge, and what has come, on every open page of who is told and of nobody else."""

from datetime import UTC, datetime, timedelta

from bs4 import BeautifulSoup, Tag

from tests.conftest import Cast
from tests.notifications.conftest import Read
from tests.streams import Feed, following


def shown(html: str) -> list[str]:
    """The notifications in it, as they stand."""
    return [" ".join(str(each).split()) for each in BeautifulSoup(html, "html5lib").select("li.notification")]


def badge(html: str) -> str:
    found = BeautifulSoup(html, "html5lib").select_one("#notifications-badge")
    assert isinstance(found, Tag)
    return " ".join(str(found).split())


async def last(feed: Feed) -> str:
    event = await feed.next("notification")
    return event.data


async def test_the_old_page_with_what_came_is_a_fresh_page(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina one")
    await read()
    old = (await cast.mina.browser.get("/notifications")).text
    async with following(cast.server, cast.mina, json=False) as feed:
        await feed.until(lambda f: len(f.named("notification")) == 1)
        assert badge(feed.named("notification")[0].data) == badge(old)
        await cast.say(cast.olive, "@mina two")
        await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Trip", "members": ["mina"]})
        await read()
        await feed.until(lambda f: len({each for e in f.named("notification") for each in shown(e.data)}) == 2)
        rows = {str(BeautifulSoup(each, "html5lib").li["id"]): each for each in shown(old)}  # type: ignore[index]
        for event in feed.named("notification")[1:]:
            for each in shown(event.data):
                number = str(BeautifulSoup(each, "html5lib").li["id"])  # type: ignore[index]
                rows.pop(number, None)
                rows = {number: each} | rows
        fresh = (await cast.mina.browser.get("/notifications")).text
        assert sorted(rows.values()) == sorted(shown(fresh))
        assert badge(feed.named("notification")[-1].data) == badge(fresh)


async def test_what_was_deleted_elsewhere_leaves_the_pages_that_are_open(cast: Cast, read: Read) -> None:
    said = await cast.say(cast.milo, "@mina one")
    await cast.milo.api.post("/conversations", json={"kind": "group", "title": "Trip", "members": ["mina"]})
    await read()
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    assert len(shown((await cast.mina.browser.get("/notifications")).text)) == 2
    async with following(cast.server, cast.mina, json=False) as feed:
        await feed.until(lambda f: len(f.named("notification")) == 1)
        assert (await cast.mina.api.delete("/notifications")).is_success
        await feed.until(lambda f: len(f.named("notification")) == 2)
        came = feed.named("notification")[1].data
        fresh = (await cast.mina.browser.get("/notifications")).text
        assert badge(came) == badge(fresh)
        assert shown(came) == [], "without one of its own it lets pages ask for the list"
        assert len(shown(fresh)) == 1


async def test_what_is_read_elsewhere_leaves_the_badge(cast: Cast, read: Read) -> None:
    said = await cast.say(cast.milo, "@mina one")
    await read()
    async with following(cast.server, cast.mina) as feed:
        await feed.until(lambda f: [e.json["unread"] for e in f.named("notification")] == [1])
        await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
        await feed.until(
            lambda f: f.named("notification")[-1].json == {"unread": 0, "notification": None, "quiet": False}
        )


async def test_a_program_gets_the_notification_itself(cast: Cast, read: Read) -> None:
    async with following(cast.server, cast.mina) as feed:
        await feed.until(lambda f: len(f.named("notification")) == 1)
        said = await cast.say(cast.milo, "@mina hello")
        await read()
        await feed.until(lambda f: len(f.named("notification")) == 2)
        told = feed.named("notification")[1].json
        assert (told["unread"], told["notification"]["message_id"]) == (1, said["id"])
        assert told["notification"] == (await cast.mina.api.get("/notifications")).json()["notifications"][0]


async def test_others_hear_nothing_of_it(cast: Cast, read: Read) -> None:
    async with following(cast.server, cast.olive) as olive, following(cast.server, cast.mina) as mina:
        await olive.until(lambda f: len(f.named("notification")) == 1)
        await cast.say(cast.milo, "@mina hello")
        await read()
        await mina.until(lambda f: any(e.json["notification"] for e in f.named("notification")))
        assert not any(event.json["notification"] for event in olive.named("notification"))


async def test_in_quiet_hours_nothing_pops_up(cast: Cast, read: Read) -> None:
    hours = [f"{datetime.now(UTC) + timedelta(hours=offset):%H:%M}" for offset in (-1, 1)]
    await cast.mina.api.put("/me/notification-settings", json={"quiet_from": hours[0], "quiet_to": hours[1]})
    async with following(cast.server, cast.mina) as feed:
        await cast.say(cast.milo, "@mina hello")
        await read()
        await feed.until(lambda f: any(e.json["notification"] for e in f.named("notification")))
        assert feed.named("notification")[-1].json["quiet"]


async def test_who_reads_on_hears_nothing_of_what_has_not_changed(cast: Cast, read: Read) -> None:
    said = await cast.say(cast.milo, "hello")
    await cast.say(cast.milo, "@mina hello")
    await read()
    async with following(cast.server, cast.mina) as feed:
        await feed.until(lambda f: len(f.named("notification")) == 1)
        await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
        await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"] + 1})
        await feed.until(lambda f: len(f.named("notification")) == 2)
        assert [event.json["unread"] for event in feed.named("notification")] == [1, 0]
