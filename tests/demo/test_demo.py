"""What `make demo` leaves in a new instance: a history as the app itself would have written it, worth looking at."""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import re
import unicodedata
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from app import demo
from app.accounts.usernames import FORM, is_reserved
from app.core import database, security
from app.core.settings import Settings, load
from app.demo import script, world
from app.demo.cast import characters
from app.demo.chat import Chat
from app.demo.slots import Slots

NEW_PERSON = """
    INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key)
    VALUES ($1, $1, $1, $1 || '@example.com', $1 || '@example.com', 'x', $1) RETURNING id
"""


@dataclass(frozen=True)
class Filled:
    """A database after `fill`, and what `fill` printed."""

    dsn: str
    printed: str

    @property
    def password(self) -> str:
        found = re.search(r"^    (\S+)$", self.printed, re.MULTILINE)
        assert found, self.printed
        return found[1]


@pytest.fixture(scope="module")
def filled(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """One filled database for the tests that only read."""
    name = f"demo_{uuid4().hex[:12]}"
    admin, dsn = (cluster.replace("@/causerie?", f"@/{each}?") for each in ("postgres", name))
    asyncio.run(_execute(admin, f"CREATE DATABASE {name} TEMPLATE causerie"))
    settings = load({"DATABASE_URL": dsn, "DATA_DIR": str(tmp_path_factory.mktemp("demo"))})
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        asyncio.run(demo.fill(settings, dsn))
    yield Filled(dsn, printed.getvalue())
    asyncio.run(_execute(admin, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def reader(filled: Filled) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the filled database."""
    connection = await asyncpg.connect(filled.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def writer(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the test's own, empty database."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()


async def _wrong(connection: asyncpg.Connection) -> dict[str, list[int]]:
    """What breaks an invariant of the feed: for each of them the conversations, or messages, that do."""
    found = {name: [row[0] for row in await connection.fetch(sql)] for name, sql in INVARIANTS.items()}
    return {name: ids for name, ids in found.items() if ids}


INVARIANTS = {
    "positions run from 1 to the head without gap": """
        SELECT c.id FROM conversation c LEFT JOIN message m ON m.conversation = c.id GROUP BY c.id
        HAVING c.position <> count(m.id) OR min(m.position) <> 1 OR max(m.position) <> c.position
    """,
    "positions follow the time": """
        SELECT id FROM (
            SELECT id, created_at <= lag(created_at) OVER (PARTITION BY conversation ORDER BY position) AS wrong
            FROM message
        ) m WHERE wrong
    """,
    "the highest change is the head": """
        SELECT c.id FROM conversation c LEFT JOIN message m ON m.conversation = c.id GROUP BY c.id
        HAVING coalesce(max(m.change), 0) <> c.change OR min(m.change) < 1
    """,
    "there are as many changes as messages, edits and deletions": """
        SELECT c.id FROM conversation c JOIN message m ON m.conversation = c.id GROUP BY c.id
        HAVING c.change <> count(*) + count(m.edited_at) + count(m.deleted_at)
    """,
    "what was changed stands in the feed where it was changed, not where it was made": """
        WITH placed AS (SELECT *, coalesce(deleted_at, edited_at, created_at) AS last FROM message)
        SELECT id FROM (
            SELECT id, last < lag(last) OVER (PARTITION BY conversation ORDER BY change) AS wrong FROM placed
        ) m WHERE wrong
    """,
    "a conversation was last active when its newest message was sent": """
        SELECT c.id FROM conversation c JOIN message m ON m.conversation = c.id AND m.position = c.position
        WHERE c.last_activity_at <> m.created_at OR c.created_at > c.last_activity_at
    """,
    "nobody has read further than there is, nor less than they wrote": """
        SELECT m.id FROM membership m JOIN conversation c ON c.id = m.conversation
        WHERE m.read_position > c.position OR m.read_position < (
            SELECT coalesce(max(x.position), 0) FROM message x WHERE x.conversation = c.id AND x.author = m.person
        )
    """,
    "who writes is a member then": """
        SELECT x.id FROM message x WHERE x.kind = 'text' AND NOT EXISTS (
            SELECT FROM membership m
            WHERE m.conversation = x.conversation AND m.person = x.author AND m.joined_at <= x.created_at
        ) AND NOT EXISTS (
            SELECT FROM message gone WHERE gone.conversation = x.conversation AND gone.subject = x.author
              AND gone.event IN ('left', 'removed') AND gone.position > x.position
        )
    """,
    "who was removed or left is no member": """
        SELECT m.id FROM membership m JOIN message gone ON gone.conversation = m.conversation
        WHERE gone.subject = m.person AND gone.event IN ('left', 'removed')
    """,
    "an answer is to something earlier in the same conversation": """
        SELECT m.id FROM message m LEFT JOIN message x ON x.id = m.reply_to
        WHERE m.reply_to IS NOT NULL AND (x.conversation, x.position < m.position)
              IS DISTINCT FROM (m.conversation, true)
    """,
    "what was deleted has no text, the rest has": """
        SELECT id FROM message WHERE kind = 'text' AND (deleted_at IS NULL) = (body = '')
    """,
    "messages of people have a key, those of the system an event": """
        SELECT id FROM message WHERE (kind = 'text') <> (key IS NOT NULL) OR (kind = 'system') <> (event IS NOT NULL)
    """,
    "everyone is in the general room": """
        SELECT p.id FROM person p WHERE NOT EXISTS (
            SELECT FROM membership m JOIN conversation c ON c.id = m.conversation AND c.kind = 'general'
            WHERE m.person = p.id AND m.joined_at >= p.created_at
        )
    """,
    "the owner of a group is in it": """
        SELECT c.id FROM conversation c WHERE c.kind = 'group' AND NOT EXISTS (
            SELECT FROM membership m WHERE m.conversation = c.id AND m.person = c.owner
        )
    """,
    "a direct conversation is of the two that its key names": """
        SELECT c.id FROM conversation c JOIN membership m ON m.conversation = c.id WHERE c.kind = 'direct'
        GROUP BY c.id HAVING c.direct_key <> min(m.person) || ':' || max(m.person) OR count(*) <> 2
    """,
}


async def test_the_history_is_one_that_the_app_could_have_written(reader: asyncpg.Connection) -> None:
    assert await _wrong(reader) == {}


async def test_it_has_people_rooms_and_thousands_of_messages_of_the_last_three_months(
    reader: asyncpg.Connection,
) -> None:
    kinds = dict(await reader.fetch("SELECT kind, count(*) FROM conversation GROUP BY kind"))
    assert kinds["general"] == 1 and kinds["group"] >= 14 and kinds["direct"] == 25
    assert await reader.fetchval("SELECT count(*) FROM person") >= 60
    assert 5_500 < await reader.fetchval("SELECT count(*) FROM message") < 7_500
    oldest, newest = await reader.fetchrow("SELECT min(created_at), max(created_at) FROM message")
    now = datetime.now(UTC)
    assert timedelta(days=85) < now - oldest < timedelta(days=95)
    assert timedelta() < now - newest < timedelta(days=1)
    assert await reader.fetchval("SELECT max(greatest(edited_at, deleted_at)) FROM message") <= now


async def test_people_write_at_human_hours(reader: asyncpg.Connection) -> None:
    night = "extract(hour FROM created_at AT TIME ZONE 'Europe/Paris') NOT BETWEEN 7 AND 23"
    assert await reader.fetchval(f"SELECT count(*) FROM message WHERE kind = 'text' AND {night}") == 0


async def test_there_are_rooms_of_every_sort(reader: asyncpg.Connection) -> None:
    groups = await reader.fetch(
        """
        SELECT c.title, (SELECT count(*) FROM membership m WHERE m.conversation = c.id) AS members,
               (SELECT count(*) FROM message x WHERE x.conversation = c.id AND x.kind = 'text') AS said
        FROM conversation c WHERE c.kind = 'group'
        """
    )
    assert any(group["members"] == 1 for group in groups)
    assert any(group["said"] == 0 for group in groups)
    assert all(len(group["title"]) <= 100 for group in groups)
    assert sum(len(group["title"]) > 90 for group in groups) == 2
    assert any(_runs_right_to_left(group["title"]) for group in groups)
    assert await reader.fetchval("SELECT count(*) FROM conversation WHERE kind = 'direct' AND position = 0") == 1
    events = {row[0] for row in await reader.fetch("SELECT DISTINCT event FROM message WHERE kind = 'system'")}
    assert events == {"created", "joined", "added", "removed", "left", "renamed", "handed_over"}


async def test_what_people_say_is_varied(reader: asyncpg.Connection) -> None:
    said = [row[0] for row in await reader.fetch("SELECT body FROM message WHERE kind = 'text' AND body <> ''")]
    assert len(set(said)) > 0.6 * len(said)
    french, english = ({"le", "la", "est", "et", "pour", "je"}, {"the", "is", "and", "for", "you", "it"})
    words = [set(re.findall(r"\w+", body.lower())) for body in said]
    assert sum(bool(each & french) for each in words) > 1_000
    assert sum(bool(each & english) for each in words) > 1_000
    looked_for = {
        "Arabic": r"[\u0600-\u06ff]",
        "Hebrew": r"[\u0590-\u05ff]",
        "Chinese and Japanese": r"[\u3040-\u30ff\u4e00-\u9fff]",
        "emoji": r"[\U0001f300-\U0001faff]",
        "code blocks": r"(?m)^```",
        "inline code": r"`[^`\n]+`",
        "links": r"https://\S+",
        "lists": r"(?m)^(- |\d\. ).+\n(- |\d\. )",
        "strong emphasis": r"\*\*\S",
        "mentions": r"@\w+",
        "several paragraphs": r"\n\n",
        "long": r"(?s).{1200}",
    }
    missing = [what for what, pattern in looked_for.items() if sum(bool(re.search(pattern, b)) for b in said) < 3]
    assert not missing
    assert max(len(body) for body in said) <= 2_000
    for what in ("edited_at", "deleted_at", "reply_to"):
        assert await reader.fetchval(f"SELECT count({what}) FROM message") > 40, what


async def test_the_demo_account_has_few_many_and_no_unread_messages(reader: asyncpg.Connection) -> None:
    counts = await reader.fetch(
        """
        SELECT (SELECT count(*) FROM message x WHERE x.conversation = m.conversation AND x.position > m.read_position
                  AND x.kind <> 'system' AND x.deleted_at IS NULL AND x.author <> m.person)
        FROM membership m JOIN person p ON p.id = m.person WHERE p.username = 'demo'
        """
    )
    unread = [row[0] for row in counts]
    assert {0, 3, 27, 150} <= set(unread)
    assert unread.count(0) > len(unread) / 2


async def test_everyone_logs_in_with_the_password_that_was_printed(filled: Filled, reader: asyncpg.Connection) -> None:
    people = await reader.fetch("SELECT username, role, password_hash FROM person")
    assert {"demo": "admin", "camille": "teacher"}.items() <= {p["username"]: p["role"] for p in people}.items()
    hashes = {person["password_hash"] for person in people}
    assert len(hashes) == 1
    assert await security.password_matches(hashes.pop(), filled.password)
    assert await security.password_problem(filled.password, "demo") is None
    assert "http://localhost:8000" in filled.printed


def test_usernames_are_such_as_can_be_signed_up_with() -> None:
    names = [character.username for character in characters()]
    assert [name for name in names if not FORM.fullmatch(name) or not 3 <= len(name) <= 30 or is_reserved(name)] == []
    assert all(len(character.name) <= 50 for character in characters())


async def test_a_second_time_is_refused_and_changes_nothing(
    dsn: str, settings: Settings, writer: asyncpg.Connection
) -> None:
    await demo.fill(settings, dsn, 0.1)
    before = await writer.fetch("SELECT id, change, position FROM conversation ORDER BY id")
    with pytest.raises(demo.DemoError, match="only fills a new instance"):
        await demo.fill(settings, dsn, 0.1)
    assert await writer.fetch("SELECT id, change, position FROM conversation ORDER BY id") == before
    assert await writer.fetchval("SELECT count(*) FROM person") == len(characters())


async def test_an_instance_where_someone_has_written_is_refused(
    dsn: str, settings: Settings, writer: asyncpg.Connection
) -> None:
    person = await writer.fetchval(NEW_PERSON, "ada")
    await writer.execute(
        "INSERT INTO message (conversation, position, change, author, body) SELECT id, 1, 1, $1, 'hello'"
        " FROM conversation",
        person,
    )
    with pytest.raises(demo.DemoError):
        await demo.fill(settings, dsn)
    assert await writer.fetchval("SELECT count(*) FROM person") == 1


async def test_a_username_of_the_demo_that_is_taken_is_named(
    dsn: str, settings: Settings, writer: asyncpg.Connection
) -> None:
    await writer.fetchval(NEW_PERSON, "demo")
    with pytest.raises(demo.DemoError, match=r"\(demo\)"):
        await demo.fill(settings, dsn)


async def test_a_database_without_tables_is_refused(cluster: str, settings: Settings) -> None:
    with pytest.raises(demo.DemoError, match="migrate"):
        await demo.fill(settings, cluster.replace("@/causerie?", "@/postgres?"))


async def test_whoever_signed_up_before_keeps_their_place_behind_the_history(
    dsn: str, settings: Settings, writer: asyncpg.Connection
) -> None:
    await database.connect(dsn)
    for name in ("ada", "bob"):  # as accounts and conversations do when somebody signs up and looks
        person = await writer.fetchval(NEW_PERSON, name)
        await writer.execute(
            """
            WITH general AS (
                UPDATE conversation SET change = change + 1, position = position + 1,
                                        last_activity_at = clock_timestamp() RETURNING *
            ), joined AS (
                INSERT INTO membership (conversation, person, read_position) SELECT id, $1, position FROM general
            )
            INSERT INTO message (conversation, position, change, author, kind, event, created_at)
            SELECT id, position, change, $1, 'system', 'joined', last_activity_at FROM general
            """,
            person,
        )
    await demo.fill(settings, dsn, 0.2)
    assert await _wrong(writer) == {}
    last = await writer.fetch(
        """
        SELECT p.username, x.position = m.read_position AS read FROM message x JOIN person p ON p.id = x.author
        JOIN conversation c ON c.id = x.conversation AND c.kind = 'general' AND x.position > c.position - 2
        JOIN membership m ON m.conversation = c.id AND m.person = p.id ORDER BY x.position
        """
    )
    assert [tuple(row) for row in last] == [("ada", True), ("bob", True)]


async def test_a_shorter_limit_of_messages_is_kept(dsn: str, settings: Settings, writer: asyncpg.Connection) -> None:
    await demo.fill(replace(settings, max_message_length=80), dsn, 0.2)
    assert await writer.fetchval("SELECT max(length(body)) FROM message WHERE kind = 'text'") == 80
    assert await _wrong(writer) == {}


def test_the_same_seed_tells_the_same_story() -> None:
    now = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    one, other = ([d.body for chat in _conversations(now, first, 0.3) for d in chat.drafts] for first in (1, 5_000))
    assert one == other


@pytest.mark.parametrize("hour", [3, 7, 23])
def test_at_any_hour_it_ends_before_now_and_has_what_is_unread(hour: int) -> None:
    now = datetime(2026, 3, 30, hour, 1, tzinfo=UTC)  # the clocks changed the day before
    told = _conversations(now, 1, 1)
    assert max(d.said_at for chat in told for d in chat.drafts) <= now
    behind = {
        sum(d.counts and d.author != 1 for d in chat.drafts[stay.read_position :])
        for chat in told
        for stay in chat.stays
        if stay.person == 1
    }
    assert {0, 3, 27, 150} <= behind


def test_twice_the_scale_is_twice_the_talk() -> None:
    now = datetime.now(UTC)
    one, two = (sum(len(chat.drafts) for chat in _conversations(now, 1, scale)) for scale in (0.5, 1))
    assert 1.8 < two / one < 2.1


def test_every_written_line_can_be_spoken_in_full() -> None:
    cast = characters()
    for dialogue in script.dialogues():
        names = {name: "Alex" for letter in (*dialogue.speakers, "B") for name in (letter, f"@{letter}")}
        for seed in range(5):
            slots = Slots(random.Random(seed), dialogue.language, datetime.now(UTC), names, cast)
            for line in dialogue.lines:
                text = script.speak(line.text, slots.__getitem__, slots.choose)
                assert not re.search(r"\{@?[A-Za-z]\w*\}|\{[^{}\n]*\|", text), text
                assert 0 < len(text) <= 2_000 or line.deleted, line


def test_a_line_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd.txt").write_text("== en chat\nA: fine\nnobody says this\n")
    monkeypatch.setattr(script, "TEXTS", tmp_path)
    with pytest.raises(ValueError, match=r"odd\.txt:3 .*nobody says this"):
        script.dialogues.__wrapped__()


def _conversations(now: datetime, first_id: int, scale: float) -> list[Chat]:
    people = world.settle_in(list(enumerate(characters(), first_id)), now)
    return world.conversations(people, now, now, scale, 2_000)


def _runs_right_to_left(text: str) -> bool:
    return unicodedata.bidirectional(text[0]) in ("R", "AL")
