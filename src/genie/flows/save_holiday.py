"""Save a holiday of a schedule: a day of every year, or of one, on which nothing is offered."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.core import holidays
from genie.store.models import Holiday, Schedule

MOST = 200
"""Holidays of one schedule that were typed in."""


class TooManyHolidays(Exception):
    """The schedule has as many as it may; the message says so."""


def save_holiday(
    *, company_id: int, schedule_id: int, holiday_id: int | None, holiday: holidays.Holiday
) -> Holiday:
    """Add (`holiday_id` None) or change one. Appointments already made on it stay.

    Raises Schedule.DoesNotExist and Holiday.DoesNotExist for what is not the company's, TooManyHolidays.
    """
    with atomic():
        schedule = Schedule.objects.select_for_update().get(id=schedule_id, company_id=company_id)
        if holiday_id is None and schedule.holidays.count() >= MOST:
            raise TooManyHolidays(
                f"Nothing was added, because this schedule has {MOST} holidays already. "
                "Remove some that are over first; for days off of one year, time off may serve as well."
            )
        row = Holiday(schedule=schedule) if holiday_id is None else schedule.holidays.get(id=holiday_id)
        for name in holidays.Holiday.__dataclass_fields__:
            setattr(row, name, getattr(holiday, name))
        row.save()
    return row
