"""The client in `examples/`, as a real process: all that a program needs is in the contract."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from app.accounts import sessions
from app.core import database, security
from app.core.templates import ROOT
from tests.conftest import PASSWORD, Actor, Cast
from tests.processes import Output

CLIENT = ROOT / "examples" / "client.py"


@dataclass
class Wire:
    """A way to the server that can be cut. `swallow`: the answer to the next request that begins so is lost on it."""

    url: str
    swallow: bytes = b""
    lost: int = 0
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self) -> None:
        """Every connection is gone at this moment, without a word."""
        self.came.clear()
        for writer in list(self.connections):
            writer.transport.abort()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """A small TCP proxy in front of the server."""
    there = urlsplit(url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(there.hostname, there.port)
        wire.connections |= {writer, far_writer}
        deaf = False

        async def forth() -> None:
            nonlocal deaf
            while data := await reader.read(65536):
                if wire.swallow and data.startswith(wire.swallow):
                    wire.swallow, deaf = b"", True
                if b"GET /live" in data:
                    wire.came.set()
                far_writer.write(data)
            far_writer.write_eof()

        async def back() -> None:
            while data := await far_reader.read(65536):
                if deaf:
                    wire.lost += 1
                    writer.transport.abort()
                    return
                writer.write(data)
            writer.close()

        with suppress(OSError):
            await asyncio.gather(forth(), back())
        for each in (writer, far_writer):
            wire.connections.discard(each)
            each.close()

    listening = await asyncio.start_server(carry, "127.0.0.1", 0)
    wire = Wire(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    try:
        yield wire
    finally:
        listening.close()
        wire.cut()


@dataclass
class Client:
    """The client as it runs: what it shows, what it notes, and a keyboard."""

    process: asyncio.subprocess.Process
    shown: Output
    noted: Output

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    @property
    def messages(self) -> list[str]:
        """What people said, without who joined."""
        return [line for line in self.shown.lines if not line.startswith("* ")]


@asynccontextmanager
async def client(url: str, *arguments: str, **environment: str) -> AsyncIterator[Client]:
    pipe = asyncio.subprocess.PIPE
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, CLIENT, url, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=clean | environment
    )
    assert process.stdout is not None
    assert process.stderr is not None
    found = Client(process, Output(process), Output(process))
    reading = asyncio.gather(found.shown.read(process.stdout), found.noted.read(process.stderr))
    try:
        yield found
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading


async def token_of(who: Actor, *scopes: str) -> str:
    answer = await who.api.post("/me/tokens", json={"name": "Terminal", "scopes": scopes or ("read", "write")})
    return str(answer.json()["token"])


async def test_it_lists_the_conversations_of_whom_the_token_is(cast: Cast) -> None:
    await cast.say(cast.olive, "not read yet")
    async with client(cast.server.url, CAUSERIE_TOKEN=await token_of(cast.milo)) as terminal:
        line = await terminal.shown.until("Chess club")
        assert line.split() == [str(cast.chess), "Chess", "club", "(1", "new)"]
        assert await terminal.process.wait() == 0


async def test_with_a_password_it_signs_in_and_stays_in_when_its_access_token_is_over(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cast.say(cast.olive, "hello, terminal")
    arguments = (str(cast.chess), "--login", "milo")
    async with wire_to(cast.server.url) as wire, client(wire.url, *arguments, CAUSERIE_PASSWORD=PASSWORD) as terminal:
        await terminal.shown.until("Olive Owner: hello, terminal")
        await asyncio.wait_for(wire.came.wait(), 30)
        terminal.type("signed in by name")
        await terminal.shown.until("Milo Member: signed in by name")
        # A quarter of an hour goes by in a moment: the server takes none of its access tokens any more.
        with monkeypatch.context() as patched:
            really = security.read_token
            old = await database.fetch_value("SELECT max(generation) FROM session WHERE person = $1", cast.milo.id)
            patched.setattr(
                sessions,
                "read_token",
                lambda kind, token, secret: (
                    found
                    if (found := really(kind, token, secret)) and (kind == "refresh" or found.generation > old)
                    else None
                ),
            )
            terminal.type("still in")
            await terminal.shown.until("Milo Member: still in")


async def test_what_is_typed_is_sent_and_what_others_say_is_shown_live(cast: Cast) -> None:
    token = await token_of(cast.milo)
    async with client(cast.server.url, str(cast.chess), CAUSERIE_TOKEN=token) as terminal:
        terminal.type("d4, please")
        await terminal.shown.until("Milo Member: d4, please")
        said = await cast.say(cast.olive, "d5")
        await terminal.shown.until("Olive Owner: d5")
        await cast.olive.api.patch(f"/messages/{said['id']}", json={"body": "Nf6"})
        await terminal.shown.until("Olive Owner (edited): Nf6")
        await cast.olive.api.delete(f"/messages/{said['id']}")
        await terminal.shown.until("Olive Owner deleted a message.")
        terminal.process.stdin.close()  # type: ignore[union-attr]
        assert await asyncio.wait_for(terminal.process.wait(), 30) == 0


async def test_after_each_cut_it_goes_on_without_a_message_lost_or_shown_twice(cast: Cast) -> None:
    expected = []
    token = await token_of(cast.milo)
    async with wire_to(cast.server.url) as wire, client(wire.url, str(cast.chess), CAUSERIE_TOKEN=token) as terminal:

        async def say(what: str) -> None:
            await cast.say(cast.olive, what)
            expected.append(f"Olive Owner: {what}")

        await say("before")
        for number in range(3):
            await terminal.shown.until(expected[-1])
            await asyncio.wait_for(wire.came.wait(), 30)
            wire.cut()
            for again in range(5):
                await say(f"while {number} was cut, {again}")
            terminal.type(f"typed while {number} was cut")
            expected.append(f"Milo Member: typed while {number} was cut")
            await terminal.shown.until(expected[-1])
        await say("after")
        await terminal.shown.until(expected[-1])
    assert terminal.messages == expected


async def test_a_message_whose_answer_was_lost_is_sent_again_and_is_one_message(cast: Cast) -> None:
    token = await token_of(cast.milo)
    async with wire_to(cast.server.url) as wire, client(wire.url, str(cast.chess), CAUSERIE_TOKEN=token) as terminal:
        await asyncio.wait_for(wire.came.wait(), 30)
        wire.swallow = f"POST /conversations/{cast.chess}/messages".encode()
        terminal.type("once and for all")
        await terminal.noted.until("not sent yet")
        terminal.type("and another")
        await terminal.shown.until("Milo Member: and another")
    assert wire.lost == 1
    assert terminal.messages == ["Milo Member: once and for all", "Milo Member: and another"]
    kept = await database.fetch(
        "SELECT body FROM message WHERE author = $1 AND kind = 'text' ORDER BY id", cast.milo.id
    )
    assert [row["body"] for row in kept] == ["once and for all", "and another"]


async def test_what_was_missed_is_read_page_by_page_where_the_feed_would_not_replay_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.hub.FURTHEST_BEHIND", 3)
    token = await token_of(cast.milo)
    async with wire_to(cast.server.url) as wire, client(wire.url, str(cast.chess), CAUSERIE_TOKEN=token) as terminal:
        await asyncio.wait_for(wire.came.wait(), 30)
        await cast.say(cast.olive, "0")
        await terminal.shown.until("Olive Owner: 0")
        wire.cut()
        for number in range(1, 111):
            await cast.say(cast.olive, str(number))
        await terminal.shown.until("Olive Owner: 110")
        await cast.say(cast.olive, "live again")
        await terminal.shown.until("Olive Owner: live again")
    assert terminal.messages == [f"Olive Owner: {number}" for number in range(111)] + ["Olive Owner: live again"]


async def test_it_says_why_and_ends_when_it_may_not(cast: Cast) -> None:
    for given in ({"CAUSERIE_TOKEN": "cau_wrong"}, {"CAUSERIE_TOKEN": await token_of(cast.oscar)}):
        async with client(cast.server.url, str(cast.chess), **given) as terminal:
            await terminal.noted.until("client.py: ")
            assert await terminal.process.wait() == 1
    token = await token_of(cast.milo)
    async with client(cast.server.url, str(cast.chess), CAUSERIE_TOKEN=token) as terminal:
        terminal.type("in")
        await terminal.shown.until("Milo Member: in")
        (found,) = [each for each in (await cast.milo.api.get("/me/tokens")).json()["tokens"] if each["last_used_at"]]
        await cast.milo.api.delete(f"/me/tokens/{found['id']}")
        assert await asyncio.wait_for(terminal.process.wait(), 30) == 1


async def test_what_is_refused_is_told_and_the_next_line_goes_on(cast: Cast) -> None:
    token = await token_of(cast.milo)
    async with client(cast.server.url, str(cast.chess), CAUSERIE_TOKEN=token) as terminal:
        terminal.type("x" * 2001)
        await terminal.noted.until("not sent: ")
        terminal.type("shorter")
        await terminal.shown.until("Milo Member: shorter")


async def test_a_message_cannot_command_the_terminal(cast: Cast) -> None:
    await cast.say(cast.olive, "\x1b]0;owned\x07 and \x1b[2J gone")
    token = await token_of(cast.milo, "read")
    async with client(cast.server.url, str(cast.chess), CAUSERIE_TOKEN=token) as terminal:
        line = await terminal.shown.until("Olive Owner: ")
        assert "owned" in line
        assert not any(sign in line for sign in "\x1b\x07")
