"""An export holds exactly what the page shows to whoever asked for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from bs4 import Tag

from app.core import database
from app.core.errors import NotFound
from app.core.i18n import Locale
from app.exports import entries, source
from app.exports.entries import Entry
from app.exports.formats import json as format_json
from app.exports.model import CancelledExport, Head
from app.messages import retention
from app.messages.lines import line
from tests.conftest import Actor, Cast
from tests.conversations.desk import ask
from tests.conversations.story import direct, history
from tests.exports.conftest import INSTANCE, Written, order
from tests.pages import parsed


async def exported(who: Actor, conversation: int, **more: Any) -> tuple[Head, list[Entry]]:
    out = Written()
    async with source.opened(order(who, conversation, **more), INSTANCE) as opened:
        found = [each async for stretch in entries.entries(opened, out) for each in stretch]
    assert out.messages == len(found) == opened.head.count
    return opened.head, found


async def shown(who: Actor, conversation: int) -> list[dict[str, Any]]:
    """All pages of the conversation from the newest to the oldest, as a browser reads them."""
    found: list[dict[str, Any]] = []
    path = f"/conversations/{conversation}?latest=1"
    while path:
        page = parsed(await who.browser.get(path))
        found = [_read(each) for each in page.select("li.message")] + found
        older = page.select_one("#older a") if page.select_one("#older") else None
        path = str(older["href"]) if older is not None and not older.find_parent("template") else ""
    return found


def _read(item: Tag) -> dict[str, Any]:
    for each in item.select("template"):
        each.decompose()
    quote = item.select_one(".quote")
    quoted = " ".join(quote.get_text(" ").split()) if quote else ""
    name, body, moment = (item.select_one(each) for each in (".message-author bdi", ".message-body", "time[title]"))
    assert body is not None
    assert moment is not None
    return {
        "id": int(str(item["id"]).removeprefix("message-")),
        "position": int(str(item["data-position"])),
        "author": int(str(item["data-author"])),
        "kind": item["data-kind"],
        "name": name.text if name else None,
        "body": body.get_text().strip(),
        "time": moment["datetime"],
        "edited": item.select_one(".message-edited") is not None,
        "deleted": "message-deleted" in item["class"],
        "team": item.select_one(".tag:not(.bot)") is not None,
        "quoted": quoted,
    }


async def assert_same(who: Actor, conversation: int) -> list[Entry]:
    """What is exported is what the pages show and what the history of the contract gives, message by message."""
    language = (await who.api.get("/me")).json()["language"]
    head, found = await exported(who, conversation, locale=Locale(language, "Europe/Paris"))
    assert head.members
    told = await history(who, conversation)
    assert len(told) == len(found)
    for entry, message in zip(found, told, strict=True):
        given = msgspec.to_builtins(entry)
        given["mentions"] = [each["username"] for each in given["mentions"]]
        del given["title"]
        for mine in ("author", "subject"):
            if message[mine] is not None:
                message[mine].pop("avatar", None)
        assert given == {name: message[name] for name in given}
    pages = await shown(who, conversation)
    assert [each["id"] for each in pages] == [each.id for each in found]
    for entry, page in zip(found, pages, strict=True):
        assert (page["position"], page["author"], page["kind"]) == (entry.position, entry.author.id, entry.kind)
        assert datetime.fromisoformat(page["time"]) == entry.created_at.replace(
            microsecond=datetime.fromisoformat(page["time"]).microsecond
        )
        assert page["deleted"] == (entry.deleted_at is not None)
        if entry.kind == "system":
            assert page["body"] == entry.body
            continue
        assert page["name"] == entry.author.name
        assert page["team"] == entry.of_team
        if entry.deleted_at is None:
            assert page["body"] == entry.body
            assert page["edited"] == (entry.edited_at is not None)
            assert (entry.quote is None) == (page["quoted"] == "")
            if entry.quote is not None and entry.quote.deleted:
                assert "a deleted message" in page["quoted"]
            elif entry.quote is not None:
                assert entry.quote.author.name in page["quoted"]
                assert entry.quote.excerpt in page["quoted"]
        else:
            assert entry.body == ""
    return found


async def talk(cast: Cast) -> None:
    """What can happen to messages."""
    first = await cast.say(cast.olive, "Who plays on Friday?")
    await cast.say(cast.milo, "I do, and so does @mina", reply_to=first["id"])
    gone = await cast.say(cast.mina, "A secret that slipped out")
    await cast.say(cast.olive, "Of what do you speak?", reply_to=gone["id"])
    assert (await cast.mina.api.delete(f"/messages/{gone['id']}")).is_success
    edited = await cast.say(cast.milo, "at foru")
    assert (await cast.milo.api.patch(f"/messages/{edited['id']}", json={"body": "at four"})).is_success
    await cast.say(cast.olive, "@all at four then")
    assert (await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": "Chess & more"})).is_success


async def test_a_member_gets_what_the_pages_show_message_by_message(cast: Cast) -> None:
    await talk(cast)
    for number in range(120):  # more than one page
        await cast.say(cast.milo, f"move {number}")
    found = await assert_same(cast.milo, cast.chess)
    assert [each.body for each in found[-120:]] == [f"move {number}" for number in range(120)]
    assert {each.event for each in found} >= {"created", "removed", "renamed"}
    assert any(each.deleted_at for each in found)
    assert any(each.mentions_all for each in found)


async def test_who_came_late_gets_what_the_pages_show_them(cast: Cast) -> None:
    await talk(cast)
    answer = await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
    assert answer.is_success
    assert len(await assert_same(cast.oscar, cast.chess)) > 6


async def test_who_was_removed_or_never_was_in_gets_nothing(cast: Cast) -> None:
    for who in (cast.remy, cast.oscar, cast.ada):
        with pytest.raises(NotFound):
            await exported(who, cast.chess)
    for conversation in (0, 10**15):
        with pytest.raises(NotFound):
            await exported(cast.milo, conversation)


async def test_nobody_comes_in_by_an_export(cast: Cast) -> None:
    with pytest.raises(NotFound):
        await exported(cast.oscar, cast.general)  # has not looked into it yet
    await cast.oscar.api.get(f"/conversations/{cast.general}")
    await assert_same(cast.oscar, cast.general)


async def test_nothing_is_exported_once_one_of_the_two_blocked_the_other(cast: Cast) -> None:
    between = await direct(cast.milo, cast.mina)
    await cast.say(cast.milo, "hello", between)
    head, _found = await exported(cast.milo, between)
    assert (head.kind, head.title) == ("direct", "Mina Member")
    await assert_same(cast.mina, between)
    assert (await cast.mina.api.put("/people/milo/block")).is_success
    for who in (cast.milo, cast.mina):
        with pytest.raises(NotFound):
            await exported(who, between)
    await cast.say(cast.milo, "in the group all stays readable")
    await cast.say(cast.mina, "it does")
    await assert_same(cast.mina, cast.chess)


async def test_what_is_over_is_in_no_export_from_the_mark_on(cast: Cast) -> None:
    await talk(cast)
    old = (await history(cast.milo, cast.chess))[:4]
    answered = await cast.say(cast.milo, "late", reply_to=next(each["id"] for each in old if each["kind"] == "text"))
    await database.fetch(
        "UPDATE message SET created_at = created_at - interval '400 days' WHERE id = ANY($1)",
        [each["id"] for each in old],
    )
    assert await retention.mark(365)
    _head, marked = await exported(cast.milo, cast.chess)
    assert marked[0].position == old[-1]["position"] + 1
    assert next(each for each in marked if each.id == answered["id"]).quote is None
    await retention.delete_marked()
    assert await assert_same(cast.milo, cast.chess) == marked


async def test_what_is_asked_of_the_staff_is_exported_by_the_asker_and_by_the_team(cast: Cast) -> None:
    asked = await ask(cast.milo, "My key", "does not turn")
    with pytest.raises(NotFound):
        await exported(cast.mina, asked)
    await cast.ada.api.get(f"/conversations/{asked}")
    await cast.say(cast.ada, "Turn it the other way", asked)
    assert any(each.of_team for each in await assert_same(cast.milo, asked))
    await assert_same(cast.ada, asked)
    await database.fetch("UPDATE person SET role = 'student' WHERE id = $1", cast.ada.id)
    with pytest.raises(NotFound):
        await exported(cast.ada, asked)


async def test_announcements_are_exported_as_everyone_reads_them(cast: Cast) -> None:
    assert (await cast.ada.api.post("/broadcasts", json={"body": "No school tomorrow"})).is_success
    room = await database.fetch_value("SELECT id FROM conversation WHERE kind = 'announcements'")
    await cast.milo.api.get(f"/conversations/{room}")
    found = await assert_same(cast.milo, room)
    assert [each.body for each in found] == ["No school tomorrow"]


async def test_the_names_are_those_of_now_and_of_who_left_none(cast: Cast) -> None:
    await talk(cast)
    assert (await cast.mina.api.patch("/me", json={"name": "Mina Renamed", "username": "mina2"})).is_success
    found = await assert_same(cast.milo, cast.chess)
    assert [(each.name, each.username) for entry in found for each in entry.mentions] == [("mina", "mina2")]
    await database.fetch("UPDATE person SET name = '', username = 'deleted~' || id WHERE id = $1", cast.mina.id)
    found = await assert_same(cast.milo, cast.chess)
    assert "Deleted account" in {each.author.name for each in found}


async def test_rows_of_a_stretch_are_what_a_line_is_made_of(cast: Cast) -> None:
    await talk(cast)
    async with source.opened(order(cast.milo, cast.chess), INSTANCE) as opened:
        async for rows in opened.stretches():
            for row in rows:
                entry, message = entries.entry(row), line(row).message
                assert (entry.body, entry.quote, entry.subject) == (message.body, message.quote, message.subject)


async def test_a_range_holds_its_first_instant_and_not_its_last_and_counts_exactly(cast: Cast) -> None:
    noon = await _hourly(cast, 1200)
    hour = timedelta(hours=1)
    for from_, to, first, last in (
        (None, None, 1, 1200),
        (noon + 10 * hour, None, 10, 1200),
        (None, noon + 10 * hour, 1, 9),
        (noon + 3 * hour, noon + 900 * hour, 3, 899),
        (noon + 3 * hour, noon + 4 * hour, 3, 3),
    ):
        head, found = await exported(cast.milo, cast.chess, from_=from_, to=to)
        assert [each.body for each in found if each.kind == "text"] == [str(n) for n in range(first, last + 1)]
        assert (head.first_at, head.last_at) == (found[0].created_at, found[-1].created_at)
    head, found = await exported(cast.milo, cast.chess, from_=noon + 3000 * hour)
    assert (head.count, head.first_at, head.last_at, found) == (0, None, None, [])


async def test_a_clock_that_was_set_back_loses_no_message_of_the_range(cast: Cast) -> None:
    noon = await _hourly(cast, 1200)
    hour = timedelta(hours=1)
    await database.fetch("UPDATE message SET created_at = $1 WHERE body = '1100'", noon + 5 * hour)
    await database.fetch("UPDATE message SET created_at = $1 WHERE body = '7'", noon + 2000 * hour)
    head, found = await exported(cast.milo, cast.chess, from_=noon + 4 * hour, to=noon + 10 * hour)
    assert [each.body for each in found] == ["4", "5", "6", "8", "9", "1100"]
    assert head.count == 6


async def _hourly(cast: Cast, many: int) -> datetime:
    """Nothing but so many messages, an hour apart; gives the hour before the first."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await database.fetch("DELETE FROM message WHERE conversation = $1", cast.chess)
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body, created_at)
        SELECT $1, n, n, $2, n::text, $3::timestamptz + n * interval '1 hour' FROM generate_series(1, $4) AS n
        """,
        cast.chess,
        cast.milo.id,
        noon,
        many,
    )
    await database.fetch("UPDATE conversation SET position = $2, change = $2 WHERE id = $1", cast.chess, many)
    return noon


async def test_an_export_is_of_one_moment_whatever_happens_meanwhile(cast: Cast) -> None:
    await talk(cast)
    before = await history(cast.milo, cast.chess)
    async with source.opened(order(cast.milo, cast.chess), INSTANCE) as opened:

        async def meanwhile() -> None:
            await cast.say(cast.olive, "said later")
            text = next(each["id"] for each in before if each["author"]["username"] == "milo")
            assert (await cast.milo.api.delete(f"/messages/{text}")).is_success

        await meanwhile()
        found = [entries.entry(row) async for rows in opened.stretches() for row in rows]
    assert [(each.id, each.body) for each in found] == [(each["id"], each["body"]) for each in before]


async def test_a_transcript_that_is_not_whole_is_none(cast: Cast) -> None:
    await talk(cast)
    async with source.opened(order(cast.milo, cast.chess), INSTANCE) as opened:
        opened.head = msgspec.structs.replace(opened.head, count=opened.head.count + 1)
        with pytest.raises(RuntimeError, match="messages were read"):
            _all = [each async for each in entries.entries(opened, Written())]


async def test_who_stops_in_the_middle_leaves_nothing_behind(cast: Cast) -> None:
    await _hourly(cast, 1800)
    for _ in range(12):  # more than there are connections
        with pytest.raises(CancelledExport):
            async with source.opened(order(cast.milo, cast.chess), INSTANCE) as opened:
                # How far it is can be written down meanwhile.
                await database.fetch("UPDATE conversation SET title = 'other' WHERE id = $1", cast.chess)
                await format_json.write(opened, Written(cancel_after=500))
    _head, found = await exported(cast.milo, cast.chess)
    assert len(found) == 1800
