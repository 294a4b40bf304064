"""CSV: one row a message, which a spreadsheet shows and does not run."""

import csv
import io
import re
import string
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import database
from app.exports import person, source
from app.exports.formats import csv as format_csv
from app.exports.formats import sheets
from app.exports.formats.csv import COLUMNS
from app.exports.formats.sheets import safe, unsafe
from tests.conftest import Actor, Cast
from tests.exports.conftest import INSTANCE, Written, order
from tests.exports.test_source import exported, talk


def rows(data: bytes) -> list[dict[str, str]]:
    """What a reader of RFC 4180 sees."""
    assert data.startswith(b"\xef\xbb\xbf")
    text = data.decode("utf-8-sig")
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


async def written(who: Actor, conversation: int, **more: Any) -> list[dict[str, str]]:
    out = Written()
    async with source.opened(order(who, conversation, **more), INSTANCE) as opened:
        await format_csv.write(opened, out)
    assert out.messages == opened.head.count
    return rows(out.data)


async def test_each_message_is_a_row_and_can_be_joined_with_what_it_answers(cast: Cast) -> None:
    await talk(cast)
    found = await written(cast.milo, cast.chess)
    _head, told = await exported(cast.milo, cast.chess)
    assert list(found[0]) == list(COLUMNS)
    assert [(int(each["id"]), unsafe(each["body"])) for each in found] == [(each.id, each.body) for each in told]
    by_id = {each["id"]: each for each in found}
    answer = next(each for each in found if each["body"] == "I do, and so does @mina")
    assert by_id[answer["reply_to"]]["body"] == answer["reply_to_text"] == "Who plays on Friday?"
    assert (answer["reply_to_username"], answer["mentions"]) == ("olive", "mina")
    assert {each["conversation_id"] for each in found} == {str(cast.chess)}
    gone = next(each for each in found if each["deleted_at"])
    assert gone["body"] == ""
    added = next(each for each in found if each["event"] == "removed")
    assert (added["author_name"], added["subject_name"]) == ("Olive Owner", "Rémy Removed")
    assert added["body"] == "Olive Owner removed Rémy Removed."


async def test_times_are_those_of_the_zone_that_was_chosen_and_of_utc(cast: Cast) -> None:
    said = await cast.say(cast.milo, "in summer")
    moment = datetime(2026, 7, 14, 22, 30, 1, 250000, tzinfo=UTC)
    await database.fetch("UPDATE message SET created_at = $2 WHERE id = $1", said["id"], moment)
    row = (await written(cast.milo, cast.chess))[-1]
    assert row["created_at"] == "2026-07-15T00:30:01.250000+02:00"
    assert row["created_at_utc"] == "2026-07-14T22:30:01.250000Z"
    assert (row["edited_at"], row["edited_at_utc"]) == ("", "")


SIGNS = "=+-@＝＋－＠"
SEPARATORS = ",;\t\r\n"
# Mostly of what matters here.
TEXTS = st.text(st.sampled_from([*SIGNS, *SEPARATORS, *"' \"\u00a0\ufeff\u200bx"]) | st.characters())


@pytest.mark.parametrize(
    "formula",
    [
        *("=1+1", "+1", "-1", "@SUM(1)", "＝1", "＋1", "－1", "＠x", " =1", "\ufeff=1", "\u200b@x", '"=1"'),
        *('=HYPERLINK("https://evil.example","ok")', "'=1", "'quoted", "\ttext", "\rtext", "\ntext"),
    ],
)
async def test_what_looks_like_a_formula_is_text_and_comes_back_as_it_was(formula: str) -> None:
    assert safe(formula) == f"'{formula}"
    assert unsafe(safe(formula)) == formula


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("x;=cmd|' /C calc'!A0;", "x;'=cmd|' /C calc'!A0;"),
        ("x\n=1+1", "x\n'=1+1"),
        ("x\r\n@SUM(1)", "x\r\n'@SUM(1)"),
        ("\t=1", "'\t'=1"),
        ("x,+1", "x,'+1"),
        ('x; "=1"', 'x;\' "=1"'),
        ("x;;\u200b-1", "x;;'\u200b-1"),
        ("x;'=1", "x;''=1"),
        ("3-2=1; it's so, isn't it?", "3-2=1; it's so, isn't it?"),
    ],
)
async def test_what_begins_a_formula_where_others_split_is_text_too(text: str, harmless: str) -> None:
    """Where the comma is for decimals, a spreadsheet splits at ";", and quotes in the middle mean nothing to it."""
    assert safe(text) == harmless
    assert unsafe(harmless) == text


