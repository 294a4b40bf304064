"""What the tests of contacts tell again and again."""

from typing import Any

import httpx

from app.core import database
from tests.conftest import Actor

EMPTY: dict[str, Any] = {"contacts": [], "asked_by_them": [], "asked_by_me": [], "next": None}


async def ask(who: Actor, whom: str) -> httpx.Response:
    return await who.api.post("/contacts", json={"username": whom})


async def asked(who: Actor, whom: Actor) -> dict[str, Any]:
    """Asks, and gives the answer, which must be a good one."""
    answer = await ask(who, whom.username)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def made(one: Actor, other: Actor) -> int:
    """The two become contacts; gives the number of it."""
    number = int((await asked(one, other))["id"])
    answer = await other.api.put(f"/contacts/{number}/accept")
    assert answer.status_code == 200, answer.text
    return number


async def listed(who: Actor, **params: Any) -> dict[str, Any]:
    answer = await who.api.get("/contacts", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def names(who: Actor) -> dict[str, list[str]]:
    """Who stands in each of their lists that is not empty."""
    view = await listed(who)
    found = {name: [line["person"]["username"] for line in view[name]] for name in EMPTY if name != "next"}
    return {name: people for name, people in found.items() if people}


async def rows() -> int:
    return int(await database.fetch_value("SELECT count(*) FROM contact"))


async def days_pass(days: int) -> None:
    """As if every request had been declined so much longer ago."""
    await database.fetch("UPDATE contact SET declined_at = declined_at - $1 * interval '1 day'", days)


async def drop(who: Actor, number: int) -> int:
    return (await who.api.delete(f"/contacts/{number}")).status_code
