"""The cast, on a real Postgres and a real server.

Ada is the administrator. Olive owns the group "Chess club"; Milo is in it, and so is Mina. Remy was in it and was
removed. Oscar has an account and nothing to do with it. Nobody has no account.
"""

import asyncio
import dataclasses
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn

os.environ["CAUSERIE_THROWAWAY_DATABASE"] = "yes"

from app.accounts import sessions
from app.accounts.sessions import Proof
from app.accounts.usernames import skeleton
from app.core import database, embedded
from app.core.security import hash_password
from app.core.server import Protocol
from app.core.settings import Settings, load
from app.core.text import search_key
from app.main import create_app
from app.people import presence


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits, or lasts long, goes first, beside the others, instead of alone at the end."""
    items.sort(key=lambda item: "faults" not in item.path.parts and "stateful" not in item.path.name)


PASSWORD = "three blue horses run"
# The general room and the announcements are what the migrations put there; the processes that live are still alive.
# Little is in each table, so to delete it takes a tenth of the time that TRUNCATE takes, which makes files anew.
AS_NEW = """
    SET session_replication_role = replica;
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT quote_ident(tablename) FROM pg_tables
            WHERE schemaname = 'public' AND tablename NOT IN ('migration', 'live_process')
        LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
    END $$;
    SET session_replication_role = DEFAULT;
    INSERT INTO conversation (kind) VALUES ('general'), ('announcements');
"""
# Everything is on loopback. Without this each client reads all certificate authorities: a second of CPU a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The DSN of a migrated database that is copied and never touched."""
    folder = Path(tempfile.mkdtemp(prefix="causerie-tests-"))
    folder.chmod(0o711)  # when the tests run as root, Postgres runs as another user and must enter
    try:
        with embedded.running(folder, durable=False) as dsn:
            asyncio.run(database.migrate(dsn))
            yield dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def copied(cluster: str) -> str:
    """The DSN of the database that the tests of this process use in turn."""
    connection = await asyncpg.connect(cluster.replace("@/causerie?", "@/postgres?"))
    await connection.execute("CREATE DATABASE tests TEMPLATE causerie")
    await connection.close()
    return cluster.replace("@/causerie?", "@/tests?")


@pytest.fixture
async def dsn(copied: str, request: pytest.FixtureRequest) -> str:
    """The migrated database as if it were new. Numbers go on where the last test left them: none of what a server
    remembers by number is wrong for the next one."""
    if "server" not in request.fixturenames:
        await stop_kept()  # who needs none may connect in its place
    presence.book.clear()
    connection = await asyncpg.connect(copied)
    await connection.execute(AS_NEW)
    await connection.close()
    return copied


