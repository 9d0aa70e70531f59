"""The apps registered with the Microsoft stand-in."""

from __future__ import annotations

from collections.abc import Iterable

from calendar_sandbox.microsoft.state import Client
from calendar_sandbox.standin.clients import joined, parts_of

# Needs no registration: whoever runs the demo on this machine may use it, with any loopback redirect.
DEMO = Client(
    id="5c4ed01e-0000-4000-8000-000000000001",
    secret="demo-secret",  # noqa: S106  printed in the documentation; it protects nothing
    name="Schedule Genie",
)


def client_from(option: str) -> Client:
    """Read `ID:SECRET:REDIRECT_URI`; raise ValueError when a part is missing or the address is none."""
    id_, secret, redirect_uri = parts_of(option, "Microsoft")
    name = DEMO.name if id_ == DEMO.id else ""
    return Client(id=id_, secret=secret, name=name, redirect_uris=[redirect_uri])


def clients_from(options: Iterable[str]) -> tuple[Client, ...]:
    """Read several; the addresses of one app come together. Raise ValueError for two secrets of one."""
    return joined(map(client_from, options), "Microsoft")
