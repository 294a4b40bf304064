"""A long history stays fast: the plans of the hot statements, on a conversation of 100,000 messages."""

import json
from collections.abc import AsyncIterator
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from app.conversations.lines import COLUMNS, ITEM
from app.core import database
from app.messages import queries
from app.messages.lines import LINES
from app.messages.queries import BEFORE, FEED, FEEDS, FROM
from app.messages.statements import SENDS, SENDS_NAMING, SENDS_ONE
from app.people.policy import Policy
from tests.conftest import Cast
from tests.processes import until

MANY = 100_000
AUTOVACUUM = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'autovacuum%'"


@pytest.fixture
async def settled(cast: Cast) -> AsyncIterator[None]:
    """Inside, Postgres analyzes no table by itself: what it costs would be estimated anew in the midst of a test."""
    await database.fetch("ALTER SYSTEM SET autovacuum = off")
    await database.fetch("SELECT pg_reload_conf()")
    await until(_is_idle, "autovacuum ends")
    yield
    await database.fetch("ALTER SYSTEM RESET autovacuum")
    await database.fetch("SELECT pg_reload_conf()")


async def _is_idle() -> bool:
    return bool(await database.fetch_value(AUTOVACUUM) == 0)


@pytest.fixture
async def long(cast: Cast, settled: None) -> Cast:
    """The chess club after 100,000 messages."""
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body, created_at)
        SELECT $1, n, n, CASE WHEN n % 3 = 0 THEN $2::bigint ELSE $3::bigint END, 'message ' || n,
               now() - (300000 - n) * interval '1 s'
        FROM generate_series(100, $4::bigint) AS n
        """,
        cast.chess,
        cast.milo.id,
        cast.olive.id,
        MANY,
    )
    await database.fetch("UPDATE conversation SET position = $2, change = $2 WHERE id = $1", cast.chess, MANY)
    # What other tests left behind is swept too: tables of many pages and few rows have plans of their own.
    await database.fetch("VACUUM ANALYZE")
    return cast


async def plan(sql: str, *args: Any) -> list[dict[str, Any]]:
    """The nodes of the plan of that statement as it ran, the outermost first."""
    found = await database.fetch_value(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", *args)
    nodes: list[dict[str, Any]] = []

    def walk(node: dict[str, Any]) -> None:
        nodes.append(node)
        for part in node.get("Plans", []):
            walk(part)

    walk(json.loads(found)[0]["Plan"])
    return nodes


def assert_bounded(nodes: list[dict[str, Any]], rows: int) -> None:
    """No node reads all messages; none touches or sorts more of them than that, the thrown away included."""
    for node in nodes:
        assert "Sort" not in node["Node Type"] or node["Actual Rows"] <= rows, node
        if node.get("Relation Name") == "message":
            assert node["Node Type"] != "Seq Scan", node
            touched = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            assert touched <= rows, node


async def test_a_page_of_history_costs_the_same_at_the_start_the_middle_and_the_end(long: Cast) -> None:
    for condition, position in product((BEFORE, FROM), (200, MANY // 2, MANY)):
        nodes = await plan(f"{LINES} WHERE {condition}", long.chess, position, 50)
        assert_bounded(nodes, 60)


async def test_the_feed_reads_what_changed_and_no_more(long: Cast) -> None:
    nodes = await plan(f"{LINES} WHERE {FEED}", long.chess, MANY - 20, 200)
    assert_bounded(nodes, 25)


async def test_the_feeds_of_several_read_what_changed_in_each_and_no_more(long: Cast) -> None:
    nodes = await plan(FEEDS, [long.chess, long.general], [MANY - 20, 0], 200)
    assert_bounded(nodes, 30)


@pytest.mark.parametrize("policy", ["open", "school"])
async def test_a_send_touches_a_handful_of_rows(long: Cast, policy: Policy) -> None:
    await database.fetch("UPDATE person SET role = 'teacher' WHERE id = $1", long.milo.id)
    one = await plan(SENDS_ONE[policy], long.chess, long.milo.id, uuid4(), "one", None, 0)
    assert_bounded(one, 10)
    key = uuid4()
    message = ([long.milo.id], [key], ["@mina"], [None], [0])
    naming = await plan(SENDS_NAMING[policy], long.chess, *message, [long.milo.id], [key], [long.mina.id], ["mina"])
    assert_bounded(naming, 10)
    keys = [uuid4() for _ in range(20)]
    several = await plan(SENDS[policy], long.chess, [long.milo.id] * 20, keys, ["more"] * 20, [None] * 20, [1] * 20)
    assert_bounded(several, 60)


async def test_counting_the_unread_stops_at_a_hundred(long: Cast) -> None:
    items = f"""
        WITH items AS MATERIALIZED (
            SELECT {COLUMNS} FROM membership m JOIN conversation c ON c.id = m.conversation
            WHERE m.person = $1 AND m.conversation = $2
        ) {ITEM}
    """
    assert_bounded(await plan(items, long.mina.id, long.chess), 160)


async def test_what_is_quoted_is_found_by_its_number_and_what_answers_it_too(long: Cast) -> None:
    await database.fetch(
        """
        UPDATE message x SET reply_to = q.id FROM message q
        WHERE x.conversation = $1 AND q.conversation = $1 AND x.position > 50000 AND q.position = x.position - 40000
        """,
        long.chess,
    )
    await database.fetch("ANALYZE message")
    back = "WHERE x.conversation = $1 AND x.position < $2 ORDER BY x.position DESC LIMIT 50"
    assert_bounded(await plan(f"{LINES} {back}", long.chess, MANY), 60)
    assert_bounded(await plan(f"{LINES} WHERE {FEED}", long.chess, MANY - 20, 200), 25)
    first = await database.fetch_value("SELECT reply_to FROM message WHERE position = $1", MANY)
    sent = await plan(SENDS_ONE["open"], long.chess, long.milo.id, uuid4(), "one", first, 1)
    assert_bounded(sent, 10)
    answers = await plan("UPDATE ONLY message x SET reply_to = NULL WHERE $1::bigint = reply_to", first)
    assert_bounded(answers, 2)


async def test_what_every_page_and_every_send_asks_is_not_planned_anew_each_time(long: Cast) -> None:
    """Postgres plans a statement for its arguments as long as that looks better than a plan for any; of some statements
    for ever, which costs more than the statement itself."""
    often = 20
    # As in a process that has just begun: what other tests asked of small tables is no measure for what is asked here.
    await database.pool().expire_connections()
    before = await made_plans()
    for number in range(often):
        await long.say(long.milo, f"hello {number}")
        assert (await long.mina.browser.get(f"/conversations/{long.chess}")).status_code == 200
        for change in (0, MANY - number):  # as pages that are open read on
            await queries.changed_in([(long.chess, change)], 200)
            await queries.changed_in([(long.chess, change), (long.general, 0)], 200)
    made = {
        of: [now - then for now, then in zip(plans, before.get(of, (0, 0)), strict=True)]
        for of, plans in (await made_plans()).items()
    }
    assert any(kept >= often // 2 for kept, _anew in made.values()), "statements are prepared, and kept"
    assert [statement for (_connection, statement), (_kept, anew) in made.items() if anew >= often // 2] == []


async def test_no_page_starts_processes_of_postgres(long: Cast) -> None:
    """A plan for any values expects a tenth of all messages, for which Postgres would share out the work."""
    async with database.transaction():
        await database.fetch("SET LOCAL plan_cache_mode = force_generic_plan")
        for condition in (queries.BEFORE, queries.FROM, queries.FEED):
            nodes = await plan(f"{LINES} WHERE {condition}", long.chess, MANY // 2, 50)
            assert [node["Node Type"] for node in nodes if "Gather" in node["Node Type"]] == []
            assert_bounded(nodes, 60)


async def made_plans() -> dict[tuple[int, str], tuple[int, int]]:
    """Of each connection and statement how often the plan for any values was used, and how often one was made anew."""
    pool = database.pool()
    connections = [await pool.acquire() for _ in range(pool.get_size())]
    counted = "SELECT statement, generic_plans, custom_plans, pg_backend_pid() AS pid FROM pg_prepared_statements"
    rows = [row for connection in connections for row in await connection.fetch(counted)]
    for connection in connections:
        await pool.release(connection)
    return {(row["pid"], row["statement"]): (row["generic_plans"], row["custom_plans"]) for row in rows}
