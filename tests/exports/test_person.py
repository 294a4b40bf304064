from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from app.core import database
from app.core.errors import NotFound
from app.exports import own, person
from app.exports.model import STRETCH
from app.exports.person import PersonData
from app.notifications import actions, gather
from tests.accounts.test_tokens import bot_of
from tests.conftest import Cast
from tests.exports.conftest import INSTANCE, order
from tests.messages.test_plans import plan


async def read(data: PersonData) -> dict[str, list[object]]:
    return {
        name: [each async for stretch in getattr(data, name)() for each in stretch]
        for name in ("messages", "mentions", "notifications")
    }


def encoded(data: PersonData, found: dict[str, list[object]]) -> str:
    """All of it as text."""
    fixed = [getattr(data, name) for name in ("head", "profile", "settings", *person.LISTS)]
    return msgspec.json.encode([fixed, found]).decode()


async def test_all_that_is_kept_of_a_person_and_nothing_secret_is_given(cast: Cast) -> None:
    milo, mina = cast.milo, cast.mina
    first = await cast.say(milo, "hello @mina")
    await cast.say(mina, "hello @milo")
    await cast.say(milo, "an answer", reply_to=first["id"])
    gone = await cast.say(milo, "I should not have said that")
    assert (await milo.api.delete(f"/messages/{gone['id']}")).is_success
    assert (await milo.api.post("/contacts", json={"username": "mina"})).is_success
    assert (await milo.api.put("/people/oscar/block")).is_success
    made = await milo.api.post("/me/tokens", json={"name": "my script", "scopes": ["read"], "expires_at": None})
    direct = (await milo.api.put("/direct/ada")).json()["id"]
    await cast.say(milo, "between us", direct)
    async with person.opened(order(milo, None), INSTANCE) as data:
        found = await read(data)
    assert (data.profile.username, data.profile.email) == ("milo", "milo@example.org")
    assert [each.device for each in data.sessions] == ["tests"]
    assert [(each.name, each.scopes) for each in data.tokens] == [("my script", ["read"])]
    assert [(each.person.username, each.state) for each in data.contacts] == [("mina", "asked_by_me")]
    assert [each.person.username for each in data.blocks] == ["oscar"]
    assert {each.title for each in data.conversations} == {"Chess club", "Ada Admin"}
    bodies = [(each.body, each.conversation, each.reply_to) for each in found["messages"]]  # type: ignore[attr-defined]
    assert bodies == [
        ("hello @mina", "Chess club", None),
        ("an answer", "Chess club", first["id"]),
        ("", "Chess club", None),
        ("between us", "Ada Admin", None),
    ]
    assert [each.author.username for each in found["mentions"]] == ["mina"]  # type: ignore[attr-defined]
    assert data.head.count == sum(map(len, found.values()))
    everything = encoded(data, found)
    for secret in (made.json()["token"], "password", "hash", "ada@example", "mina@example", "should not have said"):
        assert secret not in everything
    row = await database.fetch_row(
        "SELECT password_hash, encode(t.hash, 'base64') FROM person p JOIN access_token t ON t.person = p.id"
    )
    assert row is not None
    assert not any(secret in everything for secret in row)


async def test_what_one_wrote_where_one_is_no_longer_in_is_ones_own_and_its_title_is_not(cast: Cast) -> None:
    await cast.say(cast.mina, "mine for good")
    await cast.say(cast.olive, "@mina hers")
    assert (await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.mina.id}")).status_code == 204
    async with person.opened(order(cast.mina, None), INSTANCE) as data:
        found = await read(data)
    assert [(each.body, each.conversation) for each in found["messages"]] == [("mine for good", None)]  # type: ignore[attr-defined]
    assert found["mentions"] == []
    assert "Chess" not in encoded(data, found)


async def test_only_what_is_in_the_range_is_given_and_counted(cast: Cast) -> None:
    for number in range(3):
        await cast.say(cast.milo, f"number {number}")
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await database.fetch(
        "UPDATE message SET created_at = $1::timestamptz + position * interval '1 hour' WHERE author = $2",
        noon,
        cast.milo.id,
    )
    position = await database.fetch_value("SELECT min(position) FROM message WHERE body LIKE 'number%'")
    start = noon + timedelta(hours=position + 1)
    asked = order(cast.milo, None, from_=start, to=start + timedelta(hours=1))
    async with person.opened(asked, INSTANCE) as data:
        found = await read(data)
    assert [each.body for each in found["messages"]] == ["number 1"]  # type: ignore[attr-defined]
    assert data.head.messages == 1


