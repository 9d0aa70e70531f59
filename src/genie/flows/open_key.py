"""Open a key: a provider that speaks for its account."""

from __future__ import annotations

from genie.core.errors import AccessLost
from genie.flows.renew_key import renewal_of
from genie.providers.port import CalendarProvider
from genie.providers.registry import ProviderSettings, open_provider
from genie.store.models import RemoteKey
from genie.store.sealed import Unreadable, unseal


def open_key(*, key: RemoteKey, settings: ProviderSettings) -> CalendarProvider:
    """No request is made yet; call `close()` when done.

    Raises AccessLost when the secret cannot be read here any more: only its owner can give it again.
    """
    try:
        secret = unseal(key.secret)
    except Unreadable as exc:
        raise AccessLost(str(exc)) from exc
    return open_provider(key.kind, secret, settings, renew=renewal_of(key))
