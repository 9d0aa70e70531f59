"""List the calendars of a key's account (**Use This Key**)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from genie.core.errors import AccessLost
from genie.flows.check_key import note_access_lost
from genie.flows.open_key import open_key
from genie.providers.port import CalendarInfo
from genie.providers.registry import ProviderSettings
from genie.store.models import RemoteCalendar, RemoteKey
from genie.store.queries.remote_calendars import unused


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
    try:
        with closing(open_key(key=key, settings=settings)) as provider:
            infos = provider.calendars()
    except AccessLost as fault:
        note_access_lost(key=key, trouble=str(fault), now=now)
        raise
    return _keep(key, infos)


@transaction.atomic
def _keep(key: RemoteKey, infos: Sequence[CalendarInfo]) -> list[Listed]:
    if not RemoteKey.objects.select_for_update(no_key=True).filter(id=key.id).first():
        return []  # discarded while we asked
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
