"""A help desk: Milo asks, Tess is a teacher, Ada the administrator, Pia a parent."""

from dataclasses import dataclass
from typing import Any

import httpx

from app.core import database
from tests.conftest import Actor, Cast


@dataclass
class Desk:
    """`thread` is what Milo has asked."""

    cast: Cast
    milo: Actor
    tess: Actor
    ada: Actor
    pia: Actor
    thread: int

    async def put(self, who: Actor, what: str, **body: Any) -> httpx.Response:
        """Changes the thread: its "assignee", or that it is "closed"."""
        return await who.api.put(f"/conversations/{self.thread}/{what}", json=body)

    async def end(self, who: Actor, what: str) -> httpx.Response:
        return await who.api.delete(f"/conversations/{self.thread}/{what}")

    async def say(self, who: Actor, body: str) -> dict[str, Any]:
        return await self.cast.say(who, body, self.thread)

    async def view(self, who: Actor) -> dict[str, Any]:
        """The thread as that person sees it."""
        answer = await who.api.get(f"/conversations/{self.thread}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def open_desk(cast: Cast) -> Desk:
    tess = await cast.server.someone("tess", "Tess Teacher", role="teacher")
    pia = await cast.server.someone("pia", "Pia Parent", role="parent")
    for who in (cast.milo, cast.oscar, tess, pia):
        await who.api.get("/conversations")  # by this they are in the general room
    return Desk(cast, cast.milo, tess, cast.ada, pia, await ask(cast.milo, "Where is room 7?", "I cannot find it."))


async def ask(who: Actor, title: str, body: str = "") -> int:
    """What that person asks the staff; gives its id."""
    made = await who.api.post("/conversations", json={"kind": "support", "title": title, "members": [], "body": body})
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


async def become(who: Actor, role: str) -> None:
    """Another role, and no bell rings."""
    await database.fetch("UPDATE person SET role = $2 WHERE id = $1", who.id, role)


async def queue(who: Actor, **params: Any) -> list[int]:
    """What the queue shows that person."""
    answer = await who.api.get("/support", params=params)
    assert answer.status_code == 200, answer.text
    return [thread["id"] for thread in answer.json()["threads"]]
