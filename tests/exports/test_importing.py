"""What was exported comes back elsewhere as it was, or not at all."""

import asyncio
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.conversations.history import write
from app.core import database
from app.core.errors import NotFound
from app.exports import source
from app.exports.entries import Entry, entries
from app.exports.formats import json as format_json
from app.exports.importing import CannotImportError, Imported, Wish, read_names, run
from app.messages.lines import EVENTS, told
from tests.accounts.test_bots import made
from tests.conftest import PASSWORD, Actor, Cast
from tests.conversations.story import history, waiting
from tests.exports.conftest import INSTANCE, Written, order
from tests.exports.test_json import valid
from tests.exports.test_source import exported, talk

Harm = Callable[[dict[str, Any]], object]


async def written(who: Actor, conversation: int, path: Path, **more: Any) -> dict[str, Any]:
    """Exports it into that file."""
    out = Written()
    async with source.opened(order(who, conversation, **more), INSTANCE) as opened:
        await format_json.write(opened, out)
    return keep(path, out.data)


def keep(path: Path, data: bytes) -> dict[str, Any]:
    path.write_bytes(data)
    document: dict[str, Any] = json.loads(data)
    return document


async def imported(path: Path, **wish: Any) -> Imported:
    return await run(path, Wish(**wish), lambda done, count: None)


async def everything() -> list[tuple[Any, ...]]:
    """All that an import could leave behind."""
    return [
        tuple(row)
        for row in await database.fetch(
            """
            SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM conversation), (SELECT count(*) FROM person),
                   (SELECT count(*) FROM membership), (SELECT count(*) FROM mention)
            """
        )
    ]


def alike(entry: Entry, places: dict[int, int]) -> dict[str, Any]:
    """What of a message is to be the same elsewhere: all but its numbers; what it answers by its place."""
    kept = ("position", "kind", "event", "title", "body", "created_at", "edited_at", "deleted_at", "of_team")
    return {
        **{name: getattr(entry, name) for name in kept},
        "author": entry.author.name,
        "subject": entry.subject.name if entry.subject else None,
        "answers": places[entry.reply_to] if entry.reply_to is not None else None,
        "quote": (entry.quote.position, entry.quote.excerpt, entry.quote.deleted) if entry.quote else None,
        "mentions_all": entry.mentions_all,
    }


async def assert_alike(who: Actor, original: int, copy: int) -> None:
    _head, theirs = await exported(who, original)
    _head, ours = await exported(who, copy)
    assert [alike(each, {e.id: e.position for e in theirs}) for each in theirs] == [
        alike(each, {e.id: e.position for e in ours}) for each in ours[:-1]
    ]
    assert (ours[-1].event, ours[-1].title) == ("imported", INSTANCE)


