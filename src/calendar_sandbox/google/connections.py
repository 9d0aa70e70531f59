"""“Third-party apps with access”: where a person at Google takes back what was granted to an app.

GET  /connections            account: what each app may do
POST /connections/remove     account, client: ends the grant, as `/revoke` does
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from calendar_sandbox.faults import Gone
from calendar_sandbox.google import scopes
from calendar_sandbox.google.state import Account, Grant, World
from calendar_sandbox.pages import fields_of, page


@dataclass(frozen=True)
class Connection:
    """An app the account has let in."""

    client: str
    name: str
    since: datetime | None
    rights: list[str]  # as the consent page says them


async def show(request: Request) -> Response:
    world: World = request.app.state.world
    with world.lock:
        account = _account(world, request.query_params)
        grants = [grant for grant in world.grants.values() if grant.account == account.email]
        connections = [_connection(world, grant) for grant in grants]
    return page("connections.html", here="calendar", account=account, connections=connections)


async def remove(request: Request) -> Response:
    fields = await fields_of(request)
    world: World = request.app.state.world
    with world.lock:
        account = _account(world, fields)
        world.revoke_grant(account, fields.get("client", ""))
    return RedirectResponse(f"/connections?{urlencode({'account': account.email})}", 303)


def _connection(world: World, grant: Grant) -> Connection:
    client = world.clients.get(grant.client_id)
    words = scopes.SIGN_IN | scopes.TICKED
    rights = [words.get(scope, scope) for scope in grant.scopes]
    return Connection(grant.client_id, (client and client.name) or grant.client_id, grant.granted, rights)


def _account(world: World, values: Mapping[str, str]) -> Account:
    account = world.accounts.get(values.get("account", "").lower())
    if account is None:
        raise Gone(
            "There is no such Google account here.",
            "Nothing was changed.",
            "Choose an account from the list on the calendar page.",
        )
    return account


routes = [
    Route("/connections", show),
    Route("/connections/remove", remove, methods=["POST"]),
]
