"""What must not be learned from presence: each of these was a way to learn it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from app.core import database
from app.people import contacts
from tests.conftest import Actor, Cast
from tests.live.test_presence import is_, quick
from tests.streams import Feed, following

__all__ = ["quick"]


def named(feed: Feed, who: Actor) -> list[str]:
    """The events of presence that name this person."""
    return [e.data for e in feed.events if e.name.startswith("presence") and f'"{who.username}"' in e.data]


async def rounds_went_by(cast: Cast, feed: Feed) -> None:
    """Waits until the stream was told something of Milo, and then something else: whatever was gathered before had its
    turn meanwhile."""
    for state in ("busy", "away"):
        await cast.milo.api.patch("/me/privacy", json={"state": state})
        await feed.until(partial(_last_said, cast.milo, state))


def _last_said(who: Actor, state: str, feed: Feed) -> bool:
    return state in "".join(named(feed, who)[-1:])


@asynccontextmanager
async def there(cast: Cast, *people: Actor) -> AsyncIterator[None]:
    """They look at a page."""
    if not people:
        yield
        return
    async with following(cast.server, people[0], f"{cast.general}:0", json=False), there(cast, *people[1:]):
        yield


@pytest.fixture
async def stranger(cast: Cast) -> Actor:
    """Someone in the general room, with a direct conversation with Mina: so Mina's presence could be on their pages."""
    zoe = await cast.server.someone("zoe", "Zoe")
    await zoe.api.get("/conversations/general")
    await cast.say(zoe, "hello", (await zoe.api.put("/direct/mina")).json()["id"])
    await cast.say(zoe, "hello", (await zoe.api.put("/direct/milo")).json()["id"])
    return zoe


async def test_who_declines_is_not_told_of(cast: Cast, stranger: Actor, quick: None) -> None:
    await contacts.ask_address(stranger.id, "mina@example.org")
    asked = (await cast.mina.api.get("/contacts")).json()["asked_by_them"][0]["id"]
    async with there(cast, cast.mina, cast.milo), following(cast.server, stranger) as feed:
        await is_(cast.mina, cast.milo, "online")
        await is_(stranger, cast.mina, "online")
        before = len(named(feed, cast.mina))
        assert (await cast.mina.api.delete(f"/contacts/{asked}")).status_code == 204
        await rounds_went_by(cast, feed)
    assert len(named(feed, cast.mina)) == before


async def test_a_block_does_not_say_whether_someone_who_hides_is_there(
    cast: Cast, stranger: Actor, quick: None
) -> None:
    await cast.mina.api.patch("/me/privacy", json={"shown_to": "nobody"})
    async with there(cast, cast.mina, cast.milo), following(cast.server, stranger) as feed:
        await is_(cast.mina, cast.mina, "online")
        await stranger.api.put("/people/mina/block")
        await rounds_went_by(cast, feed)
        await stranger.api.delete("/people/mina/block")
        await rounds_went_by(cast, feed)
        assert named(feed, cast.mina) == []


async def test_a_block_does_not_say_whether_someone_who_blocked_is_there(
    cast: Cast, stranger: Actor, quick: None
) -> None:
    await cast.mina.api.put("/people/zoe/block")
    async with there(cast, cast.mina, cast.milo), following(cast.server, stranger) as feed:
        await is_(cast.mina, cast.mina, "online")
        await rounds_went_by(cast, feed)
        before = len(named(feed, cast.mina))  # the block itself may still be told: she is not to be seen any more
        for change in (stranger.api.put, stranger.api.delete):
            assert (await change("/people/mina/block")).status_code == 204
        await rounds_went_by(cast, feed)
        assert len(named(feed, cast.mina)) == before


@pytest.mark.parametrize(("before", "after"), [("nobody", "contacts"), ("contacts", "nobody")])
async def test_another_choice_says_nothing_to_who_saw_nothing_before(
    cast: Cast, stranger: Actor, quick: None, before: str, after: str
) -> None:
    await cast.mina.api.patch("/me/privacy", json={"shown_to": before})
    async with there(cast, cast.mina, cast.milo), following(cast.server, stranger) as feed:
        await is_(cast.mina, cast.mina, "online")
        await cast.mina.api.patch("/me/privacy", json={"shown_to": after})
        await rounds_went_by(cast, feed)
        assert named(feed, cast.mina) == []


async def test_who_was_a_contact_sees_them_go_when_nobody_is_to_see_them(
    cast: Cast, stranger: Actor, quick: None
) -> None:
    await database.fetch(
        "INSERT INTO contact (asker, asked, accepted_at) VALUES ($1, $2, now())", stranger.id, cast.mina.id
    )
    await cast.mina.api.patch("/me/privacy", json={"shown_to": "contacts"})
    async with there(cast, cast.mina, cast.milo), following(cast.server, stranger) as feed:
        await is_(stranger, cast.mina, "online")
        await cast.mina.api.patch("/me/privacy", json={"shown_to": "nobody"})
        await feed.until(lambda f: bool(named(f, cast.mina)) and "offline" in named(f, cast.mina)[-1])


async def test_who_asks_the_staff_is_not_told_who_of_them_looked(cast: Cast, quick: None) -> None:
    theo = await cast.server.someone("theo", "Theo", role="teacher")
    asked = (await cast.mina.api.post("/conversations", json={"kind": "support", "title": "Where?"})).json()["id"]
    async with there(cast, theo, cast.milo):
        assert (await theo.api.get(f"/conversations/{asked}")).status_code == 200
        direct = (await cast.mina.api.put("/direct/milo")).json()["id"]
        await cast.say(cast.mina, "hello", direct)
        async with following(cast.server, cast.mina, f"{asked}:0") as feed:
            await theo.api.patch("/me/privacy", json={"state": "busy"})
            await rounds_went_by(cast, feed)
            assert named(feed, theo) == []
            await theo.api.put(f"/conversations/{asked}/assignee", json={})
            await theo.api.patch("/me/privacy", json={"state": "away"})
            await feed.until(lambda f: any("away" in data for data in named(f, theo)))