async def test_what_is_exported_and_imported_is_exported_alike(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    done = await imported(file, owner="milo")
    assert done.title == "Chess & more"
    assert done.placeholders == ["milo", "mina", "olive", "remy"]
    await assert_alike(cast.milo, cast.chess, done.conversation)
    out = await written(cast.milo, done.conversation, tmp_path / "again.json")
    valid(json.dumps(out).encode())


async def test_nobody_here_is_made_to_have_said_it_unless_the_operator_says_so(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    done = await imported(file)
    _head, found = await exported(cast.ada, done.conversation)  # the first administrator owns it
    here = {actor.id for actor in (cast.olive, cast.milo, cast.mina, cast.remy)}
    assert not {each.author.id for each in found} & here
    assert {each.author.name for each in found[:-1]} == {"Olive Owner", "Milo Member", "Mina Member"}
    rows = await database.fetch("SELECT * FROM person WHERE email_key LIKE 'import~%'")
    assert len(rows) == 4
    for row in rows:
        assert (row["email"], row["password_hash"], row["role"]) == ("", "", "student")
        assert row["deactivated_at"] is not None
        assert "~" in row["username"]
    assert (await cast.milo.api.get(f"/conversations/{done.conversation}")).status_code == 404


async def test_who_is_called_alike_is_the_same_person_when_the_operator_says_so(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    done = await imported(file, owner="olive", same_usernames=True)
    assert done.matched == ["milo", "mina", "olive", "remy"]
    _head, found = await exported(cast.mina, done.conversation)
    assert {each.author.id for each in found} == {cast.olive.id, cast.milo.id, cast.mina.id}
    assert [named.username for each in found for named in each.mentions] == ["mina"]
    with pytest.raises(NotFound):  # remy was removed there, and so is not in it here
        await exported(cast.remy, done.conversation)
    assert (await cast.mina.api.get(f"/conversations/{done.conversation}")).json()["unread"] == 0


async def test_a_list_says_who_is_who(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    file, names = tmp_path / "chess.json", tmp_path / "names.txt"
    await written(cast.milo, cast.chess, file)
    names.write_text("# theirs  ours\n@Milo oscar # he married\n\nmina\tmina\n")
    done = await imported(file, owner="olive", names=read_names(names))
    assert (done.matched, done.placeholders) == (["milo", "mina"], ["olive", "remy"])
    _head, found = await exported(cast.oscar, done.conversation)
    assert {each.author.username for each in found} >= {"oscar", "mina"}
    names.write_text("milo nobody-here\n")
    with pytest.raises(CannotImportError, match="nobody-here"):
        await imported(file, names=read_names(names), again=True)
    names.write_text("milo\n")
    with pytest.raises(CannotImportError, match="line 1"):
        read_names(names)


async def test_nobody_is_told_of_it_and_nothing_is_unread(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    done = await imported(file, owner="olive", same_usernames=True)
    row = await database.fetch_row(
        """
        SELECT c.change, c.position, n.change AS told, bool_and(x.read_position = c.position) AS read
        FROM conversation c JOIN notified n ON n.conversation = c.id JOIN membership x ON x.conversation = c.id
        WHERE c.id = $1 GROUP BY c.id, n.change
        """,
        done.conversation,
    )
    assert row is not None
    assert (row["told"], row["change"], row["read"]) == (row["change"], row["position"], True)
    said = await cast.say(cast.milo, "and on it goes", done.conversation)
    assert said["position"] == row["position"] + 1
    assert len(await history(cast.olive, done.conversation)) == said["position"]


async def test_the_same_file_comes_once_and_a_second_time_only_when_it_is_wanted(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    first = await imported(file, owner="olive")
    before = await everything()
    for wish in ({}, {"same_usernames": True}, {"owner": "milo"}):
        with pytest.raises(CannotImportError, match=f"conversation {first.conversation}, “Chess & more”"):
            await imported(file, **wish)
    assert await everything() == before
    second = await imported(file, owner="olive", again=True)
    people = await database.fetch_value("SELECT count(*) FROM person WHERE email_key LIKE 'import~%'")
    assert people == 4  # the same closed accounts
    assert second.conversation != first.conversation


async def test_a_conversation_that_was_audited_comes_back_and_says_so(cast: Cast, tmp_path: Path) -> None:
    wish = {"format": "json", "reason": "A complaint.", "current": PASSWORD}
    assert (await cast.ada.api.post(f"/admin/conversations/{cast.chess}/audit", json=wish)).status_code == 202
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    done = await imported(file, owner="milo")
    _head, found = await exported(cast.milo, done.conversation)
    assert (found[-2].event, found[-2].title) == ("audited", "A complaint.")


async def test_names_that_a_terminal_would_obey_or_nobody_sees_are_not_taken_over(cast: Cast, tmp_path: Path) -> None:
    await cast.say(cast.milo, "hello")
    file = tmp_path / "chess.json"
    document = await written(cast.milo, cast.chess, file)
    harmful = {"id": 10**9, "username": "\x1b]0;owned\x07eve", "name": "\u200b"}
    document["messages"][-1]["author"] = harmful
    file.write_text(json.dumps(document))
    done = await imported(file, owner="milo")
    _head, found = await exported(cast.milo, done.conversation)
    assert found[-2].author.name == "]0;owned eve"


async def test_an_archive_is_looked_into_for_its_json(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    plain, packed = tmp_path / "chess.json", tmp_path / "chess.zip"
    await written(cast.milo, cast.chess, plain)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "Chess club.json")
        archive.writestr("manifest.json", "{}")
        archive.writestr("README.txt", "read me")
    done = await imported(packed, owner="milo")
    await assert_alike(cast.milo, cast.chess, done.conversation)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("second.json", "{}")
    with pytest.raises(CannotImportError, match="has 2"):
        await imported(packed, again=True)


async def test_a_damaged_archive_imports_nothing(cast: Cast, tmp_path: Path) -> None:
    await talk(cast)
    plain, packed = tmp_path / "chess.json", tmp_path / "chess.zip"
    await written(cast.milo, cast.chess, plain)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.write(plain, "chess.json")
    data = made.getvalue()
    packed.write_bytes(data.replace(b"at four", b"at five"))
    before = await everything()
    with pytest.raises(CannotImportError, match="archive is damaged"):
        await imported(packed)
    assert await everything() == before


async def test_a_stretch_of_a_conversation_begins_at_the_first_place(cast: Cast, tmp_path: Path) -> None:
    first = await cast.say(cast.milo, "the question")
    said = await cast.say(cast.mina, "the answer", reply_to=first["id"])
    await cast.say(cast.olive, "what came of it", reply_to=said["id"])
    file = tmp_path / "part.json"
    await written(cast.milo, cast.chess, file, from_=datetime.fromisoformat(said["created_at"]))
    done = await imported(file, owner="milo")
    assert (done.messages, done.unanswered) == (2, 1)
    _head, found = await exported(cast.milo, done.conversation)
    assert [(each.position, each.body, each.reply_to is None) for each in found[:2]] == [
        (1, "the answer", True),
        (2, "what came of it", False),
    ]


def _last(**changes: Any) -> Harm:
    return lambda document: document["messages"][-1].update(changes)


def _answers(message: dict[str, Any], other: dict[str, Any]) -> None:
    """It says that it answers the other one, which is said to stand before it."""
    quote = {"id": other["id"], "position": 1, "author": other["author"], "excerpt": "", "deleted": False}
    message.update(reply_to=other["id"], quote=quote)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_last(body=3), r"message 4: Expected `str`.*body"),
        (_last(body="a\0b"), "message 4: it holds a character"),
        (_last(body="\ud800"), "message 4: it holds a character"),
        (_last(created_at="2026-11-21T12:00:00"), "message 4: .*created_at"),
        (_last(created_at="2999-11-21T12:00:00Z"), "message 4: .*to come"),
        (_last(created_at="0001-01-01T00:00:00Z"), "message 4: .*before there were"),
        (_last(deleted_at="9999-12-31T23:59:59Z", body=""), "message 4: .*to come"),
        (lambda d: _answers(d["messages"][2], d["messages"][3]), "essage 3: it answers a message that comes after"),
        (lambda d: _answers(d["messages"][2], d["messages"][2]), "essage 3: it answers a message that comes after"),
        (_last(position=1), "message 4: its position 1 does not come after 3"),
        (_last(id=2**63), "message 4: .*id"),
        (_last(kind="system", event="exploded", title=""), "message 4: of the event 'exploded'"),
        (_last(kind="system", event="added", title=""), "message 4: it does not say to whom"),
        (_last(mentions=[{"name": "a,b c", "username": "mina"}]), "message 4: .*mentions"),
        (_last(reply_to=1), "message 4: reply_to and quote"),
        (lambda d: d["messages"][-1].update(id=d["messages"][0]["id"]), "essage 4: the id"),
        (lambda d: d["messages"][-1]["author"].update(username="else"), "is both"),
        (lambda d: d["messages"][-1]["author"].update(id=10**9), "Two people are called"),
        (lambda d: d["messages"].pop(), "has 3 messages and is to have 4"),
        (lambda d: d["messages"].append(d["messages"][0]), "message 5: there are more than the 4"),
        (lambda d: d["causerie"].update(version=2), "version 2 of the format"),
        (lambda d: d["causerie"].update(kind="person"), "all the data of a person"),
        (lambda d: d["conversation"].pop("title"), '"conversation": .*title'),
        (lambda d: d.pop("causerie"), '"causerie" is to stand here'),
        (lambda d: d.update(more=1), "is to stand here"),
    ],
)
async def test_whatever_is_wrong_is_named_with_its_place_and_nothing_is_imported(
    cast: Cast, tmp_path: Path, harm: Harm, said: str
) -> None:
    await cast.say(cast.milo, "hello")
    await cast.say(cast.milo, "again")
    file = tmp_path / "chess.json"
    document = await written(cast.milo, cast.chess, file)
    harm(document)
    file.write_text(json.dumps(document, indent=1))
    before = await everything()
    with pytest.raises(CannotImportError, match=said) as refused:
        await imported(file)
    assert "othing was imported" in str(refused.value)
    assert await everything() == before


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"hello", b"\xff\xfe", b'{"causerie":', b"[" * 100_000, b'{"causerie":1e']
)
async def test_what_is_no_export_is_refused(cast: Cast, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(data)
    with pytest.raises(CannotImportError, match="ine 1"):
        await imported(file)


async def test_a_file_that_was_cut_off_anywhere_imports_nothing(cast: Cast, tmp_path: Path) -> None:
    await cast.say(cast.milo, "hello")
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    data, before = file.read_bytes(), await everything()
    for end in range(0, len(data) - 2, 97):
        file.write_bytes(data[:end])
        with pytest.raises(CannotImportError):
            await imported(file)
    assert await everything() == before


async def test_a_bot_that_came_spoke_and_went_comes_back_as_a_bot(cast: Cast, tmp_path: Path) -> None:
    bot = await made(cast.olive)
    there = f"/conversations/{cast.chess}/members"
    assert (await cast.olive.api.post(there, json={"username": "weather"})).status_code == 201
    async with database.transaction():
        await write(cast.chess, bot["id"], "rain")
    assert (await cast.olive.api.delete(f"{there}/{bot['id']}")).status_code == 204
    file = tmp_path / "chess.json"
    document = await written(cast.olive, cast.chess, file)
    assert [each["subject"]["username"] for each in document["messages"] if each["subject"]][-2:] == ["weather"] * 2
    done = await imported(file, owner="olive")
    await assert_alike(cast.olive, cast.chess, done.conversation)
    rows = await database.fetch("SELECT name, bot FROM person WHERE email_key LIKE 'import~%'")
    assert {row["name"] for row in rows if row["bot"]} == {"Weather"}


async def test_more_messages_than_a_batch_come_in_their_order(cast: Cast, tmp_path: Path) -> None:
    await database.fetch("DELETE FROM message WHERE conversation = $1", cast.chess)
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body)
        SELECT $1, n, n, $2, n::text FROM generate_series(1, 5000) AS n
        """,
        cast.chess,
        cast.milo.id,
    )
    await database.fetch("UPDATE conversation SET position = 5000, change = 5000 WHERE id = $1", cast.chess)
    await database.fetch(
        "UPDATE message x SET reply_to = q.id FROM message q WHERE q.position = x.position - 2500 AND x.body = '4000'"
    )
    file = tmp_path / "chess.json"
    await written(cast.milo, cast.chess, file)
    heard: list[tuple[int, int]] = []
    done = await run(file, Wish(owner="milo"), lambda *far: heard.append(far))
    assert heard == [(2000, 5000), (4000, 5000), (5000, 5000)]
    async with source.opened(order(cast.milo, done.conversation), INSTANCE) as opened:
        found = [each async for stretch in entries(opened, Written()) for each in stretch]
    assert [each.body for each in found[:-1]] == [str(n) for n in range(1, 5001)]
    assert found[3999].quote is not None
    assert found[3999].quote.position == 1500
    assert sorted(found, key=lambda each: each.id) == found


def test_whatever_may_happen_can_be_told() -> None:
    assert all(told(event, "Ada", "Olive", "Chess") for event in EVENTS)


async def test_a_group_whose_owner_closes_their_account_meanwhile_does_not_come(cast: Cast, tmp_path: Path) -> None:
    await cast.say(cast.milo, "hello")
    await written(cast.olive, cast.chess, tmp_path / "chess.json")
    before = await everything()
    async with database.pool().acquire() as other, asyncio.TaskGroup() as group:
        async with other.transaction():
            await other.execute("LOCK TABLE notified IN SHARE MODE")  # what an import writes last
            coming = group.create_task(refused(tmp_path / "chess.json", owner=cast.milo.username))
            await waiting()
            closed = await cast.milo.api.post("/me/deactivate", json={"current": PASSWORD})
            assert closed.status_code == 204
        assert "closed their account" in await coming
    assert await everything() == before


async def refused(path: Path, **wish: Any) -> str:
    with pytest.raises(CannotImportError) as refusal:
        await imported(path, **wish)
    return str(refusal.value)
