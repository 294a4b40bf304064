"""From the asking to the file, with nothing left out: the program as it is, its formats and its signature."""

import io
import json
import zipfile

import pytest

from app.exports import keys, making
from app.exports.verify import verify
from tests.conftest import Actor, Cast
from tests.exports.shelf import asked, fetched, shown


async def made(cast: Cast, who: Actor, conversation: int | None, **more: object) -> bytes:
    """The file of an export that they ask for."""
    export = await asked(who, conversation, **more)
    await making.make(cast.server.settings, cast.server.app.state.bell, export)
    view = await shown(who, export)
    assert view["status"] == "ready", view
    return await fetched(who, export)


async def test_a_conversation_as_data_is_what_was_said_in_it(cast: Cast) -> None:
    said = [(await cast.say(cast.milo, f"move {number}"))["body"] for number in range(3)]
    found = json.loads(await made(cast, cast.mina, cast.chess, format="json"))
    assert [each["body"] for each in found["messages"] if each["kind"] != "system"] == said


async def test_all_of_ones_own_data_as_tables_is_a_zip(cast: Cast) -> None:
    await cast.say(cast.milo, "mine")
    with zipfile.ZipFile(io.BytesIO(await made(cast, cast.milo, None, format="csv"))) as tables:
        assert "mine" in tables.read("messages.csv").decode()
        assert "milo@example.org" in tables.read("profile.csv").decode()


@pytest.mark.parametrize("of", ["conversation", "person"])
async def test_an_archive_is_signed_by_the_worker_and_genuine(cast: Cast, of: str) -> None:
    await cast.say(cast.milo, "for ever")
    data = await made(cast, cast.milo, cast.chess if of == "conversation" else None, format="json", archive=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert "for ever" in archive.read("conversation.json" if of == "conversation" else "data.json").decode()
    published = (await keys.published()).keys
    assert verify(io.BytesIO(data), published).genuine
    at = len(data) // 2
    assert not verify(io.BytesIO(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]), published).genuine


async def test_who_was_removed_before_it_was_their_turn_is_told_why_there_is_none(cast: Cast) -> None:
    export = await asked(cast.milo, cast.chess)
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    await making.make(cast.server.settings, cast.server.app.state.bell, export)
    assert (await cast.milo.api.get(f"/exports/{export}")).status_code == 404
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "milo"})
    assert "no longer have access" in (await shown(cast.milo, export))["error"]


@pytest.mark.parametrize("of", ["conversation", "person"])
async def test_a_document_is_drawn_within_the_limits_of_the_program(cast: Cast, of: str) -> None:
    await cast.say(cast.milo, "for the wall")
    data = await made(cast, cast.milo, cast.chess if of == "conversation" else None, format="pdf", paper="letter")
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
