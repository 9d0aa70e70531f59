"""List the calendars of a key's account (**Use This Key**)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from genie.core.errors import AccessLost
from genie.flows.check_key import note_access_lost
from genie.providers.port import CalendarInfo
from genie.providers.registry import ProviderSettings, open_provider
from genie.store.models import RemoteCalendar, RemoteKey
from genie.store.queries.remote_calendars import unused
from genie.store.sealed import unseal


@dataclass(frozen=True, slots=True)
class Listed:
    """One calendar of the account: our row, and what the provider said about it just now."""

    calendar: RemoteCalendar
    info: CalendarInfo


def list_remote_calendars(*, key: RemoteKey, settings: ProviderSettings, now: datetime) -> list[Listed]:
    """Ask the provider (no transaction is open), then keep each calendar's name, colour and whether we may
    write it. Rows nobody uses whose calendar is no longer listed are forgotten.

    Raises any ProviderFault; AccessLost also turns the key to *needs re-authorization*.
    """
    provider = open_provider(key.kind, unseal(key.secret), settings)
    try:
        infos = provider.calendars()
    except AccessLost as fault:
        note_access_lost(key=key, trouble=str(fault), now=now)
        raise
    finally:
        provider.close()
    return _keep(key, infos)


@transaction.atomic
def _keep(key: RemoteKey, infos: Sequence[CalendarInfo]) -> list[Listed]:
    RemoteKey.objects.select_for_update(no_key=True).get(id=key.id)
    rows = [
        RemoteCalendar.objects.update_or_create(
            key=key,
            remote_id=info.id,
            defaults={
                "name": info.name[:250] or "Unnamed calendar",
                "color": info.color[:20],
                "may_write": info.may_write,
            },
        )[0]
        for info in infos
    ]
    unused().filter(key=key).exclude(id__in=[row.id for row in rows]).delete()
    return [Listed(row, info) for row, info in zip(rows, infos, strict=True)]
