"""Calling other programs at addresses that somebody gave us, without being led into our own network.

An address is checked three times: as it is written, when somebody gives it (`check_url`); when its name is looked up;
and when the socket is made, which is the one place that every connection passes, whatever its host was written like.
The connection goes to the very address that was checked, so a name that answers otherwise the second time gains
nothing. Redirects are never followed.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from app.core.addresses import Network, may_be_called, networks
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.settings import Settings

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

LONGEST_URL = 2000
LARGEST_ANSWER = 16 * 1024
CONNECT_SECONDS, SECONDS = 5.0, 10.0
AT_ONCE = 32
# What serves web pages, by convention: behind other ports stand mail, databases and the like.
PORTS = frozenset({80, 443, *range(8000, 10_000)})
# Names that mean this machine or this network, whoever is asked.
_OWN_NAMES = re.compile(r"(?:.*\.)?(?:localhost|localdomain|local|internal|intranet|home\.arpa|lan)\.?", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9a-fx.]+\.?", re.IGNORECASE)
# Looking up a name can hang for long, so each session has threads of its own for it, and one name takes few of them.
LOOKUPS, LOOKUPS_EACH = 8, 2


class Refused(Exception):
    """We do not call that; `reason` is `address`, `port` or `redirect`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other one said, of its body the beginning."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def check_url(settings: Settings, url: str, field: str = "url") -> str:
    """The address as it will be called. Raises Invalid that names the field; what its name leads to is seen, and
    refused, when it is called."""
    try:
        return str(_parsed(settings, url.strip()))
    except _Wrong as wrong:
        raise Invalid(**{field: wrong.message}) from None


@asynccontextmanager
async def session(settings: Settings) -> AsyncIterator["aiohttp.ClientSession"]:
    """An aiohttp session that calls nothing but what may be called, and raises Refused for the rest."""
    import aiohttp  # a quarter of a second, and web processes call nobody

    resolver = _Resolver(settings)
    connector = aiohttp.TCPConnector(
        resolver=cast(aiohttp.abc.AbstractResolver, resolver),
        use_dns_cache=False,
        socket_factory=_sockets(settings),
        limit=AT_ONCE,
        limit_per_host=4,
        force_close=True,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=SECONDS, connect=CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"user-agent": "Causerie", "accept-encoding": "identity"},
        auto_decompress=False,  # a few bytes can unpack to gigabytes
        trust_env=False,
        middlewares=(_no_redirects,),
    ) as made:
        try:
            yield made
        finally:
            await resolver.close()


