"""The bell is a hint and the database is the truth: whatever is not rung is noticed within about a second."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

from app.accounts.views import Me
from app.conversations import actions
from app.core import database
from app.live.hub import Hub
from tests.conftest import Actor, Cast
from tests.streams import Feed, following


def me(who: Actor) -> Me:
    """That person as the actions know them: what they do rings no bell, as if its process had died at the commit."""
    return Me(who.id, who.username, who.name, "student", "en", "UTC", who.session, datetime.now(UTC))


def lines(feed: Feed, conversation: int) -> list[Any]:
    return [e.json for e in feed.named("conversation") if e.json["id"] == conversation]


def has(message: int, feed: Feed) -> bool:
    return any(e.json["id"] == message for e in feed.named("message"))


async def test_whoever_was_added_without_a_ring_gets_everything_of_the_group(cast: Cast) -> None:
    async with (
        following(cast.server, cast.oscar) as program,
        following(cast.server, cast.oscar, json=False) as page,
    ):
        await actions.add_member(me(cast.olive), cast.chess, "oscar")
        await program.until(lambda f: any(e.json["event"] == "added" for e in f.named("message")), seconds=15)
        await page.until(lambda f: any(f'id="conversation-{cast.chess}"' in e.data for e in f.events), seconds=15)
        sent = await cast.say(cast.milo, "welcome")
        await program.until(lambda f: any(e.json["id"] == sent["id"] for e in f.named("message")))


async def test_whoever_was_put_into_a_new_group_without_a_ring_hears_of_it(cast: Cast) -> None:
    async with following(cast.server, cast.oscar) as program:
        group, _people = await actions.create_group(me(cast.olive), "Quiet", ["oscar"])
        await program.until(lambda f: bool(lines(f, group)), seconds=15)


async def test_whoever_was_removed_without_a_ring_is_told_once_and_hears_nothing_after_it(cast: Cast) -> None:
    hub: Hub = cast.server.app.state.hub
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0") as looking,
        following(cast.server, cast.milo, json=False) as elsewhere,
        following(cast.server, cast.mina, f"{cast.chess}:0") as stays,
    ):
        await actions.remove_member(me(cast.olive), cast.chess, cast.milo.id)
        sent = await cast.say(cast.olive, "not for Milo")
        await stays.until(lambda f: any(e.json["id"] == sent["id"] for e in f.named("message")))
        gone = {"id": cast.chess, "removed": True}
        await looking.until(lambda f: gone in lines(f, cast.chess), seconds=15)
        await elsewhere.until(lambda f: bool(f.named("conversation-gone")), seconds=15)
        assert "not for Milo" not in [e.json["body"] for e in looking.named("message")]
        assert cast.milo.id not in hub.people_of[cast.chess]
        assert cast.chess not in hub.conversations_of.get(cast.milo.id, set())


async def test_whoever_is_removed_and_added_again_at_once_goes_on_hearing_on_the_same_stream(cast: Cast) -> None:
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0") as looking,
        following(cast.server, cast.milo) as program,
    ):
        for round_ in range(5):
            await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
            await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "milo"})
            sent = await cast.say(cast.mina, f"round {round_}")
            for feed in (looking, program):
                await feed.until(partial(has, sent["id"]))
        for feed in (looking, program):
            changes = [e.json["change"] for e in feed.named("message") if e.json["conversation_id"] == cast.chess]
            assert changes == sorted(set(changes))
        head = await database.fetch_value("SELECT change FROM conversation WHERE id = $1", cast.chess)
        assert [e.json["change"] for e in looking.named("message")] == list(range(1, head + 1))


async def test_what_was_rung_is_not_said_again_by_the_check(cast: Cast) -> None:
    hub: Hub = cast.server.app.state.hub
    async with following(cast.server, cast.mina, json=False) as feed:
        await cast.say(cast.milo, "hello")
        await feed.next("conversation")
        await hub.watch.check_heads()
        assert not hub.state.lines


async def test_a_read_mark_and_a_rename_without_a_ring_reach_the_open_page(cast: Cast) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0", json=False) as feed:
        await actions.rename(me(cast.olive), cast.chess, "Chess & Go")
        await feed.until(lambda f: any("Chess &amp; Go" in e.data for e in f.named("conversation-head")), seconds=15)


async def test_fifty_messages_without_a_ring_come_all_and_in_order(cast: Cast) -> None:
    async with following(cast.server, cast.mina, f"{cast.chess}:0") as feed:
        await asyncio.gather(*(actions.rename(me(cast.olive), cast.chess, f"Name {n}") for n in range(50)))
        head = await database.fetch_value("SELECT change FROM conversation WHERE id = $1", cast.chess)
        await feed.until(lambda f: f.cursor == f"{cast.chess}:{head}", seconds=15)
        assert [e.json["change"] for e in feed.named("message")] == list(range(1, head + 1))
