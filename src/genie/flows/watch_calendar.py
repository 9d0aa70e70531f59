"""Somebody has a calendar on screen: the worker looks there more often meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from genie.store.models import Connection, RemoteCalendar

AT_MOST_EVERY = timedelta(seconds=5)


def watch_calendar(*, calendar_id: int, now: datetime) -> None:
    """One write in five seconds, however many pages ask."""
    _watch(RemoteCalendar.objects.filter(id=calendar_id), now)


def watch_linked_calendars(*, company_id: int, module_id: int | None = None, now: datetime) -> None:
    """The calendars linked to the company's modules, or to one of them; one statement, as rarely."""
    linked = Connection.objects.filter(module__company_id=company_id, state=Connection.State.LINKED)
    if module_id is not None:
        linked = linked.filter(module_id=module_id)
    _watch(RemoteCalendar.objects.filter(id__in=linked.values("calendar_id")), now)


def _watch(calendars: QuerySet[RemoteCalendar], now: datetime) -> None:
    calendars.filter(Q(watched_at=None) | Q(watched_at__lte=now - AT_MOST_EVERY)).update(watched_at=now)
