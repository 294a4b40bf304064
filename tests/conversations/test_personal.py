"""What one keeps for oneself of a conversation: silent, put away, on top, unread again. Nobody else is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup

from app.conversations.personal import FOR_EVER, moment
from app.core import database
from app.core.errors import Invalid
from tests.conftest import Actor, Cast
from tests.conversations.story import direct, make_group
from tests.streams import following

NOW = datetime(2026, 3, 28, 21, 30, tzinfo=UTC)


async def line(who: Actor, conversation: int, **params: Any) -> dict[str, Any] | None:
    """That line of their list, or None."""
    found = (await who.api.get("/conversations", params=params)).json()["conversations"]
    return next((each for each in found if each["id"] == conversation), None)


async def order(who: Actor) -> list[int]:
    """Their list, without the general room, which they enter by looking."""
    found = (await who.api.get("/conversations")).json()["conversations"]
    return [each["id"] for each in found if each["kind"] != "general"]


async def put(who: Actor, what: str, conversation: int, **body: Any) -> dict[str, Any]:
    answer = await who.api.put(f"/conversations/{conversation}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def drop(who: Actor, what: str, conversation: int) -> dict[str, Any]:
    answer = await who.api.delete(f"/conversations/{conversation}/{what}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("until", "ends"),
    [
        ("hour", NOW + timedelta(hours=1)),
        # In the night to this Sunday Paris changes to summer time: its morning comes an hour sooner.
        ("tomorrow", datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),
        ("ever", FOR_EVER),
        ("2026-03-29T12:00:00Z", datetime(2026, 3, 29, 12, tzinfo=UTC)),
    ],
)
def test_a_silence_ends_when_it_should(until: str, ends: datetime) -> None:
    assert moment(until, "Europe/Paris", NOW) == ends


@pytest.mark.parametrize("until", ["", "never", "2026-03-28T21:30:00Z", "2026-03-29T12:00:00", "1999-01-01", "9" * 50])
def test_a_silence_without_an_end_that_is_to_come_is_refused(until: str) -> None:
    with pytest.raises(Invalid):
        moment(until, "Europe/Paris", NOW)


async def test_what_is_muted_counts_its_messages_but_not_in_the_title(cast: Cast) -> None:
    muted = await put(cast.milo, "mute", cast.chess, until="hour")
    assert datetime.fromisoformat(muted["muted_until"]) > datetime.now(UTC) + timedelta(minutes=59)
    await cast.say(cast.olive, "anyone?")
    found = await line(cast.milo, cast.chess)
    assert found is not None
    assert (found["unread"], found["muted_until"]) == (1, muted["muted_until"])
    page = BeautifulSoup((await cast.milo.browser.get("/me")).text, "html.parser")
    assert page.title is not None
    assert not page.title.text.startswith("("), "what is silent asks for nothing"
    item = page.select_one(f"#conversation-{cast.chess}")
    assert item is not None
    assert "sidebar-item-muted" in item["class"]
    assert (await drop(cast.milo, "mute", cast.chess))["muted_until"] is None
    others = await line(cast.mina, cast.chess)
    assert others is not None
    assert others["muted_until"] is None, "it is one's own"


async def test_a_silence_that_is_over_is_none(cast: Cast) -> None:
    await put(cast.milo, "mute", cast.chess)
    await database.fetch("UPDATE membership SET muted_until = now() - interval '1 s' WHERE muted_until IS NOT NULL")
    found = await line(cast.milo, cast.chess)
    assert found is not None
    assert found["muted_until"] is None


async def test_a_wrong_silence_is_refused_with_the_form(cast: Cast) -> None:
    refused = await cast.milo.api.put(f"/conversations/{cast.chess}/mute", json={"until": "sometime"})
    assert refused.status_code == 422
    assert "until" in refused.json()["errors"]
    page = await cast.milo.browser.post(f"/conversations/{cast.chess}/mute?_method=put", data={"until": "sometime"})
    assert page.status_code == 422
    assert 'aria-describedby="error-until"' in page.text


async def test_what_is_archived_leaves_the_list_and_comes_back_with_a_message(cast: Cast) -> None:
    assert (await put(cast.milo, "archive", cast.chess))["archived"] is True
    assert await line(cast.milo, cast.chess) is None
    assert await line(cast.milo, cast.chess, archived="true") is not None
    assert await line(cast.mina, cast.chess) is not None, "it is one's own"
    assert (await cast.milo.api.get(f"/conversations/{cast.chess}")).status_code == 200
    await cast.say(cast.olive, "we play at six")
    assert await line(cast.milo, cast.chess) is not None
    assert await line(cast.milo, cast.chess, archived="true") is None


async def test_what_is_archived_and_muted_stays_away(cast: Cast) -> None:
    await put(cast.milo, "archive", cast.chess)
    await put(cast.milo, "mute", cast.chess)
    await cast.say(cast.olive, "we play at six")
    assert await line(cast.milo, cast.chess) is None
    await drop(cast.milo, "mute", cast.chess)
    assert await line(cast.milo, cast.chess) is not None, "what came meanwhile is to be seen"


async def test_one_takes_it_out_of_the_archive_oneself(cast: Cast) -> None:
    await put(cast.milo, "archive", cast.chess)
    assert (await drop(cast.milo, "archive", cast.chess))["archived"] is False
    assert await line(cast.milo, cast.chess) is not None


async def test_pinned_ones_stand_on_top_by_their_activity(cast: Cast) -> None:
    tea, go = await make_group(cast.olive, cast.milo, title="Tea"), await make_group(cast.olive, cast.milo, title="Go")
    await put(cast.milo, "pin", cast.chess)
    await put(cast.milo, "pin", tea)
    assert (await order(cast.milo))[:3] == [tea, cast.chess, go]
    await cast.say(cast.olive, "e4")
    assert (await order(cast.milo))[:3] == [cast.chess, tea, go]
    await drop(cast.milo, "pin", cast.chess)
    assert (await order(cast.milo))[:3] == [tea, cast.chess, go]


async def test_what_is_archived_is_pinned_no_more_and_what_is_pinned_comes_back(cast: Cast) -> None:
    await put(cast.milo, "pin", cast.chess)
    assert (await put(cast.milo, "archive", cast.chess))["pinned"] is False
    assert (await put(cast.milo, "pin", cast.chess))["archived"] is False


async def test_pages_of_the_list_go_on_behind_the_pinned_ones(cast: Cast) -> None:
    rooms = [await make_group(cast.olive, cast.milo, title=f"Room {n}") for n in range(5)]
    for room in rooms[:2]:
        await put(cast.milo, "pin", room)
    await order(cast.milo)
    whole = [each["id"] for each in (await cast.milo.api.get("/conversations")).json()["conversations"]]
    found, after = [], ""
    while after is not None:
        page = (await cast.milo.api.get("/conversations", params={"limit": 1, "after": after})).json()
        found += [each["id"] for each in page["conversations"]]
        after = page["next"]
    assert found == whole
    assert whole[:2] == [rooms[1], rooms[0]]


async def test_marked_unread_it_counts_what_came_last_from_someone_else(cast: Cast) -> None:
    first = await cast.say(cast.olive, "one")
    await cast.say(cast.olive, "two")
    await cast.say(cast.milo, "mine")
    assert await cast.unread(cast.milo) == 0
    assert (await put(cast.milo, "unread", cast.chess))["unread"] == 1
    assert (await put(cast.milo, "unread", cast.chess, position=first["position"]))["unread"] == 2
    assert await cast.unread(cast.mina) == 3


async def test_where_nobody_else_wrote_there_is_nothing_to_mark(cast: Cast) -> None:
    await cast.say(cast.olive, "hello?")
    assert (await put(cast.olive, "unread", cast.chess))["unread"] == 0


async def test_what_those_wrote_whom_one_blocked_is_nothing_unread(cast: Cast) -> None:
    await cast.say(cast.olive, "before")
    await cast.mina.api.put("/people/olive/block")
    await cast.say(cast.olive, "after")
    await cast.say(cast.milo, "from me")
    assert await cast.unread(cast.mina) == 1
    page = BeautifulSoup((await cast.mina.browser.get(f"/conversations/{cast.chess}")).text, "html.parser")
    assert "from me" in str(page.select_one("#unread ~ .message"))
    await cast.mina.api.delete("/people/olive/block")


async def test_one_s_other_pages_are_told(cast: Cast) -> None:
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as page,
        following(cast.server, cast.milo) as program,
        following(cast.server, cast.mina) as other,
    ):
        await put(cast.milo, "pin", cast.chess)
        await page.until(lambda f: any("data-pinned" in event.data for event in f.named("conversation")))
        await put(cast.milo, "archive", cast.chess)
        await page.until(lambda f: any(event.data == str(cast.chess) for event in f.named("conversation-archived")))
        assert not page.named("conversation-gone"), "it is still theirs"
        await program.until(lambda f: any(event.json["archived"] for event in f.named("conversation")))
        await cast.say(cast.olive, "we play at six")
        await page.until(lambda f: any('data-unread="1"' in event.data for event in f.named("conversation")))
        await other.until(lambda f: any(e.json.get("body") == "we play at six" for e in f.named("message")))
        assert not any(e.json["pinned"] or e.json["archived"] for e in other.named("conversation"))


async def test_with_the_other_one_it_works_alike(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    await cast.say(cast.mina, "psst", where=here)
    await put(cast.milo, "archive", here)
    assert await line(cast.milo, here) is None
    page = await cast.milo.browser.get("/conversations?archived=true")
    assert f'id="conversation-{here}"' in page.text
    assert page.text.count('id="sidebar-items"') == 1