@pytest.fixture
def settings(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings as in development, without rate limits; tests replace what they are about."""
    folder = tmp_path_factory.getbasetemp() / "data"
    environ = {"DATABASE_URL": dsn, "DATA_DIR": str(folder), "RATE_LIMITS": "off", "LOG_LEVEL": "error"}
    return load(environ)


@dataclass
class Actor:
    """Someone with (or without) an account: `api` speaks JSON with a bearer token, `browser` HTML with cookies."""

    name: str
    id: int
    username: str
    api: httpx.AsyncClient
    browser: httpx.AsyncClient
    access: str = ""
    refresh: str = ""
    session: int = 0


@dataclass
class Server:
    """A running Causerie: its address and the application inside."""

    url: str
    app: Any
    settings: Settings
    process: uvicorn.Server
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.AsyncClient:
        made = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, verify=NO_TLS)
        self.clients.append(made)
        return made

    def browser(self) -> httpx.AsyncClient:
        """A client that says what browsers say: same-origin requests, HTML wanted."""
        return self.client(**{"accept": "text/html", "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"})

    async def someone(self, username: str, name: str = "", role: str = "student", **changes: Any) -> Actor:
        """Signs someone up without the form, and signs them in."""
        name = name or username.title()
        person: int = await database.fetch_value(
            """
            INSERT INTO person (username, skeleton, name, email, email_key, password_hash, role, search_key, language)
            VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8) RETURNING id
            """,
            username,
            skeleton(username),
            name,
            f"{username}@example.org",
            await password_hash(),
            role,
            search_key(name, username),
            changes.get("language", "en"),
        )
        tokens = await sessions.start(self.settings, Proof(person, await password_hash()), "tests", "127.0.0.1")
        session: int = await database.fetch_value("SELECT max(id) FROM session WHERE person = $1", person)
        api = self.client(accept="application/json", authorization=f"Bearer {tokens.access}")
        browser = self.browser()
        browser.cookies.set("access", tokens.access)
        browser.cookies.set("refresh", tokens.refresh)
        return Actor(name, person, username, api, browser, tokens.access, tokens.refresh, session)

    async def emptied(self) -> None:
        """Everyone goes, and nothing of them stays open."""
        for client in self.clients:
            await client.aclose()
        self.clients.clear()
        hub = self.app.state.hub
        for stream in list(hub.streams.values()):
            stream.close()
        while hub.streams or hub._closed:
            await asyncio.sleep(0.001)  # what is left of the work of this loop; nothing tells when it is done
        for leaving in hub.presence._leaving.values():  # seconds later, in the midst of another test
            leaving.cancel()
        for waiting in (hub.presence._leaving, hub.presence.urgent, hub.presence.changed, hub.receipts.caught_up):
            waiting.clear()

    def nobody(self) -> Actor:
        return Actor("Nobody", 0, "nobody", self.client(accept="application/json"), self.browser())


_hash: str | None = None


async def password_hash() -> str:
    """The hash of PASSWORD, made once: hashing is slow on purpose."""
    global _hash
    _hash = _hash or await hash_password(PASSWORD)
    return _hash


async def start_server(settings: Settings) -> Server:
    """Starts a real server on a free port, in this loop."""
    # asyncio turns Nagle's algorithm off for sockets that say that they are TCP: else each answer takes 40 ms longer.
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    settings = dataclasses.replace(settings, port=port, base_url=f"http://127.0.0.1:{port}")
    app = create_app(settings)
    config = uvicorn.Config(
        app, http=Protocol, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2
    )
    process = uvicorn.Server(config)
    task = asyncio.create_task(process.serve(sockets=[listening]))
    while not process.started:
        if task.done():
            task.result()
            raise RuntimeError("the server did not start")
        await asyncio.sleep(0.005)  # the server says nothing else when it has started
    process.serving = task  # type: ignore[attr-defined]
    return Server(settings.base_url, app, settings, process)


async def stop_server(server: Server) -> None:
    await server.emptied()
    server.app.state.hub.close_all()
    server.process.should_exit = True
    await server.process.serving  # type: ignore[attr-defined]


@asynccontextmanager
async def without_column(table: str, column: str) -> AsyncIterator[None]:
    """A fault of ours: the schema is taken away under the feet of the house."""
    await database.fetch(f"ALTER TABLE {table} RENAME COLUMN {column} TO gone")
    try:
        yield
    finally:
        await database.fetch(f"ALTER TABLE {table} RENAME COLUMN gone TO {column}")


async def statements_of(work: Awaitable[httpx.Response]) -> int:
    """How many statements that request costs; it must succeed."""
    counted = []
    really = database.fetch

    async def counting(sql: str, *args: object) -> list[database.Row]:
        live = _kept.app.state.hub._tasks if _kept is not None else ()
        if asyncio.current_task() not in live:  # what goes on beside all requests
            counted.append(sql)
        return await really(sql, *args)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "fetch", counting)
        assert (await work).status_code == 200
    return len(counted)


_kept: Server | None = None


async def stop_kept() -> None:
    """Ends the server that was kept for the next test."""
    global _kept
    if _kept is not None:
        stopping, _kept = _kept, None
        await stop_server(stopping)


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    """A running Causerie on a database as new. To make one costs more than most tests: so it is kept for the next one,
    unless that wants other settings."""
    global _kept
    if _kept is None or _kept.settings != dataclasses.replace(
        settings, port=_kept.settings.port, base_url=_kept.settings.base_url
    ):
        await stop_kept()
        _kept = await start_server(settings)
    running = _kept
    yield running
    await running.emptied()


@pytest.fixture(scope="session", autouse=True)
async def none_kept_at_the_end(cluster: str) -> AsyncIterator[None]:
    yield
    await stop_kept()


@dataclass
class Cast:
    """The people of the story and the group that it is about."""

    server: Server
    ada: Actor
    olive: Actor
    milo: Actor
    mina: Actor
    remy: Actor
    oscar: Actor
    nobody: Actor
    chess: int
    general: int

    async def say(self, who: Actor, body: str, where: int | None = None, **more: Any) -> dict[str, Any]:
        """Sends a message and gives it as JSON."""
        answer = await who.api.post(f"/conversations/{where or self.chess}/messages", json={"body": body, **more})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def unread(self, who: Actor, where: int | None = None) -> int:
        """What the sidebar of that person counts for the conversation."""
        lines = (await who.api.get("/conversations")).json()["conversations"]
        return int(next(line["unread"] for line in lines if line["id"] == (where or self.chess)))


@pytest.fixture
async def cast(server: Server) -> Cast:
    """Everyone, in their places."""
    ada = await server.someone("ada", "Ada Admin", role="admin")
    # In a school groups are made by teachers.
    role = "teacher" if server.settings.role_policy == "school" else "student"
    olive = await server.someone("olive", "Olive Owner", role=role)
    milo = await server.someone("milo", "Milo Member")
    mina = await server.someone("mina", "Mina Member", language="fr")
    remy = await server.someone("remy", "Rémy Removed")
    oscar = await server.someone("oscar", "Oscar Outsider")
    made = await olive.api.post(
        "/conversations", json={"kind": "group", "title": "Chess club", "members": ["milo", "mina", "remy"]}
    )
    assert made.status_code == 201, made.text
    chess = made.json()["id"]
    gone = await olive.api.delete(f"/conversations/{chess}/members/{remy.id}")
    assert gone.status_code == 204, gone.text
    general = (await ada.api.get("/conversations/general")).json()["id"]
    return Cast(server, ada, olive, milo, mina, remy, oscar, server.nobody(), chess, general)