async def post(
    calling: "aiohttp.ClientSession", settings: Settings, url: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    """Posts it and gives what was answered. Raises Refused, Invalid (the settings allow less by now), and what
    aiohttp raises: see `failure`."""
    try:
        parsed = _parsed(settings, url)
    except _Wrong as wrong:
        raise Refused(wrong.reason) from None
    async with calling.post(parsed, data=body, headers=headers, allow_redirects=False) as response:
        said = b""
        while len(said) < LARGEST_ANSWER and (piece := await response.content.read(LARGEST_ANSWER - len(said))):
            said += piece
        return Answer(response.status, said, dict(response.headers))


def failure(error: BaseException) -> str | None:
    """In a word why nothing was answered: `address`, `port`, `redirect`, `time`, `name`, `tls`, `connection` or
    `answer`; None for an error that is a fault of ours."""
    import aiohttp

    if isinstance(error, Refused):
        return error.reason
    if isinstance(error, TimeoutError):
        return "time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "name"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "tls"
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return "connection"
    return "answer" if isinstance(error, aiohttp.ClientError) else None


class _Wrong(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason)
        self.reason, self.message = reason, message


def _parsed(settings: Settings, url: str) -> "URL":
    """By the parser that aiohttp calls with: two that read an address differently are how such checks are got round."""
    from yarl import URL

    unreadable = _Wrong("address", _("This is not an address that starts with https://."))
    if len(url) > LONGEST_URL:
        raise _Wrong("address", _("Use at most %(most)d characters.") % {"most": LONGEST_URL})
    if not url.isprintable() or " " in url or "\\" in url:
        raise unreadable
    try:
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.port
    except (ValueError, UnicodeError):
        raise unreadable from None
    if parsed.scheme not in ("http", "https") or not host:
        raise unreadable
    if parsed.scheme == "http" and settings.env == "production":
        raise _Wrong("address", _("The address must start with https://, so that nobody can read along."))
    if re.match(r"[^/]*//[^/?#]*@", url):
        raise _Wrong("address", _("The address must not contain a username or password."))
    if parsed.fragment:
        parsed = parsed.with_fragment(None)
    _check_host(settings, host)
    # In a network of one's own, any port: which address the name has is seen when it is called.
    if not port or (port not in PORTS and not settings.webhook_allowed_networks):
        raise _Wrong("port", _("Only ports 80, 443 and 8000 to 9999 are allowed."))
    return parsed


def _check_host(settings: Settings, host: str) -> None:
    private = _Wrong("address", _("This address is on a private network, which is not allowed."))
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # 2130706433, 0x7f.1 and 017700000001 are 127.0.0.1 too, to the functions of the system.
        if _NUMBERS.fullmatch(host) and _is_number(host):
            raise private from None
        if _OWN_NAMES.fullmatch(host) and not settings.webhook_allowed_networks:
            raise private from None
        return
    if getattr(address, "scope_id", None) or not may_be_called(address, networks(settings.webhook_allowed_networks)):
        raise private


def _is_number(host: str) -> bool:
    try:
        socket.inet_aton(host.rstrip("."))
    except OSError:
        return False
    return True


class _Resolver:
    """Looks names up for aiohttp. If one of the addresses must not be called, none is: which of them it would be is not
    ours to choose."""

    def __init__(self, settings: Settings) -> None:
        self.allowed = networks(settings.webhook_allowed_networks)
        self.threads = ThreadPoolExecutor(max_workers=LOOKUPS, thread_name_prefix="dns")
        # By name, while somebody looks it up or waits to.
        self.turns: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[dict[str, Any]]:
        def look_up() -> list[Any]:
            return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)

        found = await self._in_turn(host, look_up)
        addresses = [(info[0], str(info[4][0])) for info in found]
        if not all(_is_allowed(address, self.allowed) for _family, address in addresses):
            raise Refused("address")
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            {"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": numeric}
            for kind, address in addresses
        ]

    async def _in_turn(self, host: str, look_up: Callable[[], list[Any]]) -> list[Any]:
        """A turn lasts as long as its thread does: who gives up waiting leaves it hanging."""
        turn, users = self.turns.setdefault(host, (asyncio.Semaphore(LOOKUPS_EACH), []))
        users.append(None)

        def leave() -> None:
            users.pop()
            if not users:
                del self.turns[host]

        def ended(future: "asyncio.Future[list[Any]]") -> None:
            if not future.cancelled():
                future.exception()  # looked at, also where nobody waits for it any more
            turn.release()
            leave()

        try:
            await turn.acquire()
        except asyncio.CancelledError:
            leave()
            raise
        looking = asyncio.get_running_loop().run_in_executor(self.threads, look_up)
        looking.add_done_callback(ended)
        return await asyncio.shield(looking)

    async def close(self) -> None:
        """Its threads end when their names were found."""
        self.threads.shutdown(wait=False, cancel_futures=True)


def _is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    try:
        return may_be_called(ipaddress.ip_address(address), allowed)
    except ValueError:  # "127.1": an address to the system, and to nobody else
        return False


def _sockets(settings: Settings) -> Any:
    def make(info: tuple[Any, ...]) -> socket.socket:
        family, kind, proto, _name, address = info
        host, port = str(address[0]), address[1]
        if not _is_allowed(host, networks(settings.webhook_allowed_networks)):
            raise Refused("address")
        if port not in PORTS and not _is_own(host, settings):
            raise Refused("port")
        return socket.socket(family=family, type=kind, proto=proto)

    return make


def _is_own(host: str, settings: Settings) -> bool:
    """Whether it is of a network that the setting allows, where any port may be called."""
    address = ipaddress.ip_address(host)
    return any(
        address.version == network.version and address in network
        for network in networks(settings.webhook_allowed_networks)
    )


async def _no_redirects(request: "aiohttp.ClientRequest", handler: Any) -> "aiohttp.ClientResponse":
    """Also where somebody forgets to say so: an answer that leads elsewhere is where the checks end."""
    response: aiohttp.ClientResponse = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise Refused("redirect")
    return response
