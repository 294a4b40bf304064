"""Who is told of what: mentions, replies, direct messages, invitations; once, and not what they read or do not want."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app.core import database
from app.notifications import gather
from tests.conftest import Actor, Cast
from tests.notifications.conftest import Read


async def told(who: Actor) -> list[dict[str, Any]]:
    """What stands in their centre, the latest first."""
    found: list[dict[str, Any]] = (await who.api.get("/notifications")).json()["notifications"]
    return found


async def kinds(who: Actor) -> list[tuple[str, int]]:
    return [(each["kind"], each["many"]) for each in await told(who)]


async def direct(cast: Cast, one: Actor, other: Actor) -> int:
    return int((await one.api.put(f"/direct/{other.username}")).json()["id"])


async def test_who_is_named_is_told_where_by_whom_and_how_it_begins(cast: Cast, read: Read) -> None:
    said = await cast.say(cast.milo, "are you there, **@mina**?")
    await read()
    (one,) = await told(cast.mina)
    assert (one["kind"], one["many"], one["read"]) == ("mention", 1, False)
    assert one["person"]["username"] == "milo"
    assert (one["conversation_id"], one["message_id"]) == (cast.chess, said["id"])
    assert one["text"] == "are you there, @mina?"
    assert await told(cast.olive) == [], "nobody else is told"


async def test_the_words_are_in_the_readers_language(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina @olive hello")
    await read()
    assert (await told(cast.olive))[0]["title"] == "Milo Member mentioned you in Chess club"
    assert (await told(cast.mina))[0]["title"] != (await told(cast.olive))[0]["title"]


async def test_who_is_answered_is_told(cast: Cast, read: Read) -> None:
    question = await cast.say(cast.mina, "who plays?")
    await read()
    await cast.say(cast.milo, "I do", reply_to=question["id"])
    await read()
    assert await kinds(cast.mina) == [("reply", 1)]


async def test_a_message_tells_once_whatever_its_reasons(cast: Cast, read: Read) -> None:
    question = await cast.say(cast.mina, "who plays?")
    await cast.say(cast.milo, "@mina I do", reply_to=question["id"])
    where = await direct(cast, cast.milo, cast.mina)
    await cast.say(cast.milo, "@mina come", where)
    await read()
    assert sorted(await kinds(cast.mina)) == [("mention", 1), ("mention", 1)]


async def test_direct_messages_tell_the_other_one(cast: Cast, read: Read) -> None:
    where = await direct(cast, cast.milo, cast.mina)
    await cast.say(cast.milo, "psst", where)
    await cast.say(cast.milo, "psst!", where)
    await read()
    assert await kinds(cast.mina) == [("direct", 2)]
    assert await kinds(cast.milo) == []


async def test_to_everyone_tells_everyone_but_its_author_and_who_comes_later(cast: Cast, read: Read) -> None:
    await cast.say(cast.olive, "@all we play on Friday")
    await read()
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
    await read()
    assert await kinds(cast.milo) == [("mention", 1)] == await kinds(cast.mina)
    assert await kinds(cast.olive) == []
    assert await kinds(cast.oscar) == [("invitation", 1)]


async def test_who_is_brought_into_a_group_is_told(cast: Cast, read: Read) -> None:
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Trip", "members": ["milo"]})
    await read()
    (one,) = await told(cast.milo)
    assert (one["kind"], one["title"]) == ("invitation", "Olive Owner added you to Trip")
    assert one["conversation_id"] == made.json()["id"]
    assert await kinds(cast.olive) == []


async def test_an_announcement_tells_everyone(cast: Cast, read: Read) -> None:
    for who in (cast.milo, cast.ada):
        await who.api.get("/conversations")  # they enter what everyone is in
    await cast.ada.api.post("/broadcasts", json={"body": "school is closed"})
    await read()
    assert await kinds(cast.milo) == [("announcement", 1)]


async def test_an_ordinary_message_tells_only_who_asked_for_everything(cast: Cast, read: Read) -> None:
    await cast.mina.api.put(f"/conversations/{cast.chess}/level", json={"level": "everything"})
    await cast.say(cast.olive, "good morning")
    await read()
    assert await kinds(cast.mina) == [("message", 1)]
    assert await kinds(cast.milo) == []


async def test_much_of_one_kind_is_one_line_that_leads_to_the_first(cast: Cast, read: Read) -> None:
    first = await cast.say(cast.milo, "@mina one")
    await read()
    await cast.say(cast.olive, "@mina two")
    await cast.say(cast.milo, "@mina three")
    await read()
    (one,) = await told(cast.mina)
    assert (one["many"], one["message_id"], one["text"]) == (3, first["id"], "@mina three")


async def test_what_was_read_on_the_screen_is_never_told(cast: Cast, read: Read) -> None:
    said = await cast.say(cast.milo, "@mina hello")
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await read()
    assert await kinds(cast.mina) == []


async def test_what_is_read_in_its_conversation_is_read_in_the_centre_and_what_comes_then_is_new(
    cast: Cast, read: Read
) -> None:
    said = await cast.say(cast.milo, "@mina one")
    await read()
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    assert [each["read"] for each in await told(cast.mina)] == [True]
    assert (await cast.mina.api.get("/notifications")).json()["unread"] == 0
    second = await cast.say(cast.milo, "@mina two")
    await read()
    new, old = await told(cast.mina)
    assert (new["read"], new["many"], new["message_id"]) == (False, 1, second["id"])
    assert old["read"]


async def test_reading_the_feed_again_tells_nothing_again(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina hello")
    await read()
    await database.fetch("DELETE FROM notification")
    await read()
    await cast.say(cast.milo, "by the way")
    await read()
    assert await kinds(cast.mina) == []


async def test_an_edit_tells_only_those_whom_it_adds(cast: Cast, read: Read) -> None:
    said = await cast.say(cast.milo, "hello @mina")
    await read()
    await database.fetch("DELETE FROM notification")
    await cast.milo.api.patch(f"/messages/{said['id']}", json={"body": "hello @mina and @olive"})
    await read()
    assert await kinds(cast.mina) == []
    assert await kinds(cast.olive) == [("mention", 1)]


async def test_a_message_that_was_edited_before_anybody_looked_is_new_all_the_same(cast: Cast, read: Read) -> None:
    where = await direct(cast, cast.milo, cast.mina)
    said = await cast.say(cast.milo, "helo", where)
    await cast.milo.api.patch(f"/messages/{said['id']}", json={"body": "hello"})
    await read()
    assert [each["text"] for each in await told(cast.mina)] == ["hello"]


async def test_a_long_backlog_is_read_to_its_end_also_what_was_edited(cast: Cast, read: Read, monkeypatch: Any) -> None:
    where = await direct(cast, cast.milo, cast.mina)
    sent = [await cast.say(cast.milo, f"number {n}", where) for n in range(230)]
    await cast.milo.api.patch(f"/messages/{sent[3]['id']}", json={"body": "number three"})
    await read()
    assert await kinds(cast.mina) == [("direct", 230)]
    await cast.say(cast.milo, "more", where)
    await cast.milo.api.patch(f"/messages/{sent[7]['id']}", json={"body": "number seven"})
    await read()
    assert await kinds(cast.mina) == [("direct", 231)]


async def test_a_deleted_message_tells_nobody_and_takes_its_notification_along(cast: Cast, read: Read) -> None:
    gone = await cast.say(cast.milo, "@mina secret")
    await cast.milo.api.delete(f"/messages/{gone['id']}")
    await read()
    assert await kinds(cast.mina) == []
    later = await cast.say(cast.milo, "@mina another secret")
    await read()
    await cast.milo.api.delete(f"/messages/{later['id']}")
    answer = await cast.mina.api.get("/notifications")
    assert answer.json() == {"notifications": [], "unread": 0, "next": None}


async def test_of_several_the_text_that_was_deleted_is_not_shown(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina one")
    gone = await cast.say(cast.milo, "@mina secret")
    await read()
    await cast.milo.api.delete(f"/messages/{gone['id']}")
    (one,) = await told(cast.mina)
    assert (one["many"], one["text"]) == (1, "@mina one")


@pytest.mark.parametrize("how", ["mute", "archive", "nothing"])
async def test_muted_archived_and_silenced_conversations_are_silent(cast: Cast, read: Read, how: str) -> None:
    if how == "nothing":
        await cast.mina.api.put(f"/conversations/{cast.chess}/level", json={"level": "nothing"})
    else:
        await cast.mina.api.put(f"/conversations/{cast.chess}/{how}", json={})
    await cast.say(cast.olive, "@mina @all hello")
    await read()
    assert await kinds(cast.mina) == []
    assert await kinds(cast.milo) == [("mention", 1)], "the others hear it, or this means nothing"


async def test_between_two_and_of_announcements_one_is_told_of_mentions_alone_if_one_wants_that(
    cast: Cast, read: Read
) -> None:
    where = await direct(cast, cast.milo, cast.mina)
    announcements = (await cast.mina.api.get("/conversations/announcements")).json()["id"]
    for each in (where, announcements):
        await cast.mina.api.put(f"/conversations/{each}/level", json={"level": "mentions"})
    await cast.ada.api.get("/conversations")
    await cast.say(cast.milo, "psst", where)
    await cast.ada.api.post("/broadcasts", json={"body": "school is closed"})
    await read()
    assert await kinds(cast.mina) == []
    question = await cast.say(cast.mina, "yes?", where)
    await cast.say(cast.milo, "never mind", where, reply_to=question["id"])
    await cast.say(cast.milo, "@mina bye", where)
    await cast.say(cast.milo, "bye", where)
    await read()
    assert sorted(await kinds(cast.mina)) == [("mention", 1), ("reply", 1)]


async def test_who_went_in_and_read_there_has_read_that_they_were_brought_in(cast: Cast, read: Read) -> None:
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Trip", "members": ["milo"]})
    trip = made.json()["id"]
    await cast.olive.api.post(f"/conversations/{trip}/members", json={"username": "mina"})
    await read()
    for who in (cast.milo, cast.mina):
        assert [each["read"] for each in await told(who)] == [False]
    said = await cast.say(cast.olive, "welcome", trip)
    for who in (cast.milo, cast.mina):
        assert (await who.api.get("/notifications")).json()["unread"] == 1, "not before they look"
        await who.api.put(f"/conversations/{trip}/read", json={"position": said["position"]})
        assert [each["read"] for each in await told(who)] == [True]
        assert (await who.api.get("/notifications")).json()["unread"] == 0
    await cast.olive.api.delete(f"/conversations/{trip}/members/{cast.mina.id}")
    await cast.olive.api.post(f"/conversations/{trip}/members", json={"username": "mina"})
    await read()
    assert [each["read"] for each in await told(cast.mina)] == [False, True], "brought in again, they are told again"


async def test_an_archived_one_speaks_again_once_it_was_looked_at(cast: Cast, read: Read) -> None:
    await cast.mina.api.put(f"/conversations/{cast.chess}/archive", json={})
    said = await cast.say(cast.olive, "@mina hello")
    await read()
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await cast.say(cast.olive, "@mina hello again")
    await read()
    assert await kinds(cast.mina) == [("mention", 1)]


async def test_nobody_is_told_by_whom_they_blocked(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina before")
    await read()
    await cast.mina.api.put("/people/milo/block")
    assert await kinds(cast.mina) == [], "nor of what was before"
    answered = await cast.say(cast.mina, "hi")
    await cast.say(cast.milo, "hello", reply_to=answered["id"])
    await cast.say(cast.olive, "@mina hi")
    await read()
    assert await kinds(cast.mina) == [("mention", 1)]


async def test_who_left_is_told_nothing_and_sees_nothing_of_before(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina hello")
    await read()
    await cast.say(cast.milo, "@mina secret")
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.mina.id}")
    await read()
    assert await kinds(cast.mina) == []
    number = await database.fetch_value("SELECT id FROM notification WHERE person = $1", cast.mina.id)
    assert (await cast.mina.api.get(f"/notifications/{number}")).status_code == 404


async def test_everything_off_is_nothing_at_all(cast: Cast, read: Read) -> None:
    off = {"app": "nothing", "mail": "nothing", "push": "nothing"}
    assert (await cast.mina.api.put("/me/notification-settings", json=off)).status_code == 200
    where = await direct(cast, cast.milo, cast.mina)
    await cast.say(cast.milo, "psst", where)
    await cast.say(cast.olive, "@mina @all hello")
    await read()
    assert await database.fetch_value("SELECT count(*) FROM notification WHERE person = $1", cast.mina.id) == 0


async def test_each_channel_takes_what_was_chosen_for_it(cast: Cast, read: Read) -> None:
    await cast.mina.api.put(f"/conversations/{cast.chess}/level", json={"level": "everything"})
    await cast.mina.api.put("/me/notification-settings", json={"app": "nothing", "push": "everything"})
    await cast.say(cast.olive, "good morning")
    await cast.say(cast.olive, "good morning @mina")
    await read()
    assert await kinds(cast.mina) == [], "not in the centre"
    rows = await database.fetch(
        """
        SELECT kind, mail_at IS NOT NULL AS mail, push_at IS NOT NULL AS push FROM notification
        WHERE person = $1 ORDER BY kind
        """,
        cast.mina.id,
    )
    assert [tuple(row) for row in rows] == [("mention", True, True), ("message", False, True)]


async def test_who_is_named_by_an_edit_of_an_old_message_is_told_of_one_more_and_of_the_latest_as_before(
    cast: Cast, read: Read
) -> None:
    old = await cast.say(cast.olive, "who plays?")
    await cast.say(cast.milo, "@mina look at this")
    await read()
    await cast.olive.api.patch(f"/messages/{old['id']}", json={"body": "who plays? @mina"})
    await read()
    (one,) = await told(cast.mina)
    assert (one["many"], one["text"], one["person"]["username"]) == (2, "@mina look at this", "milo")
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": old["position"]})
    assert [each["read"] for each in await told(cast.mina)] == [False], "the latest was not read"


async def test_what_is_in_the_centre_grows_without_a_sound_once_nothing_more_is_wanted_there(
    cast: Cast, read: Read
) -> None:
    await cast.say(cast.milo, "@mina @olive one")
    await read()
    await cast.mina.api.put("/me/notification-settings", json={"app": "nothing"})
    rung: list[tuple[str, int]] = []
    cast.server.app.state.bell.subscribe(lambda kind, number, _about: rung.append((kind, number)))
    await cast.say(cast.milo, "@mina @olive two")
    await read()
    assert ("b", cast.olive.id) in rung, "others hear it, or this means nothing"
    assert ("b", cast.mina.id) not in rung


async def test_while_somebody_edits_whom_it_names_a_message_is_left_for_the_next_round(cast: Cast, read: Read) -> None:
    """Whatever becomes of the edit, and nobody waits for anybody."""
    said = await cast.say(cast.milo, "@mina hello")
    editor = await asyncpg.connect(cast.server.settings.database_url)
    try:
        edit = editor.transaction()
        await edit.start()
        await editor.execute("UPDATE mention SET name = name WHERE message = $1", said["id"])
        async with asyncio.timeout(10):
            found = await gather.gather([cast.chess])
        assert found.left == [cast.chess]
        assert await told(cast.mina) == []
        await edit.rollback()
    finally:
        await editor.close()
    await read()
    assert await kinds(cast.mina) == [("mention", 1)]


async def test_between_two_the_words_name_no_place(cast: Cast, read: Read) -> None:
    where = await direct(cast, cast.milo, cast.olive)
    await cast.say(cast.milo, "@olive psst", where)
    await read()
    assert [each["title"] for each in await told(cast.olive)] == ["Milo Member mentioned you"]
