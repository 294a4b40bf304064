"""Calling others: what is private is not called, however it is written, looked up or led to."""

import dataclasses
import ipaddress
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import outside
from app.core.addresses import may_be_called
from app.core.errors import Invalid
from app.core.settings import Settings, load
from tests.receivers import receiving


@pytest.fixture
def plain(tmp_path: Path) -> Settings:
    return load({"DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40})


def opened(settings: Settings, text: str = "127.0.0.0/8") -> Settings:
    return dataclasses.replace(settings, webhook_allowed_networks=text)


PRIVATE = """
127.0.0.1 127.1 127.0.1 0.0.0.0 0 2130706433 0x7f000001 0x7f.0.0.1 0X7F.1 017700000001 0177.0.0.1 127.0.0.1.
10.0.0.1 10.1 172.16.0.1 172.31.255.255 192.168.1.1 192.168.257 169.254.169.254 0xa9fea9fe 2852039166 100.64.0.1
100.100.100.200 192.0.0.192 198.18.0.1 198.51.100.7 203.0.113.9 192.0.2.1 192.88.99.1 224.0.0.1 239.255.255.250
240.0.0.1 255.255.255.255 168.63.129.16
[::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::127.0.0.1] [fe80::1]
[fe80::1%25eth0] [fe80::1%25lo] [fc00::1] [fd12:3456::1] [ff02::1] [fec0::1] [2002:7f00:1::] [2002:a00:1::1]
[2001:0:7f00:1::] [2001::1] [2001:db8::1] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b:1::1] [100::1] [5f00::1]
[fd00:ec2::254] localhost LOCALHOST localhost. app.localhost printer.local metadata.google.internal router.lan
１２７.0.0.1 ①②⑦.0.0.1
""".split()


@pytest.mark.parametrize("host", PRIVATE)
def test_no_spelling_of_a_private_address_is_taken(plain: Settings, host: str) -> None:
    for scheme in ("http", "https"):
        for port in ("", ":80", ":8080"):
            with pytest.raises(Invalid) as refused:
                outside.check_url(plain, f"{scheme}://{host}{port}/hook")
            assert "url" in refused.value.fields


@pytest.mark.parametrize("host", PRIVATE)
async def test_no_spelling_of_a_private_address_is_called_even_if_nobody_checked_it(plain: Settings, host: str) -> None:
    """The session alone, as if it had been asked for by a program that forgot the check."""
    import aiohttp
    from yarl import URL

    try:
        url = URL(f"http://{host}:8080/")
    except ValueError:
        return
    async with outside.session(plain) as calling:
        with pytest.raises((outside.Refused, aiohttp.ClientConnectorDNSError, aiohttp.InvalidURL)):
            await calling.post(url)


STRANGE = [
    "",
    "example.org",
    "//example.org/x",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org:80/",
    "javascript:alert(1)",
    "https://",
    "https:///hook",
    "https://user@example.org/",
    "https://user:secret@example.org/",
    "https://:@example.org/",
    "https://@example.org/",
    "https://example.org\\@127.0.0.1/",
    "https://127.0.0.1\\.example.org/",
    "https://example.org:22/",
    "https://example.org:5432/",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://example.org:80 /",
    "https://exa mple.org/",
    "https://example.org/\r\nx: y",
    "https://example.org/\0",
    "https://[::1",
    "https://[example.org]/",
    "https://example.org/" + "a" * 2000,
    "https://\ud800.org/",
]


@pytest.mark.parametrize("url", STRANGE)
def test_what_is_no_plain_address_is_refused(plain: Settings, url: str) -> None:
    with pytest.raises(Invalid):
        outside.check_url(plain, url)


def test_plain_addresses_are_taken(plain: Settings) -> None:
    for url in (
        "https://example.org/hook?x=1",
        "http://example.org:8080/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/",
        "https://école.example/crochet",
        "https://1e100.net/",
    ):
        assert outside.check_url(plain, f" {url} ").startswith("http")


def test_in_production_only_https_is_called(plain: Settings) -> None:
    production = dataclasses.replace(plain, env="production")
    outside.check_url(production, "https://example.org/")
    with pytest.raises(Invalid):
        outside.check_url(production, "http://example.org/")


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_called(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_multicast or address.is_loopback or address.is_link_local:
        assert not may_be_called(address)


@given(st.ip_addresses(v=4))
def test_an_address_in_another_dress_is_the_same_address(address: ipaddress.IPv4Address) -> None:
    """Mapped and by NAT64. By 6to4 and Teredo nothing is called at all."""
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        dressed = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + int(address))
        assert may_be_called(dressed) == may_be_called(address)
    assert not may_be_called(ipaddress.IPv6Address((0x2002 << 112) + (int(address) << 80)))
    assert not may_be_called(ipaddress.IPv6Address((0x20010000 << 96) + int(address)))


async def test_a_name_that_leads_to_this_machine_is_not_called(plain: Settings) -> None:
    """`localhost` is in /etc/hosts, as a name of an attacker's would be in the DNS."""
    async with receiving() as receiver, outside.session(plain) as calling:
        with pytest.raises(outside.Refused) as refused:
            await calling.post(f"http://localhost:{receiver.port}/")
        assert refused.value.reason == "address"
        with pytest.raises(outside.Refused):
            await outside.post(calling, plain, f"http://localhost:{receiver.port}/", b"", {})
        assert receiver.calls == []


async def test_an_allowed_network_is_called_on_any_port_and_no_other(plain: Settings) -> None:
    own = opened(plain)
    async with receiving() as receiver, outside.session(own) as calling:
        for host in ("127.0.0.1", "localhost"):
            answer = await outside.post(calling, own, f"http://{host}:{receiver.port}/x", b"hello", {"x-y": "z"})
            assert answer.status == 200
        assert [(call.body, call.headers["x-y"]) for call in receiver.calls] == [(b"hello", "z")] * 2
        for url in ("http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/"):
            with pytest.raises(outside.Refused):
                await outside.post(calling, own, url, b"", {})


async def test_a_redirect_is_not_followed_wherever_it_leads(plain: Settings) -> None:
    own = opened(plain)
    async with receiving() as target, receiving() as receiver, outside.session(own) as calling:
        for status in (301, 302, 303, 307, 308):
            receiver.answers = [(status, target.url)]
            with pytest.raises(outside.Refused) as refused:
                await outside.post(calling, own, receiver.url, b"", {})
            assert refused.value.reason == "redirect"
            with pytest.raises(outside.Refused):
                await calling.post(receiver.url, allow_redirects=True)
        assert len(receiver.calls) == 10
        assert target.calls == []


async def test_of_a_long_answer_only_the_beginning_is_read(plain: Settings) -> None:
    own = opened(plain)
    async with receiving() as receiver, outside.session(own) as calling:
        receiver.answers = [(200, "x" * 500_000)]
        answer = await outside.post(calling, own, receiver.url, b"", {})
        assert answer.body == b"x" * outside.LARGEST_ANSWER


async def test_who_never_answers_is_not_waited_for(plain: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "SECONDS", 0.3)
    own = opened(plain)
    async with receiving() as receiver, outside.session(own) as calling:
        receiver.answers_now.clear()
        with pytest.raises(TimeoutError) as late:
            await outside.post(calling, own, receiver.url, b"", {})
        assert outside.failure(late.value) == "time"
        receiver.answers_now.set()


async def test_why_it_failed_is_said_in_a_word(plain: Settings) -> None:
    own = opened(plain)
    async with receiving() as receiver:
        gone = receiver.url
    async with outside.session(own) as calling:
        for url, word in (
            (gone, "connection"),
            ("http://10.0.0.1/", "address"),
        ):
            with pytest.raises(Exception) as caught:
                await outside.post(calling, own, url, b"", {})
            assert outside.failure(caught.value) == word, url
    assert outside.failure(ValueError()) is None


async def test_a_name_that_nobody_has_is_said_to_be_so(plain: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")  # whatever the resolver of this machine says to strangers

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with outside.session(plain) as calling:
        with pytest.raises(Exception) as caught:
            await outside.post(calling, plain, "https://nobody.invalid/", b"", {})
    assert outside.failure(caught.value) == "name"
