"""Which addresses may be spoken to: what a person types must not lead us into the operator's own network.

The check is made on the very address that is then connected to, for each new connection: a name that
resolves to one thing when checked and to another when used gains nothing, and redirects are no way around.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore
import httpx

from genie.core.errors import AddressRefused, NoSuchHost
from genie.providers.registry import ProviderSettings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")
SECOND_LEVEL = {"ac", "co", "com", "edu", "gov", "net", "ne", "or", "org"}
"""Under a country's domain these are no one's own: example.co.uk belongs to somebody, co.uk does not."""


def client(settings: ProviderSettings, **options: Any) -> httpx.Client:
    """An HTTP client that connects to allowed addresses only, verifies certificates, follows no redirect
    by itself, and takes no proxy or credential from the machine it runs on."""
    return httpx.Client(
        transport=GuardedTransport(settings),
        timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": settings.user_agent, "Accept-Encoding": "identity"},
        **options,
    )


def checked_url(url: str, settings: ProviderSettings) -> str:
    """`url` if its form may be used. Raises AddressRefused."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise AddressRefused(
            "This address cannot be used: it is not the web address of a server. "
            "Type one that begins with https://."
        )
    if parts.scheme == "http" and not settings.allow_private_networks:
        raise AddressRefused(
            "This address cannot be used: with http:// the password would travel unprotected. "
            "Type the same address with https://."
        )
    return url


def allowed_address(host: str, port: int, settings: ProviderSettings) -> str:
    """An address of `host` that may be connected to. Raises NoSuchHost, AddressRefused."""
    found = resolve(host, port)
    good = [address for address in found if may_use(address, settings)]
    if not good:
        raise AddressRefused(
            f"The address {host} cannot be used: it leads into a private network, not to a server on the "
            "internet. If this is meant, the operator of this installation can allow private networks."
        )
    return str(good[0])


def resolve(host: str, port: int) -> list[Address]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise NoSuchHost(
            f"There is no server named {host}. Nothing was saved. Check the spelling of the address."
        ) from fault
    return [ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]


def may_use(address: Address, settings: ProviderSettings) -> bool:
    """Public addresses always; private ones where the operator allows them; link-local ones never,
    since behind them sit the keys of cloud machines."""
    hidden = embedded(address)
    if hidden is not None:
        return may_use(hidden, settings)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return address.is_global or settings.allow_private_networks


def embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 one that stands for it."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def site_of(url: str) -> str:
    """The registrable domain of a URL's host: credentials stay within it.

    A simple rule in place of the list of all public suffixes: the last two labels, three below a country's
    second level (example.co.uk); an IP address is its own site.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        labels = host.split(".")
    size = 3 if len(labels) > 2 and labels[-2] in SECOND_LEVEL and len(labels[-1]) == 2 else 2
    return ".".join(labels[-size:])


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections to checked addresses only; TLS is still verified against the host's name."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = allowed_address(host, port, self._settings)
        return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)


@lru_cache(maxsize=8)
def trust(ca_file: str) -> ssl.SSLContext:
    """Whom TLS connections trust; made once, since reading all authorities takes some 30 ms."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport over the guarded backend."""

    def __init__(self, settings: ProviderSettings) -> None:
        context = trust(settings.ca_file)
        super().__init__(verify=context)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=4,
            max_keepalive_connections=4,
            keepalive_expiry=15,
            network_backend=GuardedBackend(settings),
        )
