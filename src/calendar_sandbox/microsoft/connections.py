"""What a person at Microsoft has granted to apps, and taking it back."""

from __future__ import annotations

from calendar_sandbox.microsoft import scopes, tokens
from calendar_sandbox.microsoft.state import Grant, World
from calendar_sandbox.standin.connections import Connection


def granted(world: World, address: str) -> list[Connection] | None:
    """What each app may do; None when there is no such account."""
    account = world.account_of(address)
    if account is None:
        return None
    grants = [grant for grant in world.grants.values() if grant.account == account.oid and grant.scopes]
    return [_connection(world, grant) for grant in grants]


def remove(world: World, address: str, client_id: str) -> None:
    """Withdraw the consent: the app's tokens are refused until the person agrees again."""
    tokens.withdrawn(world, world.account(address), client_id)


def _connection(world: World, grant: Grant) -> Connection:
    client = world.clients.get(grant.client_id)
    known = scopes.PERMISSIONS
    rights = [known[scope].title if scope in known else scope for scope in grant.scopes]
    return Connection(grant.client_id, (client and client.name) or grant.client_id, grant.granted, rights)
