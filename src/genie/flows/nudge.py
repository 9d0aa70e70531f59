"""Nudge a calendar: something may differ there. That is all a webhook, or a person who waits, can say."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from genie.store import jobs
from genie.store.models import RemoteCalendar


def nudge(*, calendar_id: int, now: datetime) -> None:
    with transaction.atomic():
        RemoteCalendar.objects.filter(id=calendar_id).update(nudged_at=now)
        jobs.wake_calendar(calendar_id)
