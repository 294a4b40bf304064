"""The cast, on a real Postgres and a real server.

Ada is the administrator. Olive owns the group "Chess club"; Milo is in it, and so is Mina. Remy was in it and was
removed. Oscar has an account and nothing to do with it. Nobody has no account.
"""

import asyncio
import dataclasses
import fcntl
import gc
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import hypothesis
import pytest
import uvicorn
import uvloop
from argon2 import PasswordHasher

os.environ["CAUSERIE_THROWAWAY_DATABASE"] = "yes"

from app.accounts import sessions
from app.accounts.sessions import Proof
from app.accounts.usernames import skeleton
from app.conversations import actions, queries
from app.core import database, embedded, limits
from app.core.security import read_token
from app.core.server import Protocol
from app.core.settings import Settings, load
from app.core.text import search_key
from app.main import create_app
from app.people import presence
from tests.nursery import nursery

gc.disable()  # until all tests are imported and collected, which makes no garbage to speak of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits, or lasts long, goes first, beside the others, instead of alone at the end. What cannot use the
    server of the test before goes last: between others it would cost two new ones each time."""

    def early(item: pytest.Item) -> bool:
        return "faults" in item.path.parts or "stateful" in item.path.name

    items.sort(key=lambda item: (not early(item), _has_own_server(item)))


def _has_own_server(item: pytest.Item) -> bool:
    """Whether it needs the database for itself, or a server with other settings than most."""
    if not isinstance(item, pytest.Function):
        return False
    found = item._fixtureinfo.name2fixturedefs
    return ("dsn" in found and "server" not in found) or len(found.get("settings", ())) > 1


# Beside other work a single example may take long.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """What is loaded now stays: as in a server, the collector leaves it alone, and looks less often."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Pytest keeps its last folders, and that one is large."""
    nursery.close()
    if not hasattr(session.config, "workerinput"):
        archive = session.config._tmp_path_factory.getbasetemp() / "cluster.tar"  # type: ignore[attr-defined]
        archive.unlink(missing_ok=True)


PASSWORD = "three blue horses run"
# Everything is on loopback. Without this each client reads all certificate authorities: a second of CPU a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture(scope="session")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The loop is the one on which Causerie is served. That of the standard library takes a fifth more of each test."""
    policy: asyncio.AbstractEventLoopPolicy = uvloop.EventLoopPolicy()
    return policy


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a cluster with the migrated database, made by the first of the processes that test side by side."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    archive = shared / "cluster.tar"
    with (shared / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            with _folder() as folder:
                with embedded.running(folder, durable=False) as dsn:
                    asyncio.run(database.migrate(dsn))
                subprocess.run(["tar", "-cf", archive.with_suffix(".new"), "-C", folder, "postgres"], check=True)
            archive.with_suffix(".new").rename(archive)
    return archive


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="causerie-tests-"))
    folder.chmod(0o711)  # when the tests run as root, Postgres runs as another user and must enter
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unpack(prepared: Path, folder: Path) -> None:
    """Puts the cluster into a DATA_DIR, with owners and modes, on which Postgres insists: half the work of initdb."""
    subprocess.run(["tar", "-xpf", prepared, "-C", folder], check=True)


@pytest.fixture(scope="session")
def cluster(prepared: Path) -> Iterator[str]:
    """The DSN of a migrated database that is copied and never touched."""
    with _folder() as folder:
        unpack(prepared, folder)
        with embedded.running(folder, durable=False) as dsn:
            yield dsn


@dataclass
class Emptied:
    """The database that the tests of this process use in turn, and a connection that empties it between them.

    Little is in each table, so to delete it takes a tenth of the time that TRUNCATE takes, which makes files anew; and
    all by one prepared statement a tenth of what it takes one by one."""

    dsn: str
    connection: asyncpg.Connection
    everything: str

    async def empty(self) -> None:
        """The general room and the announcements are what the migrations put there; the processes that live are still
        alive."""
        await self.connection.fetch(self.everything)
        await self.connection.fetch("INSERT INTO conversation (kind) VALUES ('general'), ('announcements')")


@pytest.fixture(scope="session")
async def emptied(cluster: str) -> AsyncIterator[Emptied]:
    dsn = cluster.replace("@/causerie?", "@/tests?")
    admin = await asyncpg.connect(cluster.replace("@/causerie?", "@/postgres?"))
    await admin.execute("CREATE DATABASE tests TEMPLATE causerie")
    await admin.close()
    # A replica asks after no foreign keys.
    connection = await asyncpg.connect(dsn, server_settings={"session_replication_role": "replica", "jit": "off"})
    names = await connection.fetchval(
        """
        SELECT array_agg(quote_ident(tablename)) FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN ('migration', 'live_process', 'names')
        """
    )
    parts = ", ".join(f"_{number} AS (DELETE FROM {name})" for number, name in enumerate(names))
    yield Emptied(dsn, connection, f"WITH {parts} SELECT")
    await connection.close()


