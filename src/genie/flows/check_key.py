"""Ask the provider whether a key still opens its account."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from genie.core.errors import AccessLost
from genie.flows.complete_registration import wake_calendars_of
from genie.providers.registry import ProviderSettings, open_provider
from genie.store.models import RemoteKey
from genie.store.sealed import unseal


def check_key(*, key: RemoteKey, settings: ProviderSettings, now: datetime) -> bool:
    """True if the account answers as the one the key was made for; the key's state follows.

    Raises any other ProviderFault (nothing is known then, and the key stays as it was).
    """
    provider = open_provider(key.kind, unseal(key.secret), settings)
    try:
        identity = provider.account().identity
    except AccessLost as fault:
        note_access_lost(key=key, trouble=str(fault))
        return False
    finally:
        provider.close()
    if identity != key.identity:
        note_access_lost(key=key, trouble="Another account answers now than the one that was granted.")
        return False
    with transaction.atomic():
        if _if_unrenewed(key, state=RemoteKey.State.ACTIVE, trouble="") and (
            key.state != RemoteKey.State.ACTIVE
        ):
            wake_calendars_of(key=key, now=now)
    return True


def note_access_lost(*, key: RemoteKey, trouble: str) -> None:
    """The grant is gone: the key needs re-authorization, unless it was renewed while we asked."""
    _if_unrenewed(key, state=RemoteKey.State.NEEDS_REAUTHORIZATION, trouble=trouble[:300])


def _if_unrenewed(key: RemoteKey, *, state: str, trouble: str) -> bool:
    same_secret = RemoteKey.objects.filter(id=key.id, secret_version=key.secret_version)
    return bool(same_secret.update(state=state, trouble=trouble))
