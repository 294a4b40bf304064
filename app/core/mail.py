"""Mail: by SMTP_URL, or printed on the console where there is none."""

import ssl
import sys
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib

from app.core.settings import Settings


async def send(settings: Settings, to: str, subject: str, body: str) -> None:
    """Sends one plain mail; raises what aiosmtplib raises, so that the job is tried again."""
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=urlsplit(settings.base_url).hostname)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
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
        tls_context=_tls(server),
        timeout=20,
    )


def _tls(server: SplitResult) -> ssl.SSLContext:
    """How far the server's certificate is believed. `smtp://` without a password takes encryption where it is offered,
    so it keeps out nobody who can interfere; to insist would only refuse the mail server of this very machine."""
    context = ssl.create_default_context()
    if server.scheme == "smtp" and not server.password:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
