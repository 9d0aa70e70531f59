"""Somebody has a calendar on screen: the worker looks there more often meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from genie.store.models import RemoteCalendar

AT_MOST_EVERY = timedelta(seconds=5)


def watch_calendar(*, calendar_id: int, now: datetime) -> None:
    """One write in five seconds, however many pages ask."""
    RemoteCalendar.objects.filter(
        Q(watched_at=None) | Q(watched_at__lte=now - AT_MOST_EVERY), id=calendar_id
    ).update(watched_at=now)