@given(TEXTS)
def test_every_text_comes_back_as_it_was_and_none_begins_a_formula(text: str) -> None:
    assert unsafe(safe(text)) == text
    assert safe(text)[:1] not in [*"\t\r\n", *SIGNS]
    assert safe(text).lstrip()[:1] not in [*SIGNS]


@given(st.lists(TEXTS, max_size=4), st.sets(st.sampled_from(SEPARATORS)), st.booleans())
def test_however_a_line_is_split_no_piece_of_it_begins_a_formula(
    texts: list[str], separators: set[str], stripped: bool
) -> None:
    line = ",".join(sheets.cell(text) for text in texts)
    if stripped:
        line = line.replace('"', "")
    for piece in re.split(f"[{''.join(separators)}]", line) if separators else [line]:
        assert piece.lstrip(f'"{string.whitespace}\u00a0\ufeff\u200b')[:1] not in [*SIGNS], piece


async def test_names_and_texts_are_neutralised_wherever_they_stand(cast: Cast) -> None:
    first = await cast.say(cast.milo, '=cmd|" /C calc"!A0, "quoted"\nand a second line')
    await cast.say(cast.mina, "fine", reply_to=first["id"])
    await database.fetch("UPDATE person SET name = '@milo' WHERE id = $1", cast.milo.id)
    one, two = (await written(cast.milo, cast.chess))[-2:]
    assert one["body"] == '\'=cmd|" /C calc"!A0, "quoted"\nand a second line'
    assert one["author_name"] == "'@milo"
    assert two["reply_to_text"].startswith("'=cmd")


async def test_a_persons_data_is_a_zip_with_a_file_for_each_kind_of_it(cast: Cast) -> None:
    await talk(cast)
    assert (await cast.milo.api.post("/contacts", json={"username": "mina"})).is_success
    assert (await cast.milo.api.put(f"/conversations/{cast.chess}/mute", json={"until": "ever"})).is_success
    await database.fetch("INSERT INTO avatar (person, digest, bytes) VALUES ($1, 'd', 'picture')", cast.milo.id)
    out = Written()
    async with person.opened(order(cast.milo, None), INSTANCE) as data:
        await format_csv.write_person(data, out)
    assert out.messages == data.head.count
    with zipfile.ZipFile(io.BytesIO(out.data)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found.pop("picture.webp") == b"picture"
    tables = {name.removesuffix(".csv"): rows(data) for name, data in found.items()}
    assert set(tables) == {"profile", "settings", *person.LISTS, *person.STREAMS}
    assert tables["profile"][0]["email"] == "milo@example.org"
    assert "picture" not in tables["profile"][0]
    assert tables["contacts"][0]["person_username"] == "mina"
    assert tables["conversations"][0]["muted_until"].startswith("9999")
    assert [each["body"] for each in tables["messages"]] == ["I do, and so does @mina", "at four"]
    assert tables["sessions"][0]["created_at"].endswith(("+01:00", "+02:00"))


def test_an_empty_table_still_says_what_would_stand_in_it() -> None:
    table = sheets.Table(person.Block, UTC)
    assert table.head() == b"person_id,person_username,person_name,created_at,created_at_utc\r\n"
    assert table.rows([]) == b""
