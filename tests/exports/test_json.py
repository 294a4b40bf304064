"""JSON: valid against its schema whatever people write, one document, and one message a line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import database
from app.exports import person, source
from app.exports.formats import json as format_json
from app.exports.model import CancelledExport
from app.people.views import shown_name
from tests.conftest import Actor, Cast
from tests.exports.conftest import INSTANCE, Written, order
from tests.exports.test_source import exported, talk

SCHEMA = json.loads((Path(source.__file__).parent / "schema" / "causerie-export-1.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def valid(data: bytes) -> dict[str, Any]:
    """The document, once it is what the schema says."""
    document: dict[str, Any] = json.loads(data)
    VALIDATOR.validate(document)
    return document


async def written(who: Actor, conversation: int, **more: Any) -> Written:
    out = Written()
    async with source.opened(order(who, conversation, **more), INSTANCE) as opened:
        await format_json.write(opened, out)
    return out


async def test_a_conversation_is_one_valid_document_with_all_that_is_shown(cast: Cast) -> None:
    await talk(cast)
    out = await written(cast.milo, cast.chess)
    document = valid(out.data)
    head, found = await exported(cast.milo, cast.chess)
    about = document["conversation"]
    assert (about["id"], about["title"], about["count"]) == (cast.chess, "Chess & more", len(found))
    assert {each["username"] for each in about["members"]} == {"olive", "milo", "mina"}
    assert document["causerie"]["requested_by"]["username"] == "milo"
    assert datetime.fromisoformat(document["causerie"]["read_at"]) >= found[-1].created_at
    assert [each["id"] for each in document["messages"]] == [each.id for each in found]
    assert out.messages == head.count
    renamed = next(each for each in document["messages"] if each["event"] == "renamed")
    assert (renamed["title"], renamed["body"]) == ("Chess & more", "Olive Owner renamed the group to “Chess & more”.")
    mention = next(each for each in document["messages"] if each["mentions"])
    assert mention["mentions"] == [{"name": "mina", "username": "mina"}]


async def test_each_message_stands_on_a_line_of_its_own(cast: Cast) -> None:
    await cast.say(cast.milo, "two\nlines\u2028and \u0085 more")
    out = await written(cast.milo, cast.chess)
    lines = out.data.split(b'"messages":[\n')[1].split(b"\n]")[0].split(b"\n")
    assert [json.loads(line.rstrip(b",")) for line in lines] == json.loads(out.data)["messages"]


async def test_a_range_without_a_message_is_a_valid_document_too(cast: Cast) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    document = valid((await written(cast.milo, cast.chess, from_=later, to=later + timedelta(days=1))).data)
    assert document["messages"] == []
    assert (document["conversation"]["first_at"], document["conversation"]["count"]) == (None, 0)


async def test_a_persons_data_is_one_valid_document_with_everything(cast: Cast) -> None:
    await talk(cast)
    assert (await cast.milo.api.post("/contacts", json={"username": "mina"})).is_success
    assert (await cast.milo.api.put("/people/oscar/block")).is_success
    assert (
        await cast.milo.api.post("/me/tokens", json={"name": "t", "scopes": ["read"], "expires_at": None})
    ).is_success
    assert (await cast.milo.api.put(f"/conversations/{cast.chess}/mute", json={"until": "ever"})).is_success
    assert (await cast.milo.api.post("/me/bots", json={"username": "robo", "name": "Robo"})).is_success
    await cast.milo.api.put("/me/notification-settings", json={"quiet_from": "22:00", "quiet_to": "07:00"})
    await cast.say(cast.mina, "so does @milo")
    await database.fetch(
        "INSERT INTO notification (person, kind, actor, in_app, created_at, updated_at)"
        " VALUES ($1, 'contact_accepted', $2, true, now(), now())",
        cast.milo.id,
        cast.mina.id,
    )
    await database.fetch("INSERT INTO avatar (person, digest, bytes) VALUES ($1, 'd', 'picture')", cast.milo.id)
    out = Written()
    async with person.opened(order(cast.milo, None), INSTANCE) as data:
        await format_json.write_person(data, out)
    document = valid(out.data)
    assert out.messages == data.head.count == 4
    assert document["profile"]["picture"]["data"] == "cGljdHVyZQ=="
    assert document["settings"]["quiet_from"] == "22:00:00"
    assert document["conversations"][0]["muted_until"].startswith("9999")
    for name in ("sessions", "tokens", "bots", "contacts", "blocks", "conversations", "mentions", "notifications"):
        assert len(document[name]) == 1, name
    assert len(document["messages"]) == 2


async def test_nothing_more_is_written_once_it_is_cancelled(cast: Cast) -> None:
    await talk(cast)
    out = Written(cancel_after=1)
    async with source.opened(order(cast.milo, cast.chess), INSTANCE) as opened:
        with pytest.raises(CancelledExport):
            await format_json.write(opened, out)
    assert not out.data.endswith(b"}\n")


@pytest.mark.parametrize(
    "harm",
    [
        {"body": 3},
        {"kind": "poem"},
        {"created_at": "yesterday"},
        {"created_at": "2026-11-21T12:00:00+01:00"},
        {"author": {"id": 1, "username": "x"}},
        {"event": "joined"},
        {"deleted_at": "2026-11-21T12:00:00Z"},
        {"unknown": 1},
        {"position": 0},
    ],
)
async def test_the_schema_refuses_what_is_no_message(cast: Cast, harm: dict[str, Any]) -> None:
    await cast.say(cast.milo, "hello")
    document = valid((await written(cast.milo, cast.chess)).data)
    document["messages"][-1] |= harm
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


async def test_the_schema_has_a_place_for_reactions_and_attachments_and_for_what_others_add(cast: Cast) -> None:
    await cast.say(cast.milo, "hello")
    document = valid((await written(cast.milo, cast.chess)).data)
    message = document["messages"][-1]
    message["reactions"] = [{"emoji": "👍", "people": [message["author"]]}]
    message["attachments"] = [{"id": 1, "name": "a.pdf", "type": "application/pdf", "size": 9, "later": True}]
    message["x-colour"] = "blue"
    valid(json.dumps(document).encode())


storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(storable, min_size=1, max_size=5), name=storable, title=storable)
async def test_whatever_people_write_the_document_is_valid_and_says_it(
    cast: Cast, bodies: list[str], name: str, title: str
) -> None:
    await database.fetch("DELETE FROM message WHERE conversation = $1", cast.chess)
    await database.fetch("UPDATE person SET name = $2 WHERE id = $1", cast.milo.id, name)
    await database.fetch(
        "UPDATE conversation SET title = $2, position = $3 WHERE id = $1", cast.chess, title, len(bodies)
    )
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body)
        SELECT $1, n, n, $2, body FROM unnest($3::text[]) WITH ORDINALITY AS t (body, n)
        """,
        cast.chess,
        cast.milo.id,
        bodies,
    )
    document = valid((await written(cast.milo, cast.chess)).data)
    assert [each["body"] for each in document["messages"]] == bodies
    assert document["conversation"]["title"] == title
    assert {each["author"]["name"] for each in document["messages"]} == {shown_name(name)}
