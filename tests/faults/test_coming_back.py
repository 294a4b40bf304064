"""Programs that follow everything and are cut, and catching up while things change under it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.accounts.views import Me
from app.conversations import actions as conversations
from app.core.i18n import Locale
from app.live.stream import Stream, variant_of
from app.messages import sending
from tests.conftest import Actor, Cast
from tests.conversations.story import waiting
from tests.faults.processes import until as eventually
from tests.faults.wire import Connection, Event


async def read(cast: Cast, who: Actor, last_event_id: str, until: str) -> list[Event]:
    """What a program that follows everything is told, up to the first event whose data holds `until`."""
    connection = Connection(cast.server.settings.port, who.access)
    answer = await connection.follow("/live?format=json", last_event_id)
    assert answer.status == 200, answer
    found = []
    async with asyncio.timeout(10):
        async for event in connection.events():
            found.append(event)
            if until in event.data:
                break
    connection.close()
    return found


def cursor(events: list[Event]) -> str:
    return next(event.id for event in reversed(events) if event.id)


def bodies(events: list[Event]) -> list[str]:
    return [event.data.split('"body":"')[1].split('"')[0] for event in events if event.name == "message"]


async def test_a_program_that_is_cut_before_its_first_message_misses_none(cast: Cast) -> None:
    first = await read(cast, cast.milo, "", "Chess club")
    await cast.say(cast.olive, "while you were away")
    then = await read(cast, cast.milo, cursor(first), "while you were away")
    assert bodies(then) == ["while you were away"]


async def test_a_program_that_comes_back_gets_the_conversations_that_were_made_meanwhile(cast: Cast) -> None:
    first = await read(cast, cast.milo, "", "Chess club")
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Go", "members": ["milo"]})
    await cast.say(cast.olive, "a new game", made.json()["id"])
    then = await read(cast, cast.milo, cursor(first), "a new game")
    assert bodies(then)[-1] == "a new game"


async def test_a_program_that_comes_back_after_a_removal_goes_on_with_the_rest(cast: Cast) -> None:
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Go", "members": ["milo"]})
    first = await read(cast, cast.milo, "", "Chess club")
    await cast.olive.api.delete(f"/conversations/{made.json()['id']}/members/{cast.milo.id}")
    await cast.say(cast.olive, "not for milo", made.json()["id"])
    await cast.say(cast.olive, "for milo")
    then = await read(cast, cast.milo, cursor(first), "for milo")
    assert bodies(then) == ["for milo"]


class Told(asyncio.Transport):
    """A stream of someone, and the end of it that keeps what was written."""

    def __init__(self, who: Actor, *rooms: int) -> None:
        super().__init__()
        self.text = ""
        variant = variant_of(True, Locale("en", "UTC"))
        self.stream = Stream(lambda _stream: None, who.id, who.session, variant, dict.fromkeys(rooms, 0), False)
        self.stream.start(self)

    def write(self, data: Any) -> None:
        self.text += bytes(data).decode()


async def test_whoever_is_removed_while_their_stream_begins_is_told_so(cast: Cast) -> None:
    hub: Any = cast.server.app.state.hub
    told = Told(cast.milo, cast.chess)
    told.stream.start(None)
    await hub.admit(told.stream)
    gone = await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    assert gone.status_code == 204
    await eventually(lambda: told.stream.parted and not hub.state.lines, 5, "the feed tells of the removal")
    told.stream.start(told)
    await hub.send_state(told.stream)
    await eventually(lambda: '"removed":true' in told.text, 5, "the stream is told")
    hub.release(told.stream)


async def test_two_who_bring_one_stream_up_to_date_write_nothing_twice(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.hub.MOST_AT_ONCE", 1)  # else it takes hundreds of messages to read twice
    await cast.say(cast.olive, "only once")
    hub: Any = cast.server.app.state.hub
    told = Told(cast.milo, cast.chess)
    heads = await hub.admit(told.stream)
    await asyncio.gather(hub.catch_up(told.stream, heads), hub.catch_up(told.stream, heads))
    hub.release(told.stream)
    assert re.findall(r"^id: .*$", told.text, re.MULTILINE) == [
        f"id: {cast.chess}:{change}" for change in range(1, heads[cast.chess] + 1)
    ]


async def test_a_removal_in_the_middle_of_catching_up_leaves_the_other_conversations(cast: Cast) -> None:
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Go", "members": ["milo"]})
    await cast.say(cast.olive, "still here", made.json()["id"])
    hub: Any = cast.server.app.state.hub
    told = Told(cast.milo, cast.chess, made.json()["id"])
    heads = await hub.admit(told.stream)
    catching_up = asyncio.create_task(hub.catch_up(told.stream, heads))
    await asyncio.sleep(0)  # it has asked for the first conversation
    hub.hear("c", cast.chess, 0)
    hub.left(cast.chess, cast.milo.id)
    await catching_up
    hub.release(told.stream)
    assert "still here" in told.text


async def test_catching_up_ends_at_one_s_own_removal(cast: Cast) -> None:
    hub: Any = cast.server.app.state.hub
    told = Told(cast.milo, cast.chess)
    heads = await hub.admit(told.stream)
    # Without a ring, as when another process does it and its hint comes late.
    now = datetime.now(UTC)
    olive = Me(cast.olive.id, "olive", "Olive Owner", "student", "en", "UTC", cast.olive.session, now)
    await conversations.remove_member(olive, cast.chess, cast.milo.id)
    await sending.send(cast.chess, sending.Draft(cast.olive.id, uuid4(), "now he is gone", None))
    await hub.catch_up(told.stream, heads)
    hub.release(told.stream)
    assert "now he is gone" not in told.text
    assert "Chess club" in told.text


async def test_a_stream_that_opens_while_the_sessions_are_checked_is_not_taken_for_signed_out(
    cast: Cast, dsn: str
) -> None:
    hub: Any = cast.server.app.state.hub
    before, late = Told(cast.milo, cast.chess), Told(cast.mina, cast.chess)
    await hub.admit(before.stream)
    other = await asyncpg.connect(dsn)
    async with held_check(other):
        await hub.admit(late.stream)
    for _again in range(2):  # it locks once to prepare and once to execute; then it is the next check
        async with held_check(other):
            assert not before.stream.closing
            assert not late.stream.closing
    await other.close()
    for told in (before, late):
        hub.release(told.stream)


@asynccontextmanager
async def held_check(other: asyncpg.Connection) -> AsyncIterator[None]:
    """While the check of the sessions, which comes once a second, waits for its answer."""
    async with other.transaction():
        await other.execute("LOCK TABLE session IN ACCESS EXCLUSIVE MODE")
        await waiting()
        yield
