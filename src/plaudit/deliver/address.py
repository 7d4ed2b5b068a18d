"""Where a host name leads, and whether we may go there.

Resolve once, look at every address, and connect to one that was looked at: a name that leads to a
loopback, private, link-local or metadata address is refused unless the destination's settings allow it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

PATIENCE = 10.0  # seconds for the name server; what it asks in vain would otherwise outlast an attempt


class Endpoint(NamedTuple):
    """A host with the addresses that it may be reached at."""

    host: str
    port: int
    addresses: tuple[str, ...]


class ResolveError(Exception):
    """The name does not resolve now; nothing was sent."""


class ForbiddenAddressError(Exception):
    """The name leads to an address that is not allowed; nothing was sent."""


async def resolve(url: str, *, allow_private: bool) -> Endpoint:
    """The endpoint of a URL. Raises `ResolveError`, `ForbiddenAddressError`."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return await look_up(parts.hostname or "", port, allow_private=allow_private)


async def look_up(host: str, port: int, *, allow_private: bool) -> Endpoint:
    """The endpoint of a host and port. Raises `ResolveError`, `ForbiddenAddressError`."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise ResolveError(f"cannot resolve {host}: the name server is silent for {PATIENCE:g} s") from None
    except (OSError, UnicodeError) as error:
        raise ResolveError(f"cannot resolve {host}: {getattr(error, 'strerror', None) or error}") from None
    addresses = tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    if not addresses:
        raise ResolveError(f"cannot resolve {host}: it has no address")
    if not allow_private:
        for address in addresses:
            if not is_public(address):
                raise ForbiddenAddressError(
                    f"{host} leads to {address}, which is no public address: "
                    "if you mean it, set allow_private = true in the destination's settings"
                )
    return Endpoint(host, port, addresses)


def is_public(address: str) -> bool:
    """Whether anybody on the internet could have this address; addresses that embed another count as that one too."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1]) or _nat64(ip)
        if inner:
            return inner.is_global and ip.ipv4_mapped is None and not inner.is_multicast
    return ip.is_global and not ip.is_multicast


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(ip.packed[12:]) if ip in ipaddress.IPv6Network("64:ff9b::/96") else None
