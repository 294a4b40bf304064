"""Mail: by SMTP or on the console. How the link for a new password is mailed is in tests/accounts/test_reset.py."""

import dataclasses
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import AuthResult

from app.core import database, mail
from app.core.settings import Settings, load
from tests.mailbox import mailbox

PEM = Path(__file__).parent.parent / "data" / "self-signed.pem"


@pytest.fixture
def settings() -> Settings:
    return load(
        {"SECRET_KEY": "k" * 64, "BASE_URL": "https://chat.example.org", "MAIL_FROM": "Chat <chat@example.org>"}
    )


def tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(PEM)
    return context


async def test_without_a_server_it_is_shown_on_the_console(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await mail.send(settings, "zoe@example.org", "Été", "Voilà.")
    shown = capsys.readouterr().err
    assert "To: zoe@example.org\nSubject: Été\n\nVoilà.\n" in shown


async def test_letters_of_any_script_arrive(settings: Settings) -> None:
    async with mailbox() as box:
        await mail.send(dataclasses.replace(settings, smtp_url=box.url), "zoe@example.org", "Été 日本", "Voilà 🙂\n")
    assert box.mails[0]["Subject"] == "Été 日本"
    assert box.mails[0].get_content().splitlines() == ["Voilà 🙂"]
    assert box.mails[0]["Message-ID"].endswith("@chat.example.org>")


async def test_a_header_cannot_be_smuggled_in(settings: Settings) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        await mail.send(settings, "zoe@example.org\nBcc: eve@example.org", "x", "y")


async def test_the_same_goes_as_text_and_as_html(settings: Settings) -> None:
    async with mailbox() as box:
        mine = dataclasses.replace(settings, smtp_url=box.url)
        await mail.send(mine, "zoe@example.org", "x", "Été < hiver", html="<p>Été &lt; hiver</p>")
    (found,) = box.mails
    assert found.get_content_type() == "multipart/alternative"
    parts = [(part.get_content_subtype(), part.get_content().strip()) for part in found.iter_parts()]
    assert parts == [("plain", "Été < hiver"), ("html", "<p>Été &lt; hiver</p>")], "the best one last"


async def test_a_long_address_in_a_header_stays_in_one_piece(settings: Settings) -> None:
    """In encoded words no mail program looks for one."""
    address = f"<https://chat.example.org/unsubscribe?token={'abcDEF_-9' * 20}>"
    async with mailbox() as box:
        mine = dataclasses.replace(settings, smtp_url=box.url)
        headers = {"List-Unsubscribe": address, "References": f"<{'r' * 90}@chat.example.org>"}
        await mail.send(mine, "zoe@example.org", "x", "y", headers=headers)
        with pytest.raises(ValueError, match="linefeed"):
            await mail.send(mine, "zoe@example.org", "x", "y", headers={"List-Id": "<x>\r\nBcc: eve@example.org"})
    assert f"\nList-Unsubscribe: {address}\r\n".encode() in box.raw[0]
    assert f"\nReferences: <{'r' * 90}@chat.example.org>\r\n".encode() in box.raw[0]
    assert len(box.mails) == 1


async def test_user_and_password_are_those_of_the_url(settings: Settings) -> None:
    asked: list[Any] = []

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        asked.append((data.login, data.password))
        return AuthResult(success=True)

    async with mailbox(authenticator=check, auth_require_tls=False) as box:
        url = box.url.replace("smtp://", "smtp://chat%40example.org:p%40ss%2Fword@")
        await mail.send(dataclasses.replace(settings, smtp_url=url), "zoe@example.org", "x", "y")
    assert asked == [(b"chat@example.org", b"p@ss/word")]
    assert len(box.mails) == 1


async def test_the_mail_server_of_the_machine_may_have_a_certificate_of_its_own_making(settings: Settings) -> None:
    async with mailbox(tls_context=tls()) as box:
        await mail.send(dataclasses.replace(settings, smtp_url=box.url), "zoe@example.org", "x", "y")
    assert len(box.mails) == 1


async def test_where_encryption_is_demanded_or_a_password_is_sent_the_certificate_must_be_good(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with mailbox(tls_context=tls()) as box:
        for start in ("smtp+starttls://", "smtp://user:password@"):
            url = box.url.replace("smtp://", start)
            with pytest.raises((ssl.SSLError, aiosmtplib.SMTPException)):
                await mail.send(dataclasses.replace(settings, smtp_url=url), "zoe@example.org", "x", "y")
    assert box.mails == []


async def test_a_server_without_encryption_is_refused_where_it_is_demanded(settings: Settings) -> None:
    async with mailbox() as box:
        url = box.url.replace("smtp://", "smtp+starttls://")
        with pytest.raises(aiosmtplib.SMTPException):
            await mail.send(dataclasses.replace(settings, smtp_url=url), "zoe@example.org", "x", "y")
    assert box.mails == []


@pytest.fixture
async def connected(settings: Settings, dsn: str) -> AsyncIterator[Settings]:
    await database.connect(dsn)
    yield settings
    await database.disconnect()


async def test_a_mail_with_a_key_that_its_server_took_is_not_sent_again(connected: Settings) -> None:
    async with mailbox() as box:
        mine = dataclasses.replace(connected, smtp_url=box.url)
        box.refuse.append("451 later")
        with pytest.raises(aiosmtplib.SMTPException):
            await mail.send(mine, "zoe@example.org", "x", "y", key="a job")
        assert not await mail.was_sent("a job")
        await mail.send(mine, "zoe@example.org", "x", "y", key="a job")
        assert await mail.was_sent("a job")
        await mail.send(mine, "zoe@example.org", "x", "y", key="a job")
        await mail.send(mine, "zoe@example.org", "x", "y", key="another job")
    assert len(box.mails) == 2


async def test_should_it_be_sent_twice_after_all_it_is_one_mail_by_its_id(connected: Settings) -> None:
    """As when the worker is killed before it has noted that the mail has gone."""
    async with mailbox() as box:
        mine = dataclasses.replace(connected, smtp_url=box.url)
        for fresh in (False, False, True):
            await mail.send(mine, "zoe@example.org", "x", "y", key="a job", fresh=fresh)
            await database.fetch("DELETE FROM mail_sent")
    first, second, link = (each["Message-ID"] for each in box.mails)
    assert first == second != link
    assert "job" not in first
