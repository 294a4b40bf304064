"""Messages whose time is over go for good, and nobody stumbles over the place where they were."""

import asyncio
from typing import Any

import asyncpg
import pytest
from bs4 import BeautifulSoup

from app.core import database
from app.messages import retention
from tests.conftest import Actor, Cast
from tests.conversations.story import direct, sidebar
from tests.processes import until, working
from tests.streams import following


async def age(*messages: dict[str, Any], days: int = 366) -> None:
    ids = [message["id"] for message in messages]
    await database.fetch(
        "UPDATE message SET created_at = created_at - $2 * interval '1 day' WHERE id = ANY($1)", ids, days
    )


async def age_all(conversation: int) -> None:
    """The system messages at its beginning too."""
    await database.fetch(
        "UPDATE message SET created_at = created_at - interval '366 days' WHERE conversation = $1", conversation
    )


async def time_passes(days: int = 365) -> int:
    """Both steps, as the job does them; gives how many went."""
    await retention.mark(days)
    return await retention.delete_marked()


async def bodies(who: Actor, conversation: int, **params: Any) -> list[str]:
    answer = await who.api.get(f"/conversations/{conversation}/messages", params=params)
    return [message["body"] for message in answer.json()["messages"]]


async def page(who: Actor, path: str) -> BeautifulSoup:
    who.browser.cookies.set("scripts", "1")
    answer = await who.browser.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html5lib")


async def test_the_old_go_and_the_others_stay_where_they_are(cast: Cast) -> None:
    old = await cast.say(cast.milo, "last year")
    await age_all(cast.chess)
    young = await cast.say(cast.milo, "this year")
    assert await time_passes() == old["position"]
    assert await bodies(cast.mina, cast.chess) == ["this year"]
    kept = (await cast.mina.api.get(f"/messages/{young['id']}")).json()
    assert (kept["position"], kept["change"]) == (young["position"], young["change"])
    assert (await cast.mina.api.get(f"/messages/{old['id']}")).status_code == 404
    later = await cast.say(cast.milo, "and on")
    assert (later["position"], later["change"]) == (young["position"] + 1, young["change"] + 1)
    assert await time_passes() == 0


async def test_what_is_a_year_old_to_the_day_stays(cast: Cast) -> None:
    await cast.say(cast.milo, "just a year")
    await database.fetch("UPDATE message SET created_at = now() - interval '365 days' + interval '1 minute'")
    assert await time_passes() == 0


async def test_nothing_goes_from_the_middle(cast: Cast) -> None:
    """A clock that was set wrong for a while leaves no gap."""
    await cast.say(cast.milo, "young, with an old one after it")
    await age(await cast.say(cast.milo, "old"))
    assert await time_passes() == 0


async def test_paging_back_ends_where_it_begins_now_and_says_why(cast: Cast) -> None:
    for n in range(30):
        await cast.say(cast.milo, f"old {n}")
    await age_all(cast.chess)
    for n in range(70):
        await cast.say(cast.milo, f"{n}")
    await time_passes()
    seen: list[str] = []
    before = None
    for _ in range(9):
        params = {"limit": 30, **({"before": before} if before else {})}
        answer = (await cast.mina.api.get(f"/conversations/{cast.chess}/messages", params=params)).json()
        seen = [message["body"] for message in answer["messages"]] + seen
        before = answer["next"]
        if before is None:
            break
    assert seen == [f"{n}" for n in range(70)]
    latest = await page(cast.milo, f"/conversations/{cast.chess}?latest=true")
    assert not latest.select(".beginning")
    older = latest.select_one("#older a")
    assert older is not None
    first = await page(cast.milo, str(older["href"]))
    assert first.select("#messages > .beginning")[0].get_text() == "Messages older than a year were deleted."
    assert not first.select("#older")
    for query in ("?before=1", "?before=5", "?from=1", "?from=5"):
        there = await page(cast.milo, f"/conversations/{cast.chess}{query}")
        assert there.select(".beginning"), query
        assert there.select(".message"), query


async def test_where_nothing_has_gone_yet_the_beginning_says_how_long_it_stays(cast: Cast) -> None:
    found = await page(cast.milo, f"/conversations/{cast.chess}")
    said = found.select("#messages > .beginning")[0].get_text()
    assert said == "This is the beginning of the conversation.Messages are kept for a year."


def test_what_is_said_follows_the_setting() -> None:
    assert retention.told(0, 0) == ""
    assert retention.told(0, 7) == "Older messages were deleted."
    assert retention.told(1, 0) == "Messages are kept for 1 day."
    assert retention.told(90, 7) == "Messages older than 90 days were deleted."


