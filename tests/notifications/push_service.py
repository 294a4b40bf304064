"""A push service, and browsers that subscribed at it: what comes is decrypted as a browser does it, and its sender's
signature checked as a service does it."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import http_ece
import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.core import database
from app.core.security import read_token
from app.notifications.push.keys import encoded
from app.notifications.push.sender import Pusher
from tests.conftest import PASSWORD, Actor, Cast
from tests.receivers import Call, Receiver, receiving


def _curve() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Browser:
    """One that subscribed: its address at the service, and the keys that only it has."""

    service: Receiver
    path: str
    host: str = "127.0.0.1"
    private: ec.EllipticCurvePrivateKey = field(default_factory=_curve)
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    id: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.service.port}{self.path}"

    @property
    def json(self) -> dict[str, Any]:
        """What `subscription.toJSON()` gives."""
        point = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": encoded(point), "auth": encoded(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    @property
    def calls(self) -> list[Call]:
        return [call for call in self.service.calls if call.path == self.path]

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What it was told, in order."""
        return [self.opened(call) for call in self.calls]

    def opened(self, call: Call) -> dict[str, Any]:
        assert call.headers["content-encoding"] == "aes128gcm"
        assert len(call.body) <= 4096
        text = http_ece.decrypt(  # type: ignore[no-untyped-call]
            call.body, private_key=self.private, auth_secret=self.auth, version="aes128gcm"
        )
        found: dict[str, Any] = msgspec.json.decode(text)
        return found


def signed(call: Call, service: Receiver, host: str = "127.0.0.1") -> dict[str, Any]:
    """The claims of the one who sent it, if it is for that service and signed with the key that it names (RFC 8292)."""
    scheme, _space, given = call.headers["authorization"].partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in given.split(","))
    point = jwt.utils.base64url_decode(parts["k"])
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    claims: dict[str, Any] = jwt.decode(
        parts["t"], key, algorithms=["ES256"], audience=f"http://{host}:{service.port}", options={"require": ["exp"]}
    )
    assert time.time() < claims["exp"] <= time.time() + 86_400
    return {**claims, "k": parts["k"]}


async def subscribed(who: Actor, service: Receiver, path: str = "", host: str = "127.0.0.1") -> Browser:
    """That person's browser is told from now on. Not by their request: a service on this machine is refused there."""
    made = Browser(service, path or f"/push/{who.username}", host)
    made.id = await database.fetch_value(
        """
        INSERT INTO push_subscription (person, session, endpoint, p256dh, auth) VALUES ($1, $2, $3, $4, $5)
        RETURNING id
        """,
        who.id,
        who.session,
        made.endpoint,
        made.json["keys"]["p256dh"],
        made.json["keys"]["auth"],
    )
    return made


async def signs_in(cast: Cast, login: str) -> Actor:
    """Another browser of theirs."""
    client = cast.server.client(accept="application/json")
    answer = await client.post("/auth/login", json={"login": login, "password": PASSWORD})
    token = answer.json()["access_token"]
    claims = read_token("access", token, cast.server.settings.secret_key)
    assert claims is not None
    person = answer.json()["person"]
    return Actor(person["name"], person["id"], login, cast.server, token, session=claims.session)


async def chooses(who: Actor, **choice: Any) -> None:
    assert (await who.api.put("/me/notification-settings", json=choice)).status_code == 200


@dataclass
class Push:
    """The worker's part, done when a test says so."""

    service: Receiver
    pusher: Pusher
    stack: AsyncExitStack

    async def send(self) -> None:
        """Sends what waits, as if its ten seconds, and whatever else it waits for, were over."""
        await database.fetch("UPDATE notification SET push_at = now() WHERE push_at IS NOT NULL")
        await database.fetch("UPDATE push_subscription SET retry_at = now() WHERE retry_at IS NOT NULL")
        await self.round()

    async def round(self) -> None:
        """Sends what is due, to its end."""
        await self.pusher.round(self.stack)
        for task in list(self.pusher.under_way):
            await task


@asynccontextmanager
async def pushing(pusher: Pusher) -> AsyncIterator[Push]:
    async with receiving() as service, AsyncExitStack() as stack:
        service.answers = [201]
        yield Push(service, pusher, stack)


async def waits() -> int:
    """How many notifications wait for browsers."""
    return int(await database.fetch_value("SELECT count(*) FROM push_waiting"))


async def failures(browser: Browser) -> tuple[int, float] | None:
    """How often it failed in a row, and in how many seconds it is tried again; None when it is there no more."""
    row = await database.fetch_row(
        """
        SELECT failures, coalesce(extract(epoch FROM retry_at - now()), 0)::float AS wait
        FROM push_subscription WHERE id = $1
        """,
        browser.id,
    )
    return (row["failures"], row["wait"]) if row else None
