"""Set the hours of one date, instead of the weekly ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time

from django.db.transaction import atomic

from genie.core.week import DayRange, joined
from genie.store.models import DateOverride, Schedule


def set_date_hours(
    *, company_id: int, schedule_id: int, day: date, ranges: Sequence[tuple[time, time]]
) -> None:
    """Open on `day` (a local date) only during `ranges` (opens, closes); no range = closed that day.

    What was set for the date before is replaced. Raises Schedule.DoesNotExist for a schedule that is not
    the company's.
    """
    with atomic():
        schedule = Schedule.objects.select_for_update().get(id=schedule_id, company_id=company_id)
        schedule.overrides.filter(date=day).delete()
        kept = joined(DayRange(day.weekday(), opens, closes) for opens, closes in ranges)
        rows = [DateOverride(schedule=schedule, date=day, opens=r.opens, closes=r.closes) for r in kept]
        DateOverride.objects.bulk_create(rows or [DateOverride(schedule=schedule, date=day)])
