"""Ask the provider whether a key still opens its account."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from genie.core.errors import AccessLost
from genie.flows.complete_registration import wake_calendars_of
from genie.flows.open_key import open_key
from genie.flows.tell_admins import tell_admins
from genie.providers.registry import ProviderSettings
from genie.store.models import RemoteKey


def check_key(*, key: RemoteKey, settings: ProviderSettings, now: datetime) -> bool:
    """True if the account answers as the one the key was made for; the key's state follows.

    Raises any other ProviderFault (nothing is known then, and the key stays as it was).
    """
    try:
        with closing(open_key(key=key, settings=settings)) as provider:
            identity = provider.account().identity
    except AccessLost as fault:
        note_access_lost(key=key, trouble=str(fault), now=now)
        return False
    if identity != key.identity:
        trouble = "Another account answers now than the one that was granted."
        note_access_lost(key=key, trouble=trouble, now=now)
        return False
    with transaction.atomic():
        if _if_unrenewed(key, state=RemoteKey.State.ACTIVE, trouble="") and (
            key.state != RemoteKey.State.ACTIVE
        ):
            wake_calendars_of(key=key, now=now)
    return True


@transaction.atomic
def note_access_lost(*, key: RemoteKey, trouble: str, now: datetime) -> None:
    """The grant is gone: the key needs re-authorization, unless it was renewed while we asked.

    Admins are told when it becomes so, not again by each worker that finds it so.
    """
    worked = _unrenewed(key).filter(state=RemoteKey.State.ACTIVE)
    if not worked.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION, trouble=trouble[:300]):
        return
    tell_admins(
        company=key.company,
        heading=f"The access to {key.label} has ended",
        reason=(
            f"{trouble} Until it is renewed, nothing is sent to its calendars or read from them; what "
            "changes meanwhile waits and is not lost. Open the page below, press Re-authorize, and have the "
            "account's owner sign in again with the link it makes."
        ),
        path=f"/company/{key.company.slug}/keys/{key.id}/reauthorize",
        now=now,
    )


def _if_unrenewed(key: RemoteKey, *, state: str, trouble: str) -> bool:
    return bool(_unrenewed(key).update(state=state, trouble=trouble))


def _unrenewed(key: RemoteKey) -> QuerySet[RemoteKey]:
    return RemoteKey.objects.filter(id=key.id, secret_version=key.secret_version)
