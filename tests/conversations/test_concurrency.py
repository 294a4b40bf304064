"""Several people do everything at once: nothing is lost, doubled, out of place or locked for good."""

import asyncio
import random
from collections import Counter
from datetime import datetime
from typing import Any

import httpx
import pytest

from app.core import database
from tests.conftest import Actor, Cast
from tests.conversations.story import assert_whole, history


class Crowd:
    """People who act at random in one group that Olive owns, and what they were told."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.cast = cast
        self.random = random.Random(seed)
        self.people = [cast.olive, cast.milo, cast.mina, cast.remy, cast.oscar]
        self.url = f"/conversations/{cast.chess}"
        self.kept: dict[int, str] = {}
        self.deleted: set[int] = set()
        self.edits: dict[int, list[str]] = {}
        self.answers: Counter[tuple[str, int]] = Counter()

    async def act(self, number: int) -> None:
        """One random action of a random person; its answer is one that they may get."""
        who = self.random.choice(self.people)
        kind = self.random.choices(
            ["send", "edit", "delete", "add", "remove", "read", "look", "rename"], [8, 3, 2, 3, 3, 3, 2, 1]
        )[0]
        answer = await getattr(self, kind)(who, number)
        self.answers[kind, answer.status_code] += 1
        assert answer.status_code in (200, 201, 204, 403, 404, 422), (kind, answer.status_code, answer.text)

    def some_message(self, who: Actor) -> int:
        """Mostly one of their own; now and then someone else's, or none that exists."""
        own = [message for message, author in self.kept.items() if author == who.username]
        others = [*self.kept, 10**9]
        return self.random.choice(own if own and self.random.random() < 0.7 else others)

    async def send(self, who: Actor, number: int) -> httpx.Response:
        answer = await who.api.post(f"{self.url}/messages", json={"body": f"{who.username} {number}"})
        if answer.status_code == 201:
            self.kept[answer.json()["id"]] = who.username
        return answer

    async def edit(self, who: Actor, number: int) -> httpx.Response:
        message = self.some_message(who)
        answer = await who.api.patch(f"/messages/{message}", json={"body": f"{who.username} edited {number}"})
        if answer.status_code == 200:
            self.edits.setdefault(message, []).append(f"{who.username} edited {number}")
        return answer

    async def delete(self, who: Actor, _number: int) -> httpx.Response:
        message = self.some_message(who)
        answer = await who.api.delete(f"/messages/{message}")
        if answer.status_code == 200:
            self.deleted.add(message)
        return answer

    async def add(self, _who: Actor, _number: int) -> httpx.Response:
        name = self.random.choice(self.people).username
        return await self.cast.olive.api.post(f"{self.url}/members", json={"username": name})

    async def remove(self, _who: Actor, _number: int) -> httpx.Response:
        person = self.random.choice(self.people[1:])
        by = self.random.choice([self.cast.olive, person])
        return await by.api.delete(f"{self.url}/members/{person.id}")

    async def read(self, who: Actor, _number: int) -> httpx.Response:
        return await who.api.put(f"{self.url}/read", json={"position": self.random.randrange(300)})

    async def look(self, who: Actor, _number: int) -> httpx.Response:
        return await who.browser.get(self.random.choice([self.url, "/conversations", f"{self.url}/members"]))

    async def rename(self, who: Actor, number: int) -> httpx.Response:
        return await who.api.patch(self.url, json={"title": f"Room {number}"})


@pytest.mark.parametrize("seed", [1, 2])
async def test_two_hundred_random_actions_at_once_leave_everything_whole(cast: Cast, seed: int) -> None:
    crowd = Crowd(cast, seed)
    gate = asyncio.Semaphore(20)

    async def one(number: int) -> None:
        async with gate:
            await crowd.act(number)

    await asyncio.gather(*(one(number) for number in range(200)))
    done = {kind for kind, status in crowd.answers if status < 300}
    assert done >= {"send", "edit", "delete", "add", "remove", "read"}
    await assert_whole(cast.chess)
    messages = {m["id"]: m for m in await history(cast.olive, cast.chess)}
    texts = [m for m in messages.values() if m["kind"] == "text"]
    assert {m["id"] for m in texts} == set(crowd.kept)
    for message in texts:
        assert message["author"]["username"] == crowd.kept[message["id"]]
        assert (message["deleted_at"] is not None) == (message["id"] in crowd.deleted)
        if message["id"] not in crowd.deleted and message["id"] in crowd.edits:
            assert message["body"] in crowd.edits[message["id"]]
    assert_members_only(cast, list(messages.values()))
    waiting = await database.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted")
    assert waiting == 0


def assert_members_only(cast: Cast, messages: list[dict[str, Any]]) -> None:
    """In the order of the conversation, nobody writes, comes or goes but who is in at that place."""
    inside: set[int] = set()
    for message in sorted(messages, key=lambda m: int(m["position"])):
        who, subject = message["author"]["id"], (message["subject"] or {"id": 0})["id"]
        match message["event"]:
            case "created":
                inside = {cast.olive.id, cast.milo.id, cast.mina.id, cast.remy.id}
            case "added":
                assert subject not in inside
                inside.add(subject)
            case "removed":
                assert subject in inside
                inside.remove(subject)
            case "left":
                assert who in inside
                inside.remove(who)
            case None | "renamed" | "handed_over":
                assert who in inside, message


async def test_sends_of_many_at_once_stand_in_the_order_of_their_times(cast: Cast) -> None:
    people = [cast.olive, cast.milo, cast.mina]
    sent = await asyncio.gather(*(cast.say(people[n % 3], f"{n}") for n in range(60)))
    assert len({message["position"] for message in sent}) == 60
    messages = await history(cast.olive, cast.chess)
    times = [datetime.fromisoformat(m["created_at"]) for m in messages]
    assert times == sorted(times)
    await assert_whole(cast.chess)


async def test_two_changes_of_one_message_at_once_take_no_number_that_nothing_bears(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "one")
    url = f"/messages/{sent['id']}"
    same = [cast.milo.api.patch(url, json={"body": "two"}) for _ in range(8)]
    assert {answer.status_code for answer in await asyncio.gather(*same)} == {200}
    await assert_whole(cast.chess)
    gone = [cast.milo.api.delete(url) for _ in range(8)]
    late = [cast.milo.api.patch(url, json={"body": f"late {n}"}) for n in range(4)]
    statuses = [answer.status_code for answer in await asyncio.gather(*gone, *late)]
    assert statuses[:8].count(200) == 1
    assert set(statuses) <= {200, 404}
    await assert_whole(cast.chess)
    assert await database.fetch_value("SELECT body FROM message WHERE id = $1", sent["id"]) == ""
