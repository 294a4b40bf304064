"""Which addresses of the network may be called: those of everybody's internet, and the networks that a setting names.

Whoever gives us an address to call (a webhook, a push service) must not reach by us what only this machine can reach:
its own services, its neighbours, the store of secrets of its cloud (server-side request forgery).
"""

import ipaddress
from collections.abc import Sequence
from functools import cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA's special-purpose registry, written out: what Python's `is_global` says has changed between its versions.
_NOT_FOR_EVERYBODY = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        "168.63.129.16/32"  # looks like everybody's; it is Azure's own
    ).split()
]
_GLOBAL = ipaddress.IPv6Network("2000::/3")
# Teredo and the other protocols of 2001::/23, documentation, 6to4: each could carry an inner address of its own.
_NOT_GLOBAL = [ipaddress.IPv6Network(n) for n in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@cache
def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list such as `10.1.0.0/16, fd00::/8`; raises ValueError, which names the one that is wrong."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def may_be_called(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether it is an address of everybody's internet, or of a network that is allowed."""
    bare = _inner(address)
    if any(one in network for network in allowed for one in (address, bare) if one.version == network.version):
        return True
    if isinstance(bare, ipaddress.IPv4Address):
        return bare.is_global and not any(bare in network for network in _NOT_FOR_EVERYBODY)
    return bare.is_global and bare in _GLOBAL and not any(bare in network for network in _NOT_GLOBAL)


def _inner(address: Address) -> Address:
    """The IPv4 address that is meant by an address of IPv6 that only wraps it: a network without IPv4 reaches all of
    that by NAT64, so those wrappings are what they wrap."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
