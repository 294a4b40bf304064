"""The worker's part, done when a test says so."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from app.core import database
from app.notifications import gather
from app.notifications.follower import Follower
from app.notifications.mail import Mailer
from app.notifications.push.sender import Pusher
from tests.conftest import Actor, Cast
from tests.mailbox import Mailbox, mailbox
from tests.notifications.push_service import Push, pushing

Read = Callable[[], Awaitable[None]]


@pytest.fixture
async def read(cast: Cast) -> Read:
    """Reads the feed of all conversations to its end, as the worker does, and rings as it does. What the cast did
    before the test began is read already, and forgotten."""
    follower = Follower(cast.server.app.state.bell)

    async def read_on() -> None:
        while behind := await gather.behind(1000):
            await follower.round(behind)

    await read_on()
    await database.fetch("DELETE FROM notification")
    return read_on


@pytest.fixture
async def push(cast: Cast, read: Read) -> AsyncIterator[Push]:
    """A worker that may call this machine, and a push service on it. Of what was before nobody is told."""
    await database.fetch("DELETE FROM notification")
    settings = dataclasses.replace(
        cast.server.settings, webhook_allowed_networks="127.0.0.0/8", mail_from="Us <us@example.org>"
    )
    async with pushing(Pusher(settings)) as made:
        yield made


@dataclass
class Post:
    """The worker's part for mail, and the server to which it sends."""

    box: Mailbox
    mailer: Mailer
    read: Read

    async def gather(self) -> None:
        """Reads the feed, and lets the time come of all that is to be mailed and of all that is to be retried."""
        await self.read()
        await database.fetch("UPDATE notification SET mail_at = now() WHERE mail_at IS NOT NULL")
        await database.fetch("UPDATE mail_waiting SET at = now()")

    async def deliver(self) -> None:
        """The same, and sends it."""
        await self.gather()
        await self.mailer.round()

    def to(self, who: Actor) -> list[EmailMessage]:
        """The mails that came for them."""
        return [mail for mail in self.box.mails if mail["To"] == f"{who.username}@example.org"]


@pytest.fixture
async def post(cast: Cast, read: Read) -> AsyncIterator[Post]:
    """Nobody has anything to be mailed yet."""
    await database.fetch("DELETE FROM notification")
    async with mailbox() as box:
        yield Post(box, Mailer(dataclasses.replace(cast.server.settings, smtp_url=box.url)), read)


def part(mail: EmailMessage, kind: str) -> str:
    """The text of a mail: "plain" or "html"."""
    found = mail.get_body((kind,))
    assert found is not None
    text: str = found.get_content()
    return text.replace("\r\n", "\n")