async def test_of_a_conversation_in_which_all_is_gone_the_rest_stays(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    last = await cast.say(cast.milo, "long ago", here)
    await age_all(here)
    await time_passes()
    assert here in await sidebar(cast.mina)
    assert await cast.unread(cast.mina, here) == 0
    found = await page(cast.milo, f"/conversations/{here}")
    assert found.select("#messages > .beginning")[0].get_text() == "Messages older than a year were deleted."
    assert not found.select("#older, #newer, #unread")
    view = (await cast.mina.api.get(f"/conversations/{here}")).json()
    assert (view["messages"], view["at_end"], view["kept_after"]) == ([], True, last["position"])
    again = await cast.say(cast.mina, "hello again", here)
    assert again["position"] == last["position"] + 1
    assert await cast.unread(cast.milo, here) == 1


async def test_what_went_unread_is_unread_no_more(cast: Cast) -> None:
    for n in range(3):
        await cast.say(cast.olive, f"old {n}")
    await age_all(cast.chess)
    new = await cast.say(cast.olive, "new")
    assert await cast.unread(cast.milo) == 4
    await time_passes()
    assert await cast.unread(cast.milo) == 1
    view = (await cast.milo.api.get(f"/conversations/{cast.chess}")).json()
    assert view["unread_from"] == new["position"]


async def test_the_first_that_stays_shows_its_author_and_its_day(cast: Cast) -> None:
    await cast.say(cast.milo, "one")
    two = await cast.say(cast.milo, "two")
    here = f"/conversations/{cast.chess}"
    (before,) = (await page(cast.mina, here)).select(f"#message-{two['id']}")
    assert "message-continues" in before["class"], "or this means nothing"
    await database.fetch(
        "UPDATE message SET created_at = now() - interval '366 days' WHERE conversation = $1 AND position < $2",
        cast.chess,
        two["position"],
    )
    await time_passes()
    (after,) = (await page(cast.mina, here)).select(f"#message-{two['id']}")
    assert "message-continues" not in after["class"]
    assert after.select(".day")


async def test_a_reply_stays_without_its_quote_and_a_mention_goes_with_its_message(cast: Cast) -> None:
    old = await cast.say(cast.milo, "@mina, look")
    await age_all(cast.chess)
    reply = await cast.say(cast.mina, "seen", reply_to=old["id"])
    assert (await cast.mina.api.get("/mentions")).json()["mentions"], "or this means nothing"
    await time_passes()
    kept = (await cast.milo.api.get(f"/messages/{reply['id']}")).json()
    assert (kept["body"], kept["reply_to"], kept["quote"]) == ("seen", None, None)
    assert (await cast.mina.api.get("/mentions")).json()["mentions"] == []
    assert await database.fetch_value("SELECT count(*) FROM mention") == 0
    found = await page(cast.milo, f"/conversations/{cast.chess}")
    assert not found.select(".quote")


async def test_from_the_mark_on_nobody_replies_to_it(cast: Cast) -> None:
    """Else a send would wait for the batch that deletes it, and everyone who writes there for the send."""
    old = await cast.say(cast.milo, "last year")
    await age_all(cast.chess)
    await retention.mark(365)
    answer = await cast.mina.api.post(
        f"/conversations/{cast.chess}/messages", json={"body": "late", "reply_to": old["id"]}
    )
    assert answer.status_code == 422


async def test_whoever_writes_does_not_wait_for_a_batch(cast: Cast) -> None:
    for n in range(5):
        await cast.say(cast.milo, f"old {n}")
    await age_all(cast.chess)
    await retention.mark(365)
    async with database.transaction():
        assert await retention._delete_batch(cast.chess) > 5
        async with asyncio.timeout(5):  # while what was deleted is not committed
            (sent,) = await asyncio.gather(asyncio.create_task(_apart(cast)))
    assert await bodies(cast.mina, cast.chess) == [sent["body"]]


async def _apart(cast: Cast) -> dict[str, Any]:
    """In a task of its own that knows nothing of the transaction of the test."""
    database._connection.set(None)
    return await cast.say(cast.mina, "in the midst of it")


async def test_whoever_works_on_one_of_them_goes_first(cast: Cast) -> None:
    old = await cast.say(cast.milo, "last year")
    await age_all(cast.chess)
    await retention.mark(365)
    connection = await asyncpg.connect(cast.server.settings.database_url)
    async with connection.transaction():
        await connection.execute("UPDATE message SET edited_at = now() WHERE id = $1", old["id"])
        with pytest.raises(asyncpg.LockNotAvailableError):
            await retention.delete_marked()
    await connection.close()
    assert await retention.delete_marked() == old["position"]


async def test_what_was_edited_just_now_waits_for_an_hour(cast: Cast) -> None:
    """Its change is on its way to those who read there."""
    old = await cast.say(cast.milo, "last year")
    await age_all(cast.chess)
    assert (await cast.milo.api.patch(f"/messages/{old['id']}", json={"body": "mended"})).status_code == 200
    assert await time_passes() == old["position"] - 1
    await database.fetch("UPDATE message SET edited_at = now() - interval '2 hours' WHERE id = $1", old["id"])
    assert await time_passes() == 1


async def test_a_stream_that_is_behind_gets_what_is_there(cast: Cast) -> None:
    await cast.say(cast.milo, "old")
    await age_all(cast.chess)
    await cast.say(cast.milo, "new")
    await time_passes()
    async with following(cast.server, cast.mina, f"{cast.chess}:0") as feed:
        await feed.until(lambda feed: bool(feed.named("message")))
        await cast.say(cast.milo, "newest")
        await feed.until(lambda feed: len(feed.named("message")) > 1)
        assert [event.json["body"] for event in feed.named("message")] == ["new", "newest"]
    assert await bodies(cast.mina, cast.chess, after=0) == ["new", "newest"]


async def test_the_worker_does_it_each_night_unless_all_is_kept(cast: Cast) -> None:
    await cast.say(cast.milo, "last year")
    await age_all(cast.chess)

    # As on a night on which no worker ran: the one that comes does it at once.
    due = "INSERT INTO periodic_task (name, due_at) VALUES ('message retention', now() - interval '1 hour')"

    async def done() -> bool:
        night = "SELECT done_at > due_at - interval '1 day' FROM periodic_task WHERE name = 'message retention'"
        return bool(await database.fetch_value(night))

    async def gone() -> bool:
        await database.fetch("UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued'")
        return not await bodies(cast.mina, cast.chess)

    await database.fetch(due)
    async with working(cast.server.settings, MESSAGE_RETENTION_DAYS="0"):
        await until(done, "the night of a Causerie that keeps all is over")
    assert await bodies(cast.mina, cast.chess)
    await database.fetch("DELETE FROM periodic_task")
    await database.fetch(due)
    async with working(cast.server.settings):
        await until(done, "the night is over")
        await until(gone, "what is a year old has gone")
