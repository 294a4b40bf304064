"""Mail: by SMTP_URL, or printed on the console where there is none."""

import hashlib
import ssl
import sys
from collections.abc import Mapping
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.core import database
from app.core.settings import Settings

SILENT = 20.0  # seconds in which a server has to answer each time


class _InOnePiece(UnstructuredHeader, BaseHeader):
    """A header of addresses in angle brackets. The library would break a long one into encoded words, in which no mail
    program finds an address again."""

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_registry = HeaderRegistry()
for _name in ("References", "In-Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"):
    _registry.map_to_type(_name, _InOnePiece)
_POLICY = policy.default.clone(header_factory=_registry)


async def send(
    settings: Settings,
    to: str,
    subject: str,
    body: str,
    *,
    html: str | None = None,
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
    fresh: bool = False,
) -> None:
    """Sends one mail, plain or with the same as `html` too; raises what aiosmtplib raises, so that the job is tried
    again, and ValueError for a header with a line break in it.

    What has a `key` (see `jobs.key`) is sent once: not again when its server took it before. Should we be killed
    between that and our note of it, it comes twice with one Message-ID, which mail programs show once; unless it is
    `fresh`, told each time in other words that must be seen (a new link, which ends the one before).
    """
    if key is not None and await was_sent(key):
        return
    message = EmailMessage(policy=_POLICY)
    message["From"] = settings.mail_from
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate(usegmt=True)
    domain = urlsplit(settings.base_url).hostname
    stable = key is not None and not fresh
    message["Message-ID"] = f"<{_digest(key or '')}@{domain}>" if stable else make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"
    for name, value in (headers or {}).items():
        message[name] = value
    message.set_content(body)
    if html is not None:
        message.add_alternative(html, subtype="html")
    await _hand_over(settings, message, to, subject, body)
    if key is not None:
        await database.fetch("INSERT INTO mail_sent (key) VALUES ($1) ON CONFLICT DO NOTHING", _digest(key))


async def was_sent(key: str) -> bool:
    """Whether a mail with this key has gone. Ask before making what a second run would spoil, such as a link."""
    return bool(await database.fetch_value("SELECT EXISTS (SELECT FROM mail_sent WHERE key = $1)", _digest(key)))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40]


async def _hand_over(settings: Settings, message: EmailMessage, to: str, subject: str, body: str) -> None:
    if settings.smtp_url is None:
        shown = f"--- mail (SMTP_URL is not set, so it is shown here) ---\nTo: {to}\nSubject: {subject}\n\n{body}\n---"
        print(f"\n{shown}\n", file=sys.stderr, flush=True)
        return
    server = urlsplit(settings.smtp_url)
    await aiosmtplib.send(
        message,
        hostname=server.hostname,
        port=server.port or {"smtp": 25, "smtps": 465, "smtp+starttls": 587}[server.scheme],
        username=unquote(server.username) if server.username else None,
        password=unquote(server.password) if server.password else None,
        use_tls=server.scheme == "smtps",
        start_tls=True if server.scheme == "smtp+starttls" else None if server.scheme == "smtp" else False,
        tls_context=_tls(server.scheme, bool(server.password)),
        timeout=SILENT,
    )


@lru_cache
def _tls(scheme: str, has_password: bool) -> ssl.SSLContext:
    """How far the server's certificate is believed. `smtp://` without a password takes encryption where it is offered,
    so it keeps out nobody who can interfere; to insist would only refuse the mail server of this very machine. Made
    once: it reads all certificate authorities, which takes longer than to send a mail."""
    context = ssl.create_default_context()
    if scheme == "smtp" and not has_password:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
