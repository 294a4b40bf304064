"""A real SMTP server to send to."""

import asyncio
import email
import email.policy
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class Mailbox:
    """The mails that came, each with the envelope it came in. `refuse` holds answers to give before taking any; what is
    `first` is done before each answer; `no_such_address` is what is said to each address; `silent` it says nothing once
    it has a mail."""

    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refuse: list[str] = field(default_factory=list)
    refused: int = 0
    first: Callable[[], Awaitable[None]] | None = None
    no_such_address: str = ""
    silent: bool = False
    ignored: int = 0
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.no_such_address:
            self.refused += 1
            return self.no_such_address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        if self.first is not None:
            await self.first()
        if self.silent:
            async with self._came:
                self.ignored += 1
                self._came.notify_all()
            await asyncio.Event().wait()
        async with self._came:
            self._came.notify_all()
            if self.refuse:
                self.refused += 1
                return self.refuse.pop(0)
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.mails.append(mail)
            self.raw.append(envelope.content)
            self.recipients.append(envelope.rcpt_tos)
            return "250 OK"

    async def until(self, mails: int = 0, refused: int = 0, seconds: float = 30, ignored: int = 0) -> None:
        """Waits until so many mails have come, so many were refused, and so many got no answer."""
        async with asyncio.timeout(seconds), self._came:
            await self._came.wait_for(
                lambda: len(self.mails) >= mails and self.refused >= refused and self.ignored >= ignored
            )


@asynccontextmanager
async def mailbox(**options: Any) -> AsyncIterator[Mailbox]:
    """An SMTP server on a free port, in this loop; `options` are those of aiosmtpd."""
    box = Mailbox()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="test", **options), sock=listening)
    box.url = f"smtp://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield box
    finally:
        server.close()
