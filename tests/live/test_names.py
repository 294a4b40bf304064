"""Another name, username or picture: pages that are open show it, and it is no change of any conversation."""

import pytest
from bs4 import BeautifulSoup, Tag

from app.conversations import feed as conversations
from tests.conftest import PASSWORD, Actor, Cast
from tests.pictures import picture
from tests.streams import Feed, following


def messages(html: str) -> dict[str, str]:
    """The messages in it, by their id; without days, which stand where the page has none before."""
    found = BeautifulSoup(html, "html5lib").select("li.message")
    for day in (day for each in found for day in each.select(".day")):
        day.decompose()
    return {str(each["id"]): _shown(each) for each in found}


def _shown(message: Tag) -> str:
    return " ".join(str(message).split())


async def page(cast: Cast, viewer: Actor, where: int) -> str:
    return (await viewer.browser.get(f"/conversations/{where}")).text


async def with_fragments(feed: Feed, old: str) -> dict[str, str]:
    """The old page's messages with what came of new names put in their place."""
    shown = messages(old)
    for event in feed.named("renamed"):
        shown |= {id_: html for id_, html in messages(event.data).items() if id_ in shown}
    return shown


async def test_an_old_page_with_what_it_was_told_is_a_fresh_page(cast: Cast) -> None:
    for n in range(3):
        await cast.say(cast.olive, f"hello {n}")
        await cast.say(cast.milo, f"hello {n}")
    asked = await cast.say(cast.olive, "hello?")
    await cast.say(cast.milo, "hello @olive", reply_to=asked["id"])
    old = await page(cast, cast.mina, cast.chess)
    changes = (await cast.mina.api.get(f"/conversations/{cast.chess}")).json()["change"]
    async with following(cast.server, cast.mina, f"{cast.chess}:{changes}", json=False) as feed:
        await cast.olive.api.patch("/me", json={"name": "Olivia <b>O</b>", "username": "olivia"})
        await feed.until(lambda f: any("olivia" in e.data for e in f.named("renamed")))
        await feed.until(lambda f: any("olivia" in e.data for e in f.named("conversation-head")))
        await cast.olive.api.put("/me/avatar", content=picture(), headers={"content-type": "image/png"})
        await feed.until(lambda f: any("/avatars/" in e.data for e in f.named("renamed")))
        assert await with_fragments(feed, old) == messages(await page(cast, cast.mina, cast.chess))
        assert not feed.named("message"), "nothing was said"
    assert (await cast.mina.api.get(f"/conversations/{cast.chess}")).json()["change"] == changes


async def test_a_deleted_account_loses_its_name_on_open_pages_too(cast: Cast) -> None:
    await cast.say(cast.milo, "hello")
    old = await page(cast, cast.mina, cast.chess)
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as feed:
        await cast.milo.api.request("DELETE", "/me", json={"current": PASSWORD, "messages": "keep"})
        await feed.until(lambda f: len(f.named("renamed")) > 0)
        shown = await with_fragments(feed, old)
    fresh = messages(await page(cast, cast.mina, cast.chess))
    assert shown == {id_: html for id_, html in fresh.items() if id_ in shown}
    assert "Milo" not in "".join(shown.values())
    assert "/people/deleted" not in "".join(fresh.values()), "there is no page of theirs"


async def test_who_left_is_called_by_the_new_name_too(cast: Cast) -> None:
    await cast.say(cast.milo, "hello")
    await cast.milo.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as feed:
        await cast.milo.api.patch("/me", json={"name": "Milou"})
        await feed.until(lambda f: any("Milou" in e.data for e in f.named("renamed")))


async def test_a_program_gets_the_messages_anew_at_its_place(cast: Cast) -> None:
    said = await cast.say(cast.olive, "hello")
    place = f"{cast.chess}:{said['change']}"
    async with following(cast.server, cast.mina, place) as feed:
        await cast.olive.api.patch("/me", json={"name": "Olivia"})
        await feed.until(
            lambda f: any(e.json["author"]["name"] == "Olivia" and e.id == place for e in f.named("message"))
        )


async def test_lists_and_direct_conversations_follow(cast: Cast) -> None:
    direct = (await cast.mina.api.put("/direct/olive")).json()["id"]
    change = (await cast.say(cast.olive, "hello", direct))["change"]
    async with (
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as elsewhere,
        following(cast.server, cast.mina, f"{direct}:{change}", json=False) as there,
    ):
        await cast.olive.api.patch("/me", json={"name": "Olivia"})
        await elsewhere.until(lambda f: any("Olivia" in e.data for e in f.named("conversation")))
        await there.until(lambda f: bool(f.named("reset")))
        assert not elsewhere.named("reset")


async def test_it_is_told_to_members_alone(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    really = conversations.among

    async def removed_meanwhile(conversation: int, people: list[int]) -> set[int]:
        asked.append(conversation)
        return await really(conversation, people) - {cast.mina.id}

    async with (
        following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as gone,
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as member,
    ):
        monkeypatch.setattr(conversations, "among", removed_meanwhile)
        await cast.olive.api.patch("/me", json={"name": "Olivia"})
        await member.until(lambda f: bool(f.named("renamed")))
        assert asked
        assert not gone.named("renamed")


async def test_nobody_writes_to_a_deleted_account(cast: Cast) -> None:
    direct = (await cast.mina.api.put("/direct/milo")).json()["id"]
    change = (await cast.say(cast.milo, "hello", direct))["change"]
    async with following(cast.server, cast.mina, f"{direct}:{change}", json=False) as open_page:
        await cast.milo.api.request("DELETE", "/me", json={"current": PASSWORD, "messages": "keep"})
        await open_page.until(lambda f: bool(f.named("reset")))
    refused = await cast.mina.api.post(f"/conversations/{direct}/messages", json={"body": "are you there?"})
    assert refused.status_code == 403
    assert "supprimé" in refused.text
    fresh = BeautifulSoup(await page(cast, cast.mina, direct), "html5lib")
    assert not fresh.select("#composer textarea")
    assert fresh.select(".composer-shut")
    assert [m["body"] for m in (await cast.mina.api.get(f"/conversations/{direct}/messages")).json()["messages"]] == [
        "hello"
    ]
