"""Apps registered with a stand-in: how they are written on the command line, where people may return to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Client(Protocol):
    """What the registrations of all stand-ins have. Without `redirect_uris` any loopback address is taken."""

    id: str
    secret: str
    name: str
    redirect_uris: list[str]


C = TypeVar("C", bound=Client)


def parts_of(option: str, system: str) -> tuple[str, str, str]:
    """Read `ID:SECRET:REDIRECT_URI`; raise ValueError when a part is missing or the address is none."""
    id_, secret, redirect_uri = (*option.split(":", 2), "", "")[:3]
    address = urlsplit(redirect_uri)
    if not (id_ and secret and address.scheme in ("http", "https") and address.netloc):
        raise ValueError(f"a {system} client is written ID:SECRET:REDIRECT_URI, not {option!r}")
    return id_, secret, redirect_uri


def joined(clients: Iterable[C], system: str) -> tuple[C, ...]:
    """Bring the addresses of one app together. Raise ValueError for two secrets of one."""
    made: dict[str, C] = {}
    for client in clients:
        known = made.setdefault(client.id, client)
        if known.secret != client.secret:
            raise ValueError(f"the {system} client {client.id} is given two secrets")
        if known is not client:
            known.redirect_uris += client.redirect_uris
    return tuple(made.values())


def may_return_to(client: Client, redirect_uri: str) -> bool:
    """Compare to the letter with what is registered; without a registration any loopback address fits."""
    if client.redirect_uris:
        return redirect_uri in client.redirect_uris
    try:
        address = urlsplit(redirect_uri)
        address.port  # noqa: B018  raises for a port that is none
        plain = "@" not in address.netloc and not address.fragment
        return address.scheme == "http" and address.hostname in LOOPBACK and plain
    except ValueError:
        return False


def origin_of(redirect_uri: str) -> str:
    """Return scheme, host and port, as a content security policy writes them."""
    address = urlsplit(redirect_uri)
    host = (address.hostname or "").encode("idna").decode()
    port = f":{address.port}" if address.port else ""
    return f"{address.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def shown_name(client: Client, redirect_uri: str) -> str:
    """The name a consent page calls the app by."""
    return client.name or urlsplit(redirect_uri).hostname or client.id
