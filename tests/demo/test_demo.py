"""What `make demo` leaves in a new instance: a history as the app itself would have written it, worth looking at."""

from __future__ import annotations

import contextlib
import io
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from app import demo
from app.accounts.usernames import FORM, is_reserved
from app.core import database, security
from app.core.settings import Settings, load
from app.demo.cast import characters
from tests.conftest import stop_kept
from tests.demo.invariants import wrong

pytestmark = pytest.mark.xdist_group("demo")  # filled once

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
async def filled(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """One filled database for the tests that only read."""
    name = f"demo_{uuid4().hex[:12]}"
    admin, dsn = (cluster.replace("@/causerie?", f"@/{each}?") for each in ("postgres", name))
    await stop_kept()
    await _execute(admin, f"CREATE DATABASE {name} TEMPLATE causerie")
    settings = load({"DATABASE_URL": dsn, "DATA_DIR": str(tmp_path_factory.mktemp("demo"))})
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        await demo.fill(settings, dsn)
    return Filled(dsn, printed.getvalue())  # it goes with the cluster, at the end of the session


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


async def test_the_history_is_one_that_the_app_could_have_written(reader: asyncpg.Connection) -> None:
    assert await wrong(reader) == {}


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
    assert await wrong(writer) == {}
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
    assert await wrong(writer) == {}


def _runs_right_to_left(text: str) -> bool:
    return unicodedata.bidirectional(text[0]) in ("R", "AL")
