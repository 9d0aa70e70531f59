"""Renew a key's secret: one asks the provider at a time, over all workers and web processes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.db import transaction
from django.db.models import F

from genie.core.errors import AccessLost, Transient
from genie.providers.port import Renew, Secret
from genie.store.locks import Busy, key_lock
from genie.store.models import RemoteKey
from genie.store.sealed import Unreadable, seal, unseal

WAIT = 30.0
"""Seconds to wait for another one's renewal: longer than a provider's own time limit."""


def renewal_of(key: RemoteKey) -> Renew:
    """The port's `Renew` for this key, to open its provider with."""
    return partial(renew_key, key)


def renew_key(key: RemoteKey, stale: Secret, ask: Callable[[Secret], Secret]) -> Secret:
    """A newer secret than `stale`: what another one has kept meanwhile, else what `ask` brings, kept.

    `key.secret_version` follows, so that an AccessLost which comes later counts against the secret that was
    refused (`note_access_lost`). Call it outside a transaction: `ask` speaks to the provider. Raises what
    `ask` raises, AccessLost when the key is gone or unreadable, Transient when the wait is too long.
    """
    try:
        with key_lock(key.id, wait_seconds=WAIT):
            newest = _newest(key)
            if newest != stale:
                return newest
            return _kept(key, ask(newest))
    except Busy:
        raise Transient("The access is being renewed elsewhere, which takes unusually long.") from None


def _newest(key: RemoteKey) -> Secret:
    """What is kept now; `key` learns its version."""
    with transaction.atomic(durable=True):  # complains when the caller holds a transaction open
        row = RemoteKey.objects.filter(id=key.id).values_list("secret", "secret_version").first()
    if row is None:
        raise AccessLost("This key was discarded.")
    sealed, key.secret_version = row
    try:
        return unseal(sealed)
    except Unreadable as exc:
        raise AccessLost(str(exc)) from exc


def _kept(key: RemoteKey, fresh: Secret) -> Secret:
    """The fresh secret; or, if the owner signed in again while we asked, theirs, which is newer still."""
    row = RemoteKey.objects.filter(id=key.id, secret_version=key.secret_version)
    if row.update(secret=seal(dict(fresh)), secret_version=F("secret_version") + 1):
        key.secret_version += 1
        return fresh
    return _newest(key)
