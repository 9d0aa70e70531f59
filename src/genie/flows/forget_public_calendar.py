"""Forget a public calendar that no schedule reads any more: its address goes with it."""

from __future__ import annotations

from genie.providers.registry import public_kinds
from genie.store.models import RemoteKey
from genie.store.queries.remote_calendars import unused


def forget_public_calendar_if_unused(*, calendar_id: int) -> None:
    """Call INSIDE the transaction in which it became unused. A calendar of an account is left alone: its key
    goes on opening that."""
    public = unused().filter(id=calendar_id, key__kind__in=public_kinds())
    RemoteKey.objects.filter(id__in=public.values("key_id")).delete()
