"""What the tests of conversations tell again and again, and how they hold two requests at the same point."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from app.core import database
from tests.conftest import Actor, Cast


async def make_group(owner: Actor, *members: Actor, title: str = "Reading circle") -> int:
    """A new group of these people; gives its id."""
    names = [member.username for member in members]
    made = await owner.api.post("/conversations", json={"kind": "group", "title": title, "members": names})
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


async def direct(one: Actor, other: Actor) -> int:
    """The direct conversation of the two, opened by the first."""
    opened = await one.api.put(f"/direct/{other.username}")
    assert opened.status_code == 200, opened.text
    return int(opened.json()["id"])


async def history(who: Actor, conversation: int) -> list[dict[str, Any]]:
    """Everything in the conversation, oldest first."""
    found: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        params = {"limit": 100} if before is None else {"limit": 100, "before": before}
        answer = await who.api.get(f"/conversations/{conversation}/messages", params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found = page["messages"] + found
        before = page["next"]
        if before is None:
            return found


async def events(who: Actor, conversation: int) -> list[str]:
    """What happened, as the words of the system messages."""
    return [m["body"] for m in await history(who, conversation) if m["kind"] == "system"]


async def sidebar(who: Actor, **params: str) -> dict[int, dict[str, Any]]:
    """The lines of the sidebar by their conversation."""
    lines = (await who.api.get("/conversations", params=params)).json()["conversations"]
    return {line["id"]: line for line in lines}


async def members(who: Actor, conversation: int) -> set[str]:
    """The usernames of who is in."""
    answer = await who.api.get(f"/conversations/{conversation}/members")
    assert answer.status_code == 200, answer.text
    return {person["username"] for person in answer.json()["people"]}


async def owner_of(conversation: int) -> int | None:
    """The owner, from the database."""
    found: int | None = await database.fetch_value("SELECT owner FROM conversation WHERE id = $1", conversation)
    return found


@asynccontextmanager
async def held(cast: Cast, conversation: int) -> AsyncIterator[asyncpg.Connection]:
    """Inside, every request that changes the conversation waits; afterwards they go on in the order of their coming.

    What is changed meanwhile by the connection that is given was there first."""
    connection = await asyncpg.connect(cast.server.settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM conversation WHERE id = $1 FOR NO KEY UPDATE", conversation)
            yield connection
    finally:
        await connection.close()


async def waiting(many: int = 1) -> None:
    """Returns when so many statements wait for a lock; fails when they never do. In a transaction too."""
    for _ in range(1000):
        if await _blocked() >= many:
            return
        await asyncio.sleep(0.01)  # Postgres tells nobody who begins to wait
    raise AssertionError(f"never were {many} waiting")


async def _blocked() -> int:
    # Of pg_stat_activity a transaction sees what it saw the first time.
    found: int = await database.fetch_value("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
    return found


async def assert_whole(conversation: int) -> None:
    """Positions are 1..n without gap, changes are given once, and the conversation's numbers are the last of each."""
    rows = await database.fetch("SELECT position, change FROM message WHERE conversation = $1", conversation)
    head = await database.fetch_row("SELECT position, change FROM conversation WHERE id = $1", conversation)
    assert head is not None
    assert sorted(row["position"] for row in rows) == list(range(1, len(rows) + 1))
    assert len({row["change"] for row in rows}) == len(rows)
    assert head["position"] == len(rows)
    assert head["change"] == max((row["change"] for row in rows), default=0)
