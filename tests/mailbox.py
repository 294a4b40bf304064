"""A real SMTP server to send to."""

import asyncio
import email
import email.policy
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class Mailbox:
    """The mails that came, each with the envelope it came in. `refuse` holds answers to give before taking any."""

    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuse: list[str] = field(default_factory=list)
    refused: int = 0
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        async with self._came:
            self._came.notify_all()
            if self.refuse:
                self.refused += 1
                return self.refuse.pop(0)
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.mails.append(mail)
            self.recipients.append(envelope.rcpt_tos)
            return "250 OK"

    async def until(self, mails: int = 0, refused: int = 0, seconds: float = 30) -> None:
        """Waits until so many mails have come, and so many were refused."""
        async with asyncio.timeout(seconds), self._came:
            await self._came.wait_for(lambda: len(self.mails) >= mails and self.refused >= refused)


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