@pytest.fixture
async def dsn(emptied: Emptied, request: pytest.FixtureRequest) -> str:
    """The migrated database as if it were new. Numbers go on where the last test left them: none of what a server
    remembers by number is wrong for the next one."""
    if "server" not in request.fixturenames:
        await stop_kept()  # who needs none may connect in its place
    presence.book.clear()
    await emptied.empty()
    return emptied.dsn


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
    server: "Server"
    access: str = ""
    refresh: str = ""
    session: int = 0

    @cached_property
    def api(self) -> httpx.AsyncClient:
        bearer = {"authorization": f"Bearer {self.access}"} if self.access else {}
        return self.server.client(accept="application/json", **bearer)

    @cached_property
    def browser(self) -> httpx.AsyncClient:
        made = self.server.browser()
        if self.access:
            made.cookies.set("access", self.access)
            made.cookies.set("refresh", self.refresh)
        return made


@dataclass
class Newcomer:
    """Who is to get an account."""

    username: str
    name: str = ""
    role: str = "student"
    language: str = "en"


@dataclass
class Server:
    """A running Causerie: its address and the application inside."""

    url: str
    app: Any
    settings: Settings
    process: uvicorn.Server
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.AsyncClient:
        made = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, verify=NO_TLS, trust_env=False)
        self.clients.append(made)
        return made

    def browser(self) -> httpx.AsyncClient:
        """A client that says what browsers say: same-origin requests, HTML wanted."""
        return self.client(**{"accept": "text/html", "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"})

    async def someone(self, username: str, name: str = "", role: str = "student", language: str = "en") -> Actor:
        """Signs someone up without the form, and signs them in."""
        (actor,) = await self.people(Newcomer(username, name, role, language))
        return actor

    async def people(self, *newcomers: Newcomer) -> list[Actor]:
        """Signs them up in this order without the form, and signs them in."""
        names = [each.name or each.username.title() for each in newcomers]
        async with database.one_connection():
            people = await database.fetch(
                """
                INSERT INTO person (
                    username, skeleton, name, email, email_key, password_hash, role, search_key, language, created_at
                )
                SELECT username, skeleton, name, email, email, $1, role, search_key, language, clock_timestamp()
                FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
                    AS new (username, skeleton, name, email, role, search_key, language)
                RETURNING id
                """,
                await password_hash(),
                [each.username for each in newcomers],
                [skeleton(each.username) for each in newcomers],
                names,
                [f"{each.username}@example.org" for each in newcomers],
                [each.role for each in newcomers],
                [search_key(name, each.username) for name, each in zip(names, newcomers, strict=True)],
                [each.language for each in newcomers],
            )
            return [
                await self._signed_in(person["id"], name, each.username)
                for person, name, each in zip(people, names, newcomers, strict=True)
            ]

    async def _signed_in(self, person: int, name: str, username: str) -> Actor:
        tokens = await sessions.start(self.settings, Proof(person, await password_hash()), "tests", "127.0.0.1")
        claims = read_token("access", tokens.access, self.settings.secret_key)
        assert claims is not None
        return Actor(name, person, username, self, tokens.access, tokens.refresh, claims.session)

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
        presences = hub.presence
        for waiting in (presences._leaving, presences.urgent, presences.changed, hub.receipts.caught_up):
            waiting.clear()
        hub.typing.waiting.clear()  # a signal that came when its test had seen enough

    def nobody(self) -> Actor:
        return Actor("Nobody", 0, "nobody", self)


# Hashing is slow on purpose. What a hash costs is written in it, so who logs in with this one does not wait.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


async def password_hash() -> str:
    """A hash of PASSWORD."""
    return _CHEAP


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
    """Everyone, in their places. What is asked for by the people here is done as their requests would do it, without
    the requests: a thousand tests begin with this."""
    # In a school groups are made by teachers.
    role = "teacher" if server.settings.role_policy == "school" else "student"
    ada, olive, milo, mina, remy, oscar = await server.people(
        Newcomer("ada", "Ada Admin", role="admin"),
        Newcomer("olive", "Olive Owner", role=role),
        Newcomer("milo", "Milo Member"),
        Newcomer("mina", "Mina Member", language="fr"),
        Newcomer("remy", "Rémy Removed"),
        Newcomer("oscar", "Oscar Outsider"),
    )
    async with database.one_connection():
        owner = await sessions.person_of(server.settings, olive.access)
        admin = await sessions.person_of(server.settings, ada.access)
        assert owner is not None
        assert admin is not None
        await limits.spend(server.settings, (limits.GROUP_PERSON, str(olive.id)))
        chess, _people = await actions.create_group(owner, "Chess club", ["milo", "mina", "remy"])
        await actions.remove_member(owner, chess, remy.id)
        general = await queries.general()
        await queries.conversation(general, admin)  # who looks into it is in
    return Cast(server, ada, olive, milo, mina, remy, oscar, server.nobody(), chess, general)
