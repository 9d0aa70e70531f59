"""The apps registered with the stand-in, and which addresses a person may be sent back to."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from calendar_sandbox.google.state import Client

# Needs no registration: whoever runs the demo on this machine may use it, with any loopback redirect.
DEMO = Client(
    id="demo.apps.pretend-google.example",
    secret="demo-secret",  # noqa: S106  printed in the documentation; it protects nothing
    name="Schedule Genie",
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def client_from(option: str) -> Client:
    """Read `ID:SECRET:REDIRECT_URI`; raise ValueError when a part is missing or the address is none."""
    id_, secret, redirect_uri = (*option.split(":", 2), "", "")[:3]
    address = urlsplit(redirect_uri)
    if not (id_ and secret and address.scheme in ("http", "https") and address.netloc):
        raise ValueError(f"a Google client is written ID:SECRET:REDIRECT_URI, not {option!r}")
    name = DEMO.name if id_ == DEMO.id else ""
    return Client(id=id_, secret=secret, name=name, redirect_uris=[redirect_uri])


def clients_from(options: Iterable[str]) -> tuple[Client, ...]:
    """Read several; the addresses of one app come together. Raise ValueError for two secrets of one."""
    made: dict[str, Client] = {}
    for client in map(client_from, options):
        known = made.setdefault(client.id, client)
        if known.secret != client.secret:
            raise ValueError(f"the Google client {client.id} is given two secrets")
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
