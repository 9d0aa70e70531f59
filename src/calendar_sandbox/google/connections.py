"""What a person at Google has granted to apps, and taking it back."""

from __future__ import annotations

from calendar_sandbox.google import scopes
from calendar_sandbox.google.state import Grant, World
from calendar_sandbox.standin.connections import Connection


def granted(world: World, address: str) -> list[Connection] | None:
    """What each app may do; None when there is no such account."""
    account = world.accounts.get(address.lower())
    if account is None:
        return None
    grants = [grant for grant in world.grants.values() if grant.account == account.email]
    return [_connection(world, grant) for grant in grants]


def remove(world: World, address: str, client_id: str) -> None:
    """End the grant, as `/revoke` does."""
    world.revoke_grant(world.account(address.lower()), client_id)


def _connection(world: World, grant: Grant) -> Connection:
    client = world.clients.get(grant.client_id)
    words = scopes.SIGN_IN | scopes.TICKED
    rights = [words.get(scope, scope) for scope in grant.scopes]
    return Connection(grant.client_id, (client and client.name) or grant.client_id, grant.granted, rights)
