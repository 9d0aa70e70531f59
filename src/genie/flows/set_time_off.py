"""Set a span in which nothing is offered."""

from __future__ import annotations

from datetime import datetime

from django.db.transaction import atomic

from genie.store.models import Schedule, TimeOff


def set_time_off(*, company_id: int, schedule_id: int, title: str, start: datetime, end: datetime) -> TimeOff:
    """Add time off from `start` to `end` (aware, `end` excluded); appointments in it are not touched.

    Raises Schedule.DoesNotExist for a schedule that is not the company's.
    """
    with atomic():
        schedule = Schedule.objects.select_for_update().get(id=schedule_id, company_id=company_id)
        return TimeOff.objects.create(schedule=schedule, title=title, start=start, end=end)
