"""Which addresses may be spoken to: what a person types must not lead us into the operator's own network.

The check is made on the very address that is then connected to, for each new connection: a name that
resolves to one thing when checked and to another when used gains nothing, and redirects are no way around.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore
import httpx

from genie.core.errors import AddressRefused, NoSuchHost
from genie.providers.counting import hooks
from genie.providers.deadline import Deadline, TimedStream, over_as
from genie.providers.registry import ProviderSettings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
REFUSAL_BYTES = 65_536
"""Read of an answer that only says that somebody must sign in."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")
ONE_OWNER = ("icloud.com",)
"""Domains all of whose hosts are run by one operator, who spreads an account over several of them."""
SECOND_LEVEL = {
    "ac", "ad", "asn", "co", "com", "edu", "go", "gob", "gouv", "gov", "gr", "id",
    "info", "ltd", "me", "mil", "ne", "net", "nhs", "nom", "or", "org", "plc", "sch",
}  # fmt: skip
"""Under a country's domain these are no one's own: example.co.uk belongs to somebody, co.uk does not."""


def client(settings: ProviderSettings, deadline: Deadline | None = None, **options: Any) -> httpx.Client:
    """An HTTP client that connects to allowed addresses only, verifies certificates, follows no redirect
    by itself, and takes no proxy or credential from the machine it runs on. At the deadline it is over."""
    guarded = settings.wire or (lambda: GuardedTransport(settings, deadline or Deadline(settings.ticks)))
    return httpx.Client(
        transport=guarded(),
        timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": settings.user_agent, "Accept-Encoding": "identity"},
        event_hooks=hooks(settings.requests),
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


def allowed_address(host: str, port: int, settings: ProviderSettings, seconds: float | None = None) -> str:
    """An address of `host` that may be connected to. Raises NoSuchHost, AddressRefused, TimeoutError."""
    found = resolve(host, port, seconds)
    good = [address for address in found if may_use(address, settings)]
    if not good:
        raise AddressRefused(
            f"The address {host} cannot be used: it leads into a private network, not to a server on the "
            "internet. If this is meant, the operator of this installation can allow private networks."
        )
    return str(good[0])


def resolve(host: str, port: int, seconds: float | None = None) -> list[Address]:
    """The addresses of a name. Raises NoSuchHost, TimeoutError.

    Asked in a thread of its own: the system's resolver knows no timeout, and who answers it is the owner
    of the name.
    """
    said: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            said.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as fault:
            said.put(fault)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answers = said.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"nobody says where {host} is") from None
    if isinstance(answers, Exception):
        raise NoSuchHost(
            f"There is no server named {host}. Nothing was saved. Check the spelling of the address."
        ) from answers
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


def may_see_password(url: str, *, given_for: str) -> bool:
    """Whether a password given for one address may be sent on to `url`, where that server sends us.

    Yes for the same host, and for a host below or above it (example.com, cloud.example.com): whoever runs
    the upper name says where the lower one leads. Hosts side by side are strangers, since on shared hosting
    (alice.host.example, mallory.host.example) they belong to different people, and which names are shared
    is known only to a list that ages; but the hosts of `ONE_OWNER` belong together, since iCloud sends
    everybody from one host to a numbered neighbour. A name below which registries sell (co.uk)
    makes nobody related. Never from https to http; and over http only to the same port, since no
    certificate says who listens there.
    """
    try:
        own, other = urlsplit(given_for), urlsplit(url)
        hosts = [parts.hostname or "" for parts in (own, other)]
        ports = [parts.port or (443 if parts.scheme == "https" else 80) for parts in (own, other)]
    except ValueError:
        return False
    if other.scheme == "https":
        return related(*hosts)
    same = normal(hosts[0]) == normal(hosts[1]) and ports[0] == ports[1]
    return own.scheme == other.scheme == "http" and same


def related(first: str, second: str) -> bool:
    """Whether two hosts are the same, above and below each other, or neighbours of `ONE_OWNER`."""
    upper, lower = sorted((normal(first), normal(second)), key=len)
    if upper == lower:
        return upper != ""
    if is_ip(upper) or is_ip(lower):
        return False
    if any(within(upper, domain) and within(lower, domain) for domain in ONE_OWNER):
        return True
    return within(lower, upper) and not is_for_sale_below(upper)


def within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def is_for_sale_below(name: str) -> bool:
    """A top-level domain, or a country's second level."""
    labels = name.split(".")
    return len(labels) == 1 or (len(labels) == 2 and labels[0] in SECOND_LEVEL and len(labels[1]) == 2)


def normal(host: str) -> str:
    """Small letters, no dot at the end, an IP address in its one short form."""
    host = host.rstrip(".").lower()
    return str(ipaddress.ip_address(host)) if is_ip(host) else host


def is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections to checked addresses only; TLS is still verified against the host's name."""

    def __init__(self, settings: ProviderSettings, deadline: Deadline) -> None:
        self._settings = settings
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        with over_as(httpcore.ConnectTimeout):
            address = allowed_address(host, port, self._settings, self._deadline.left(timeout))
            left = self._deadline.left(timeout)
        stream = self._inner.connect_tcp(address, port, left, local_address, socket_options)
        return TimedStream(stream, self._deadline)


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

    def __init__(self, settings: ProviderSettings, deadline: Deadline) -> None:
        context = trust(settings.ca_file)
        super().__init__(verify=context)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=4,
            max_keepalive_connections=4,
            keepalive_expiry=15,
            network_backend=GuardedBackend(settings, deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx's. Only the beginning of a 401 is handed on, since httpx reads it whole, however large,
        before it answers a challenge. A Location that is no address is refused here, since httpx reads it
        whether it follows it or not, and stumbles. Raises AddressRefused."""
        response = super().handle_request(request)
        if not is_address(response.headers.get("Location", "")):
            response.close()
            raise AddressRefused(
                "The server sends us on to an address that is none, so nothing was sent there."
            )
        if response.status_code == httpx.codes.UNAUTHORIZED:
            response.headers.pop("Content-Encoding", None)
            response.stream = Beginning(response.stream)
        return response


def is_address(location: str) -> bool:
    """Whether httpx can read it, whole or relative."""
    try:
        return isinstance(httpx.URL(location).host, str)
    except (httpx.InvalidURL, ValueError):  # with UnicodeError
        return False


class Beginning(httpx.SyncByteStream):
    """The first bytes of an answer."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for piece in self._whole:
            yield piece
            read += len(piece)
            if read > REFUSAL_BYTES:
                return

    def close(self) -> None:
        self._whole.close()
