"""Of what was told, what its reader may see at this moment: message by message, on the page that is open too."""

import pytest

from app.core import database
from app.notifications.access import JOINED, SEEN
from app.notifications.follower import Follower
from app.notifications.queries import COLUMNS
from tests.accounts.test_tokens import bot_of
from tests.conftest import Cast
from tests.messages.test_plans import plan
from tests.notifications.conftest import Post, Read, part
from tests.notifications.test_live import badge, shown
from tests.notifications.test_told import direct, kinds, told
from tests.streams import following


async def test_a_deleted_text_leaves_the_pages_that_are_open(cast: Cast, read: Read) -> None:
    said = await cast.say(cast.milo, "@mina secret")
    await read()
    async with following(cast.server, cast.mina, json=False) as feed:
        await feed.until(lambda f: len(f.named("notification")) == 1)
        await cast.milo.api.delete(f"/messages/{said['id']}")
        await read()
        await feed.until(lambda f: len(f.named("notification")) == 2)
        event = feed.named("notification")[1].data
        fresh = (await cast.mina.browser.get("/notifications")).text
        assert badge(event) == badge(fresh)
        assert shown(event) == shown(fresh) == []


@pytest.mark.parametrize("how", ["deleted", "edited"])
async def test_of_several_too_though_as_many_are_unread(cast: Cast, read: Read, how: str) -> None:
    await cast.say(cast.milo, "@mina one")
    said = await cast.say(cast.milo, "@mina secret")
    await read()
    async with following(cast.server, cast.mina) as mina, following(cast.server, cast.olive) as olive:
        await mina.until(lambda f: len(f.named("notification")) == 1)
        if how == "deleted":
            await cast.milo.api.delete(f"/messages/{said['id']}")
        else:
            await cast.milo.api.patch(f"/messages/{said['id']}", json={"body": "@mina nothing"})
        await read()
        await mina.until(lambda f: len(f.named("notification")) == 2)
        assert mina.named("notification")[1].json == {"unread": 1, "notification": None, "quiet": False}
        assert len(olive.named("notification")) <= 1, "nothing of theirs has changed"
    (one,) = await told(cast.mina)
    assert (one["many"], one["text"]) == ((1, "@mina one") if how == "deleted" else (2, "@mina nothing"))


@pytest.mark.parametrize("how", ["put out", "blocked", "group deleted"])
async def test_who_may_see_it_no_more_is_told_so_on_the_pages_that_are_open(cast: Cast, read: Read, how: str) -> None:
    await cast.say(cast.milo, "@mina @olive hello")
    await read()
    async with following(cast.server, cast.mina) as feed:
        await feed.until(lambda f: [e.json["unread"] for e in f.named("notification")] == [1])
        if how == "put out":
            await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.mina.id}")
        elif how == "blocked":
            await cast.mina.api.put("/people/milo/block")
        else:
            await cast.olive.api.delete(f"/conversations/{cast.chess}")
        await reads_on(cast, read)
        await feed.until(lambda f: f.named("notification")[-1].json["unread"] == 0)
    assert await told(cast.mina) == []


async def reads_on(cast: Cast, read: Read) -> None:
    """The worker hears of the conversation, also where there is nothing to read any more."""
    follower = Follower(cast.server.app.state.bell)
    await follower.round([cast.chess])
    await read()


async def test_several_that_were_all_deleted_are_none(cast: Cast, post: Post) -> None:
    where = await direct(cast, cast.milo, cast.mina)
    said = [await cast.say(cast.milo, text, where) for text in ("one", "two")]
    await post.read()
    assert await kinds(cast.mina) == [("direct", 2)]
    for each in said:
        await cast.milo.api.delete(f"/messages/{each['id']}")
    assert (await cast.mina.api.get("/notifications")).json() == {"notifications": [], "unread": 0, "next": None}
    await post.deliver()
    assert post.box.mails == []


async def test_who_blocks_one_of_several_still_sees_what_the_others_wrote(cast: Cast, read: Read) -> None:
    first = await cast.say(cast.olive, "@mina from olive")
    await read()
    await cast.say(cast.milo, "@mina from milo")
    await read()
    assert [each["person"]["username"] for each in await told(cast.mina)] == ["milo"]
    await cast.mina.api.put("/people/milo/block")
    (one,) = await told(cast.mina)
    assert (one["many"], one["text"], one["person"]["username"]) == (1, "@mina from olive", "olive")
    assert (one["message_id"], one["read"]) == (first["id"], False)
    assert "milo" not in str(one).lower()
    await cast.mina.api.delete("/people/milo/block")
    assert await kinds(cast.mina) == [("mention", 2)]


async def test_where_the_first_is_by_somebody_blocked_it_leads_to_the_next(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina from milo")
    second = await cast.say(cast.olive, "@mina from olive")
    await read()
    await cast.mina.api.put("/people/milo/block")
    (one,) = await told(cast.mina)
    assert (one["many"], one["message_id"]) == (1, second["id"])


async def test_a_bot_of_somebody_blocked_tells_nothing(cast: Cast, post: Post) -> None:
    _id, bot = await bot_of(cast.milo)
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "weather"})
    question = await cast.say(cast.mina, "who plays?")
    await cast.say(bot, "rain falls", reply_to=question["id"])
    await post.read()
    assert await kinds(cast.mina) == [("reply", 1)], "before, it does"
    await cast.mina.api.put("/people/milo/block")
    assert await kinds(cast.mina) == []
    await cast.say(bot, "sun shines", reply_to=question["id"])
    await cast.say(cast.olive, "hello", reply_to=question["id"])
    await post.deliver()
    assert await kinds(cast.mina) == [("reply", 1)]
    (mail,) = post.to(cast.mina)
    assert [word for word in ("rain falls", "sun shines", "hello") if word in part(mail, "plain")] == ["hello"]


async def test_a_notification_of_very_many_knows_the_first_and_the_last_of_them(cast: Cast, read: Read) -> None:
    where = await direct(cast, cast.milo, cast.mina)
    sent = [(await cast.say(cast.milo, f"number {n}", where))["id"] for n in range(30)]
    await read()
    sent += [(await cast.say(cast.milo, f"number {n}", where))["id"] for n in range(30, 35)]
    await read()
    kept = await database.fetch_value("SELECT told FROM notification WHERE person = $1", cast.mina.id)
    assert kept == [sent[0], *sent[-19:]]
    assert await kinds(cast.mina) == [("direct", 35)]


async def test_a_long_conversation_is_not_read_for_it(cast: Cast, read: Read) -> None:
    """Two that are unread stand at its two ends, and the latest of them is deleted."""
    await cast.say(cast.milo, "@mina first")
    await read()
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body)
        SELECT $1, n, n, $2, 'message ' || n FROM generate_series(100, 50000) AS n
        """,
        cast.chess,
        cast.olive.id,
    )
    await database.fetch("UPDATE conversation SET position = 50000, change = 50000 WHERE id = $1", cast.chess)
    await database.fetch("UPDATE notified SET position = 50000, change = 50000 WHERE conversation = $1", cast.chess)
    last = await cast.say(cast.milo, "@mina last")
    await read()
    await cast.milo.api.delete(f"/messages/{last['id']}")
    await database.fetch("ANALYZE message")
    nodes = await plan(f"SELECT {COLUMNS} FROM {JOINED} WHERE n.person = $1 AND n.in_app AND {SEEN}", cast.mina.id)
    touched = [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes
        if node.get("Relation Name") == "message"
    ]
    assert 0 < sum(touched) <= 4
    assert [(each["many"], each["text"]) for each in await told(cast.mina)] == [(1, "@mina first")]
