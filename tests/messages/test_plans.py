"""A long history stays fast: the plans of the hot statements, on a conversation of 100,000 messages."""

import json
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from app.conversations.lines import COLUMNS, ITEM
from app.core import database
from app.messages.lines import LINES
from app.messages.queries import FEED
from app.messages.statements import SENDS, SENDS_NAMING, SENDS_ONE
from app.people.policy import Policy
from tests.conftest import Cast

MANY = 100_000


@pytest.fixture
async def long(cast: Cast) -> Cast:
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
    for table in ("message", "conversation", "membership", "person"):
        await database.fetch(f"ANALYZE {table}")
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
    back = "WHERE x.conversation = $1 AND x.position < $2 ORDER BY x.position DESC LIMIT 50"
    on = "WHERE x.conversation = $1 AND x.position >= $2 ORDER BY x.position LIMIT 50"
    for condition, position in product((back, on), (200, MANY // 2, MANY)):
        nodes = await plan(f"{LINES} {condition}", long.chess, position)
        assert_bounded(nodes, 60)


async def test_the_feed_reads_what_changed_and_no_more(long: Cast) -> None:
    nodes = await plan(f"{LINES} WHERE {FEED}", long.chess, MANY - 20, 200)
    assert_bounded(nodes, 25)


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
