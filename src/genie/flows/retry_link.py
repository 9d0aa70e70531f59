"""*Retry*: try again what was put aside for a person."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from genie.store import jobs
from genie.store.models import Connection, EventLink, RemoteCalendar
from genie.store.queries.drains import nudged


def retry_link(*, company_id: int, link_id: UUID, now: datetime) -> bool:
    """One appointment's event. False if it was not put aside any more."""
    with transaction.atomic():
        parked = EventLink.objects.select_for_update().filter(
            id=link_id, appointment__company_id=company_id, state=EventLink.State.PARKED
        )
        link = parked.first()
        if link is None:
            return False
        EventLink.objects.filter(id=link.id).update(
            state=EventLink.State.OWES_PUSH,
            reason="",
            next_attempt=None,
            attempts=0,
            stale_streak=0,
            taken=0,
            turns=[],
            version=F("version") + 1,
        )
        jobs.wake_calendar(link.calendar_id)
    return True


def retry_calendar(*, company_id: int, connection_id: int, now: datetime) -> None:
    """The whole linked calendar: read it now, and send what waits. Raises Connection.DoesNotExist."""
    with transaction.atomic():
        calendar_id = Connection.objects.get(id=connection_id, module__company_id=company_id).calendar_id
        RemoteCalendar.objects.filter(id=calendar_id).update(
            next_attempt=None, attempts=0, nudged_at=nudged(now)
        )
        EventLink.objects.filter(calendar_id=calendar_id, state=EventLink.State.OWES_PUSH).update(
            next_attempt=None
        )
        jobs.wake_calendar(calendar_id)
