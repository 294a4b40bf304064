"""A running Causerie, and the people who use it. Everyone is made and does things through the API, as programs do."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import signal
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx

from app.core.security import seal
from app.notifications.unsubscribe import PURPOSE
from e2e.steps import unlike_words
from tests.nursery import Command, nursery
from tests.processes import free_port

PASSWORD = "three blue horses run"
PATIENCE = 60.0
# Everything is on loopback. Without this each client reads all certificate authorities: 50 ms of CPU for each person.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
T = TypeVar("T")


def until(wanted: Callable[[], T], what: str, seconds: float = 45.0) -> T:
    """What `wanted` gives as soon as that is true; fails with `what` when it has not come true in time."""
    deadline = time.monotonic() + seconds
    while not (found := wanted()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)  # nothing tells when another process is ready
    return found


@dataclass
class Person:
    """Someone with an account. `api` speaks JSON; a browser of theirs has `cookies`."""

    id: int
    username: str
    name: str
    api: httpx.Client
    cookies: dict[str, str]

    def say(self, where: int, body: str, **more: Any) -> dict[str, Any]:
        """Sends a message and gives it."""
        return self._done(self.api.post(f"/conversations/{where}/messages", json={"body": body, **more}))

    def edit(self, message: int, body: str) -> dict[str, Any]:
        return self._done(self.api.patch(f"/messages/{message}", json={"body": body}))

    def delete(self, message: int) -> None:
        self._done(self.api.delete(f"/messages/{message}"))

    def group(self, title: str, *others: Person) -> int:
        """Makes a group with these people and gives its id."""
        members = [other.username for other in others]
        made = self._done(self.api.post("/conversations", json={"kind": "group", "title": title, "members": members}))
        return int(made["id"])

    def ask(self, title: str, body: str = "") -> int:
        """What they ask the staff; gives its id."""
        asked = {"kind": "support", "title": title, "body": body}
        return int(self._done(self.api.post("/conversations", json=asked))["id"])

    def direct(self, other: Person) -> int:
        """The id of the direct conversation with someone."""
        return int(self._done(self.api.put(f"/direct/{other.username}"))["id"])

    def rename(self, group: int, title: str) -> None:
        self._done(self.api.patch(f"/conversations/{group}", json={"title": title}))

    def add(self, group: int, other: Person) -> None:
        self._done(self.api.post(f"/conversations/{group}/members", json={"username": other.username}))

    def remove(self, group: int, other: Person) -> None:
        """Takes someone out of a group; themselves: they leave."""
        self._done(self.api.delete(f"/conversations/{group}/members/{other.id}"))

    def read(self, where: int, position: int) -> None:
        self._done(self.api.put(f"/conversations/{where}/read", json={"position": position}))

    def tell(self, **choice: str) -> None:
        """Chooses what is told of them: `state`, `shown_to`."""
        self._done(self.api.patch("/me/privacy", json=choice))

    def conversation(self, where: int) -> dict[str, Any]:
        return self._done(self.api.get(f"/conversations/{where}"))

    def messages(self, where: int) -> list[dict[str, Any]]:
        """The newest hundred, oldest first."""
        found: list[dict[str, Any]] = self._done(self.api.get(f"/conversations/{where}/messages?limit=100"))["messages"]
        return found

    def unread(self, where: int) -> int:
        lines = self._done(self.api.get("/conversations"))["conversations"]
        return int(next(line["unread"] for line in lines if line["id"] == where))

    def _done(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


@dataclass
class Causerie:
    """`python -m app serve` on a database that exists already; can be stopped and started again on its port."""

    dsn: str
    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: Command | None = None
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def migrate(self) -> None:
        done = nursery.run(["app", "migrate"], self._environment())
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.port = self.port or free_port()
        said = len(self.said())
        with self.log.open("ab") as output:
            self.process = nursery.command(["app", "serve", *self.options], self._environment(), output.fileno())
        until(lambda: self._runs(said), "Causerie is running", PATIENCE)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        mine = {
            "DATABASE_URL": self.dsn,
            "DATA_DIR": str(self.folder),
            "PORT": str(self.port or 8000),
            "RATE_LIMITS": "off",
            "LOG_LEVEL": "warning",
            "CAUSERIE_THROWAWAY_DATABASE": "yes",
        }
        return kept | mine

    def _runs(self, said: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended instead of serving:\n{self.said()}"
        return "Causerie is running" in self.said()[said:]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.stop()

    def said(self) -> str:
        """What its processes printed."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def streams(self) -> int:
        """How many streams are open."""
        answer = httpx.get(
            f"{self.url}/health",
            headers={"accept": "application/json"},
            timeout=PATIENCE,
            verify=NO_TLS,
            trust_env=False,
        )
        return int(answer.json()["streams"])

    def reset_link(self, email: str) -> str:
        """The link of the mail that the worker printed for this address."""
        pattern = re.compile(rf"To: {re.escape(email)}\n.*?(http\S+/auth/reset-password\?token=\S+)", re.DOTALL)
        return str(until(lambda: pattern.findall(self.said()), f"a mail to {email}")[-1])

    def person(self, name: str, language: str = "en", username: str = "") -> Person:
        """Signs someone up."""
        letters = re.sub("[^a-z]", "", name.split()[0].lower()) or "someone"
        username = username or f"{letters}-{unlike_words()}"
        client = httpx.Client(
            base_url=self.url, headers={"accept": "application/json"}, timeout=PATIENCE, verify=NO_TLS, trust_env=False
        )
        self.clients.append(client)
        answer = client.post(
            "/auth/signup",
            json={"username": username, "name": name, "email": f"{username}@example.org", "password": PASSWORD},
            headers={"accept-language": language},
        )
        assert answer.status_code == 201, answer.text
        made = answer.json()
        client.cookies.clear()
        client.headers["authorization"] = f"Bearer {made['access_token']}"
        client.get("/conversations")  # whoever looks in for the first time comes into the general room
        cookies = {"access": made["access_token"], "refresh": made["refresh_token"]}
        return Person(made["person"]["id"], username, name, client, cookies)

    def said_long_ago(self, where: int, author: Person, texts: list[str]) -> None:
        """Writes very many messages at once, without a ring of the bell: whoever watches sees them within a second."""
        self.sql(MANY, where, author.id, texts)

    def reset_token(self, person: Person) -> str:
        """A token with which that person can set a new password."""
        token = secrets.token_urlsafe(32)
        self.sql(
            "INSERT INTO password_reset (person, token_hash, expires_at) VALUES ($1, $2, now() + interval '10 minutes')",
            person.id,
            hashlib.sha256(token.encode()).digest(),
        )
        return token

    def unsubscribe(self, person: Person) -> str:
        """The path of the page on which that person turns mail off, as a mail leads to it."""
        secret = (self.folder / "secret_key").read_text().strip()
        return f"/unsubscribe?token={seal(PURPOSE, f'told:{person.id}', secret)}"

    def sql(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What a query gives: for what the API rightly cannot do (old times, thousands of rows at once)."""
        # In a thread of its own: Playwright's loop runs in this one.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, _fetch(self.dsn, query, *values)).result()


MANY = """
WITH before AS (
    UPDATE conversation SET position = position + cardinality($3::text[]), change = change + cardinality($3::text[]),
        last_activity_at = clock_timestamp()
    WHERE id = $1 RETURNING position - cardinality($3::text[]) AS position, change - cardinality($3::text[]) AS change
), read AS (
    UPDATE membership SET read_position = position + cardinality($3::text[]) FROM before WHERE conversation = $1 AND person = $2
)
INSERT INTO message (conversation, position, change, author, body, created_at)
SELECT $1, before.position + n, before.change + n, $2, body, clock_timestamp()
FROM before, unnest($3::text[]) WITH ORDINALITY AS given (body, n)
"""


async def _fetch(dsn: str, query: str, *values: object) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [dict(row) for row in await connection.fetch(query, *values)]
    finally:
        await connection.close()