async def test_more_than_a_stretch_comes_whole_and_in_order(cast: Cast) -> None:
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body)
        SELECT $1, 1000 + n, 1000 + n, $2, n::text FROM generate_series(1, 1200) AS n
        """,
        cast.chess,
        cast.milo.id,
    )
    async with person.opened(order(cast.milo, None), INSTANCE) as data:
        stretches = [stretch async for stretch in data.messages()]
    assert [len(stretch) for stretch in stretches] == [500, 500, 200]
    assert [each.body for stretch in stretches for each in stretch] == [str(n) for n in range(1, 1201)]


async def test_each_stretch_of_messages_and_notifications_goes_along_an_index(cast: Cast) -> None:
    me, many = cast.milo.id, 20_000
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body, created_at)
        SELECT $1, 1000 + n, 1000 + n, $2, n::text, now() - ($3 - n) * interval '1 min'
        FROM generate_series(1, $3::bigint) AS n
        """,
        cast.chess,
        me,
        many,
    )
    await database.fetch(
        "UPDATE conversation SET position = $2 + 1000, change = $2 + 1000 WHERE id = $1", cast.chess, many
    )
    await database.fetch(
        """
        INSERT INTO notification (person, kind, actor, in_app, read_at, created_at, updated_at)
        SELECT $1, 'contact_accepted', $2, true, now(), now() - random() * interval '10 days',
               now() - n * interval '1 min'
        FROM generate_series(1, $3::bigint) AS n
        """,
        me,
        cast.mina.id,
        many,
    )
    for table in ("message", "notification", "membership", "conversation"):
        await database.fetch(f"ANALYZE {table}")
    for stream, kind in ((own.MESSAGES, "messages"), (own.NOTIFICATIONS, "notifications")):
        first = [0] if len(stream.key) == 1 else [datetime(2020, 1, 1, tzinfo=UTC), 0]
        nodes = await plan(stream.stretch, me, None, None, STRETCH, *first)
        # The messages that one notification tells of may be sorted: no more than 20.
        assert max((node["Actual Rows"] for node in nodes if "Sort" in node["Node Type"]), default=0) <= 20, kind
        assert max(node["Actual Rows"] for node in nodes) <= STRETCH, kind


async def test_of_what_one_was_told_as_much_is_given_as_the_centre_shows(cast: Cast) -> None:
    _id, bot = await bot_of(cast.milo)
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "weather"})
    question = await cast.say(cast.mina, "who knows the weather?")
    await cast.say(bot, "rain", reply_to=question["id"])
    gone = await cast.say(cast.olive, "@mina a secret")
    where = (await cast.olive.api.put("/direct/mina")).json()["id"]
    await cast.say(cast.olive, "one", where)
    later = await cast.say(cast.olive, "two", where)
    assert (await cast.oscar.api.post("/contacts", json={"username": "mina"})).is_success
    await actions.tell(cast.mina.id, "contact_request", cast.oscar.id)
    while behind := await gather.behind(1000):
        await gather.gather(behind)
    async with person.opened(order(cast.mina, None), INSTANCE) as data:
        before = {each.kind for each in (await read(data))["notifications"]}  # type: ignore[attr-defined]
    assert before >= {"reply", "mention", "direct", "contact_request"}
    await cast.olive.api.delete(f"/messages/{gone['id']}")
    await cast.olive.api.delete(f"/messages/{later['id']}")
    await cast.mina.api.put("/people/milo/block")
    async with person.opened(order(cast.mina, None), INSTANCE) as data:
        found = (await read(data))["notifications"]
    given = [(each.id, each.kind, each.many, each.person.username) for each in found]  # type: ignore[attr-defined]
    listed = (await cast.mina.api.get("/notifications")).json()["notifications"]
    shown = [(each["id"], each["kind"], each["many"], each["person"]["username"]) for each in listed]
    assert sorted(given) == sorted(shown)
    assert {kind for _id, kind, _many, _who in given} == before - {"reply", "mention"}
    assert data.head.notifications == len(given)


async def test_nothing_is_given_of_an_account_that_was_closed_meanwhile(cast: Cast) -> None:
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.milo.id)
    with pytest.raises(NotFound):
        async with person.opened(order(cast.milo, None), INSTANCE):
            pass
