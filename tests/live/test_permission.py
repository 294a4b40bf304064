"""Who may hear: asked when a stream opens, and kept at every change."""

from typing import Any

from app.core import database
from tests.conftest import Cast
from tests.streams import following


async def test_an_outsider_and_the_removed_cannot_open_a_stream_of_the_group(cast: Cast) -> None:
    for who in (cast.oscar, cast.remy):
        async with following(cast.server, who, f"{cast.chess}:0") as feed:
            assert feed.response.status_code == 404
    async with following(cast.server, cast.nobody, f"{cast.chess}:0") as feed:
        assert feed.response.status_code == 401


async def test_a_removed_member_hears_nothing_after_the_removal_and_cannot_come_back(cast: Cast) -> None:
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0") as removed,
        following(cast.server, cast.mina, f"{cast.chess}:0") as stays,
    ):
        await cast.say(cast.olive, "for all of us")
        await removed.until(lambda f: any(e.json["body"] == "for all of us" for e in f.named("message")))
        gone = await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
        assert gone.status_code == 204
        await cast.say(cast.olive, "not for Milo")
        await stays.until(lambda f: any(e.json["body"] == "not for Milo" for e in f.named("message")))
        await removed.until(lambda f: any(e.json.get("removed") for e in f.named("conversation")))
        heard = [e.json for e in removed.named("message")]
        assert "not for Milo" not in [message["body"] for message in heard]
        assert "removed" not in [message["event"] for message in heard if message["subject"] == cast.milo.id]
        cursor = removed.cursor
    async with following(cast.server, cast.milo, f"{cast.chess}:0", last_event_id=cursor) as again:
        assert again.response.status_code == 404


async def test_who_leaves_hears_no_more(cast: Cast) -> None:
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as left,
        following(cast.server, cast.mina, f"{cast.chess}:0") as stays,
    ):
        await cast.milo.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
        await cast.say(cast.olive, "they are gone")
        await stays.until(lambda f: any(e.json["body"] == "they are gone" for e in f.named("message")))
        await left.until(lambda f: bool(f.named("conversation-gone")))
        assert not any("they are gone" in event.data for event in left.events)


async def test_logging_out_closes_the_stream_with_the_word(cast: Cast) -> None:
    async with following(cast.server, cast.milo, f"{cast.chess}:0") as feed:
        await cast.milo.api.post("/auth/logout")
        await feed.until(lambda f: f.ended.is_set(), seconds=15)
        assert feed.events[-1].name == "close"
        assert feed.events[-1].data == "signed-out"


async def test_a_session_that_ends_without_a_ring_closes_its_streams_within_about_a_second(cast: Cast) -> None:
    async with following(cast.server, cast.milo, f"{cast.chess}:0") as feed:
        await database.fetch("UPDATE session SET ended_at = now() WHERE id = $1", cast.milo.session)
        await feed.until(lambda f: f.ended.is_set(), seconds=15)


async def test_a_deleted_group_is_gone_from_every_stream(cast: Cast) -> None:
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as html,
        following(cast.server, cast.mina) as json,
    ):
        await cast.olive.api.delete(f"/conversations/{cast.chess}")
        await html.until(lambda f: any(e.data == str(cast.chess) for e in f.named("conversation-gone")))
        await json.until(lambda f: any(e.json.get("removed") for e in f.named("conversation")))


async def test_whoever_is_removed_is_told_even_when_their_conversations_are_read_before_the_feed(cast: Cast) -> None:
    hub: Any = cast.server.app.state.hub
    view = (await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()
    async with following(cast.server, cast.milo, after=f"{cast.chess}:{view['change']}", json=False) as feed:
        hub.tails[cast.chess].streams.clear()  # its tail is late, so late that it tells nobody
        gone = await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
        assert gone.status_code == 204
        await feed.until(lambda f: any(event.data == str(cast.chess) for event in f.named("conversation-gone")))
