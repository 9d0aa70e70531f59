"""Forget what was read of a calendar once nobody uses it: no busy time is kept without a reason."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from genie.store.models import BusyTime, Channel, RemoteCalendar, RemoteObject
from genie.store.queries.remote_calendars import in_use


def forget_mirror_if_unused(*, calendar_id: int) -> bool:
    """True if it was forgotten. A read that is under way loses its compare-and-set on `version`."""
    with transaction.atomic():
        RemoteCalendar.objects.select_for_update().filter(id=calendar_id).first()
        if in_use().filter(id=calendar_id).exists():
            return False
        RemoteCalendar.objects.filter(id=calendar_id).update(
            cursor="",
            version=F("version") + 1,
            window_start=None,
            window_end=None,
            full_read_at=None,
            read_at=None,
            nudged_at=None,
            next_attempt=None,
            attempts=0,
            state=RemoteCalendar.State.OK,
            trouble="",
            push_refused_at=None,
            push_trouble="",
            push_next_attempt=None,
            push_attempts=0,
            push_late_at=None,
        )
        Channel.objects.filter(calendar_id=calendar_id).delete()
        BusyTime.objects.filter(calendar_id=calendar_id).delete()
        RemoteObject.objects.filter(calendar_id=calendar_id).delete()
    return True
