"""The counts of the sidebar against a recount of everything, over some hundred random actions (found by Hypothesis)."""

import asyncio
from collections.abc import Coroutine
from itertools import permutations
from typing import Any, TypeVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.core import database
from tests.conftest import Actor, Cast
from tests.conversations.story import direct, make_group, sidebar

T = TypeVar("T")
PEOPLE = st.integers(0, 2)
PLACES = st.integers(0, 2)

# Without the sidebar's own shortcuts: each message of others whom one has not blocked, not deleted, no system message,
# after the mark.
RECOUNT = """
    SELECT m.conversation, count(x.id) AS unread FROM membership m
    JOIN conversation c ON c.id = m.conversation AND c.deleted_at IS NULL AND NOT c.blocked
        AND c.kind <> 'announcements'
    LEFT JOIN message x ON x.conversation = m.conversation AND x.position > m.read_position
        AND x.author IS DISTINCT FROM m.person AND x.kind = 'text' AND x.deleted_at IS NULL
        AND x.author NOT IN (SELECT b.blocked FROM block b WHERE b.person = m.person)
    WHERE m.person = $1 GROUP BY m.conversation
"""


async def both_counts(person: Actor) -> tuple[dict[int, dict[str, Any]], dict[int, int]]:
    """The lines of the sidebar, and the recount."""
    lines = await sidebar(person) | await sidebar(person, archived="true")
    return lines, {row["conversation"]: row["unread"] for row in await database.fetch(RECOUNT, person.id)}


def machine(cast: Cast, loop: asyncio.AbstractEventLoop) -> type[RuleBasedStateMachine]:
    """The rules; they run in a thread and act on the server in `loop`."""

    class Sidebar(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.people = [cast.olive, cast.milo, cast.mina]
            self.sent: list[tuple[Actor, int]] = []
            for who, other in permutations(self.people, 2):  # what an example before this one left behind
                self.do(who.api.delete(f"/people/{other.username}/block"))
            group = self.do(make_group(cast.olive, cast.milo, cast.mina))
            self.places: list[int] = [group, cast.general, self.do(direct(cast.milo, cast.mina))]
            self.changed = True
            self.turn = 0

        def do(self, action: Coroutine[Any, Any, Any]) -> Any:
            self.changed = True
            return self.wait(action)

        def wait(self, action: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(action, loop).result(30)

        @rule(who=PEOPLE, where=PLACES)
        def send(self, who: int, where: int) -> None:
            answer = self.do(
                self.people[who].api.post(f"/conversations/{self.places[where]}/messages", json={"body": "hello"})
            )
            if answer.status_code == 201:
                self.sent.append((self.people[who], answer.json()["id"]))

        @rule(which=st.integers(0, 30))
        def delete(self, which: int) -> None:
            if self.sent:
                author, message = self.sent[which % len(self.sent)]
                self.do(author.api.delete(f"/messages/{message}"))

        @rule(which=st.integers(0, 30))
        def edit(self, which: int) -> None:
            if self.sent:
                author, message = self.sent[which % len(self.sent)]
                self.do(author.api.patch(f"/messages/{message}", json={"body": "hello again"}))

        @rule(who=PEOPLE, where=PLACES, position=st.integers(0, 40))
        def read(self, who: int, where: int, position: int) -> None:
            url = f"/conversations/{self.places[where]}/read"
            self.do(self.people[who].api.put(url, json={"position": position}))

        @rule(who=PEOPLE, where=PLACES)
        def look(self, who: int, where: int) -> None:
            self.do(self.people[who].browser.get(f"/conversations/{self.places[where]}"))

        @rule(who=st.integers(1, 2))
        def remove(self, who: int) -> None:
            self.do(cast.olive.api.delete(f"/conversations/{self.places[0]}/members/{self.people[who].id}"))

        @rule(who=st.integers(1, 2))
        def add(self, who: int) -> None:
            name = {"username": self.people[who].username}
            self.do(cast.olive.api.post(f"/conversations/{self.places[0]}/members", json=name))

        @rule(who=st.integers(1, 2))
        def leave(self, who: int) -> None:
            person = self.people[who]
            self.do(person.api.delete(f"/conversations/{self.places[0]}/members/{person.id}"))

        @rule(who=PEOPLE, where=PLACES, what=st.sampled_from(["mute", "archive", "pin"]), on=st.booleans())
        def keep_for_oneself(self, who: int, where: int, what: str, on: bool) -> None:
            url = f"/conversations/{self.places[where]}/{what}"
            self.do(self.people[who].api.put(url, json={}) if on else self.people[who].api.delete(url))

        @rule(who=PEOPLE, where=PLACES, position=st.one_of(st.none(), st.integers(1, 40)))
        def mark_unread(self, who: int, where: int, position: int | None) -> None:
            url = f"/conversations/{self.places[where]}/unread"
            self.do(self.people[who].api.put(url, json={"position": position}))

        @rule(who=PEOPLE, other=PEOPLE, on=st.booleans())
        def block(self, who: int, other: int, on: bool) -> None:
            url = f"/people/{self.people[other].username}/block"
            self.do(self.people[who].api.put(url) if on else self.people[who].api.delete(url))

        @invariant()
        def the_sidebar_counts_right(self) -> None:
            if self.changed:
                self.changed = False
                self.turn += 1
                self.check(self.people[self.turn % 3])  # each in turn: a wrong count stays wrong

        def teardown(self) -> None:
            for person in self.people:
                self.check(person)

        def check(self, person: Actor) -> None:
            lines, recount = self.wait(both_counts(person))
            hidden = {c for c in recount if c not in lines}
            assert lines.keys() <= recount.keys()
            assert all(recount[c] == 0 for c in hidden)
            assert {c: line["unread"] for c, line in lines.items()} == {c: recount[c] for c in lines}

    return Sidebar


async def test_the_counts_are_those_of_a_recount_after_any_actions(cast: Cast) -> None:
    rules = machine(cast, asyncio.get_running_loop())
    few = settings(max_examples=10, stateful_step_count=100, deadline=None, suppress_health_check=list(HealthCheck))
    await asyncio.to_thread(run_state_machine_as_test, rules, settings=few)
