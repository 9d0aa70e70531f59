"""Remove the special hours of one date: the weekly hours hold again."""

from __future__ import annotations

from datetime import date

from django.db.transaction import atomic

from genie.store.models import Schedule


def remove_date_hours(*, company_id: int, schedule_id: int, day: date) -> None:
    """Raises Schedule.DoesNotExist for a schedule that is not the company's."""
    with atomic():
        schedule = Schedule.objects.select_for_update().get(id=schedule_id, company_id=company_id)
        schedule.overrides.filter(date=day).delete()
