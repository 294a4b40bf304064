"""What grew by a message that is gone when its time comes holds nothing new: it is not mailed or pushed once more."""

import asyncio

import pytest

from app.core import database
from app.notifications import due, gather
from tests.conftest import Cast
from tests.conversations.story import waiting
from tests.notifications.conftest import Post, Read, part
from tests.notifications.push_service import Push, subscribed


async def taken_back(cast: Cast, how: str, message: int) -> None:
    if how == "deleted":
        assert (await cast.milo.api.delete(f"/messages/{message}")).is_success
    else:
        assert (await cast.mina.api.put("/people/milo/block")).is_success


async def a_minute_later() -> None:
    await database.fetch("UPDATE notification SET push_at = now() WHERE push_at IS NOT NULL")


@pytest.mark.parametrize("how", ["deleted", "blocked"])
async def test_what_was_mailed_is_not_mailed_again_for_what_came_and_went(cast: Cast, post: Post, how: str) -> None:
    first = await cast.say(cast.olive, "@mina one")
    await post.deliver()
    second = await cast.say(cast.milo, "@mina two")
    await post.read()
    assert await database.fetch_value("SELECT mail_at FROM notification WHERE message = $1", first["id"])
    await taken_back(cast, how, second["id"])
    await post.deliver()
    assert len(post.to(cast.mina)) == 1
    await cast.say(cast.olive, "@mina three")
    await post.deliver()
    assert "three" in part(post.to(cast.mina)[1], "plain"), "and what comes then is told"


async def test_of_what_came_the_rest_is_mailed_when_one_of_it_went(cast: Cast, post: Post) -> None:
    await cast.say(cast.olive, "@mina one")
    await post.deliver()
    await cast.say(cast.olive, "@mina two")
    last = await cast.say(cast.milo, "@mina three")
    await post.read()
    await taken_back(cast, "deleted", last["id"])
    await post.deliver()
    assert len(post.to(cast.mina)) == 2
    await post.deliver()
    assert len(post.to(cast.mina)) == 2


async def test_what_was_said_before_a_mail_was_made_and_gathered_after_it_went_is_mailed(
    cast: Cast, post: Post
) -> None:
    """More than the mail had room for was said meanwhile."""
    await cast.say(cast.olive, "@mina one")
    await post.gather()
    for number in range(5):
        await cast.say(cast.olive, f"number {number}")
    await cast.say(cast.olive, "@mina are you there?")
    await post.mailer.round()
    assert len(post.to(cast.mina)) == 1
    await post.deliver()
    assert len(post.to(cast.mina)) == 2


async def test_what_stood_in_a_mail_and_was_gathered_after_it_went_is_not_mailed_again(cast: Cast, post: Post) -> None:
    await cast.say(cast.olive, "@mina one")
    await post.gather()
    await cast.say(cast.olive, "@mina two")
    await post.mailer.round()
    assert "two" in part(post.to(cast.mina)[0], "plain")
    await post.deliver()
    assert len(post.to(cast.mina)) == 1


async def test_who_is_named_by_an_edit_is_mailed_also_when_the_message_is_old(cast: Cast, post: Post) -> None:
    old = await cast.say(cast.olive, "zero")
    await cast.say(cast.olive, "@mina one")
    await post.deliver()
    await cast.olive.api.patch(f"/messages/{old['id']}", json={"body": "@mina zero"})
    await post.deliver()
    assert len(post.to(cast.mina)) == 2
    gone = await cast.say(cast.olive, "@mina two")
    await post.read()
    await cast.olive.api.patch(f"/messages/{old['id']}", json={"body": "@mina zero!"})
    await taken_back(cast, "blocked", gone["id"])
    await cast.olive.api.delete(f"/messages/{gone['id']}")
    await post.deliver()
    assert len(post.to(cast.mina)) == 2, "an edit alone is nothing new"


async def test_what_was_given_up_is_mailed_with_what_comes_also_when_that_went(cast: Cast, post: Post) -> None:
    post.box.refuse = ["550 no"]
    await cast.say(cast.olive, "@mina one")
    await post.deliver()
    assert await database.fetch_value("SELECT count(*) FROM mail_waiting WHERE given_up_at IS NOT NULL") == 1
    gone = await cast.say(cast.milo, "@mina two")
    await post.read()
    await taken_back(cast, "deleted", gone["id"])
    await post.deliver()
    assert "one" in part(post.to(cast.mina)[0], "plain"), "nobody has told it yet"


@pytest.mark.parametrize("how", ["deleted", "blocked"])
async def test_what_was_pushed_is_not_pushed_again_for_what_came_and_went(
    cast: Cast, read: Read, push: Push, how: str
) -> None:
    device = await subscribed(cast.mina, push.service)
    await cast.say(cast.olive, "@mina one")
    await read()
    await push.send()
    gone = await cast.say(cast.milo, "@mina two")
    await read()
    before = await database.fetch_value("SELECT pushed_at FROM notification WHERE person = $1", cast.mina.id)
    await taken_back(cast, how, gone["id"])
    await a_minute_later()
    await push.round()
    assert [shown["body"] for shown in device.shown] == ["@mina one"]
    row = await database.fetch_row("SELECT push_at, pushed_at FROM notification WHERE person = $1", cast.mina.id)
    assert row is not None
    assert tuple(row) == (None, before)
    await cast.say(cast.olive, "@mina three")
    await read()
    await a_minute_later()
    await push.round()
    assert [shown["body"] for shown in device.shown] == ["@mina one", "@mina three"]


async def test_what_grows_while_its_mail_is_made_is_not_overlooked(cast: Cast, post: Post) -> None:
    await cast.say(cast.olive, "@mina one")
    await post.deliver()
    gone = await cast.say(cast.milo, "@mina two")
    await post.read()
    await taken_back(cast, "deleted", gone["id"])
    await post.read()
    await cast.say(cast.olive, "@mina three")
    await database.fetch("UPDATE notification SET mail_at = now() WHERE mail_at IS NOT NULL")
    grown, enough = asyncio.Event(), asyncio.Event()

    async def grow() -> None:
        async with database.transaction():
            await gather.gather([cast.chess])
            grown.set()
            await enough.wait()

    growing = asyncio.create_task(grow())
    await grown.wait()
    making = asyncio.create_task(due.gather())
    await waiting()
    enough.set()
    await growing
    assert await making
    await post.mailer.round()
    assert "three" in part(post.to(cast.mina)[1], "plain")


async def test_what_came_while_a_mail_was_on_its_way_waits_no_more_where_the_first_was_marked_unread_again(
    cast: Cast, post: Post
) -> None:
    first = await cast.say(cast.olive, "@mina one")
    await post.read()
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": first["position"]})
    await cast.mina.api.put(f"/conversations/{cast.chess}/unread", json={})
    await cast.say(cast.olive, "@mina two")
    await post.gather()
    assert await due.gather()
    await cast.say(cast.olive, "@mina three")
    await post.read()
    waiting = "SELECT count(*) FROM notification WHERE mail_at IS NOT NULL"
    assert await database.fetch_value(waiting) == 1
    await post.mailer.round()
    text = part(post.to(cast.mina)[0], "plain")
    assert [f"> @mina {said}" in text for said in ("one", "two", "three")] == [False, True, True]
    assert await database.fetch_value(waiting) == 0
