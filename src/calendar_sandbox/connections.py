"""“Apps with access”: where a person takes back what was granted to an app.

GET  /connections            account: what each app may do
POST /connections/remove     account, client: ends the grant
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from calendar_sandbox.faults import Gone
from calendar_sandbox.google import connections as google
from calendar_sandbox.microsoft import connections as microsoft
from calendar_sandbox.pages import fields_of, page
from calendar_sandbox.standin.connections import Connection

STANDINS: dict[str, Any] = {"google": google, "microsoft": microsoft}  # by their name in the app's state


async def show(request: Request) -> Response:
    address = request.query_params.get("account", "")
    _name, connections = _found(request, address)
    return page("connections.html", here="calendar", address=address, connections=connections)


async def remove(request: Request) -> Response:
    fields = await fields_of(request)
    address = fields.get("account", "")
    name, _connections = _found(request, address)
    world = getattr(request.app.state, name).world
    with world.lock:
        STANDINS[name].remove(world, address, fields.get("client", ""))
    return RedirectResponse(f"/connections?{urlencode({'account': address})}", 303)


def _found(request: Request, address: str) -> tuple[str, list[Connection]]:
    """The stand-in the account is at, and what it granted."""
    for name, rules in STANDINS.items():
        world = getattr(request.app.state, name).world
        with world.lock:
            connections = rules.granted(world, address) if address else None
        if connections is not None:
            return name, connections
    raise Gone(
        "There is no such account here.",
        "Nothing was changed.",
        "Choose an account from the list on the calendar page.",
    )


routes = [
    Route("/connections", show),
    Route("/connections/remove", remove, methods=["POST"]),
]
