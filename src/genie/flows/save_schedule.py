"""Save an availability schedule: its name, its zone and its weekly hours."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError
from django.db.transaction import atomic

from genie.core.week import DayRange, joined
from genie.store.models import OpeningHours, Schedule


class NameTaken(Exception):
    """The company has another schedule of this name."""


def save_schedule(
    *, company_id: int, schedule_id: int | None, name: str, zone: str, hours: Sequence[DayRange]
) -> Schedule:
    """Make (`schedule_id` None) or change a schedule of the company; the weekly hours are replaced.

    `zone` is an IANA name the caller has checked. Ranges of a weekday that touch or overlap become one.
    Raises NameTaken, and Schedule.DoesNotExist for a schedule that is not the company's.
    """
    try:
        with atomic():
            schedule = _schedule(company_id, schedule_id)
            schedule.name, schedule.zone = name, zone
            schedule.save()
            schedule.hours.all().delete()
            OpeningHours.objects.bulk_create(
                OpeningHours(schedule=schedule, weekday=r.weekday, opens=r.opens, closes=r.closes)
                for r in joined(hours)
            )
    except IntegrityError as exc:
        if "schedule_name_once" not in str(exc):
            raise
        raise NameTaken(
            f"Another schedule is called “{name}”, so this one was not saved. Choose another name."
        ) from exc
    return schedule


def _schedule(company_id: int, schedule_id: int | None) -> Schedule:
    if schedule_id is None:
        return Schedule(company_id=company_id)
    return Schedule.objects.select_for_update().get(id=schedule_id, company_id=company_id)
