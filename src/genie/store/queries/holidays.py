"""The holidays of schedules as values of the slot rules: their own, and those of public sets they follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date

from django.db.models import Q

from genie.core.holidays import Holiday
from genie.core.public_holidays import PublicDay, UnknownRegion, not_worked, public_days
from genie.store import models


def holidays_of(schedule_ids: Iterable[int], *, first: date, last: date) -> dict[int, list[Holiday]]:
    """By schedule: what may close it on the local dates `first` to `last`. Two queries for any number."""
    found: dict[int, list[Holiday]] = {schedule_id: [] for schedule_id in schedule_ids}
    years = range(first.year, last.year + 1)
    own = models.Holiday.objects.filter(
        Q(year=None) | Q(year__range=(first.year, last.year)), schedule__in=found.keys()
    )
    for row in own:
        found[row.schedule_id].append(value_of(row))
    for followed in models.PublicHolidays.objects.filter(schedule__in=found.keys()):
        days = not_worked(days_of(followed, years), followed.left_out)
        found[followed.schedule_id] += [day.as_holiday() for day in days if first <= day.date <= last]
    return found


def value_of(row: models.Holiday) -> Holiday:
    return Holiday(
        row.title,
        row.month,
        day=row.day,
        weekday=row.weekday,
        week=row.week,
        year=row.year,
        start=row.start,
        end=row.end,
    )


def days_of(followed: models.PublicHolidays, years: Iterable[int]) -> list[PublicDay]:
    """The set's days of those years, worked or not; what is not kept with it is asked of the library.

    A region that the library no longer knows has no more days: a page that offers slots must not fail.
    """
    days: list[PublicDay] = []
    for year in years:
        kept = followed.days.get(str(year))
        if kept is None:
            with suppress(UnknownRegion):
                days += public_days(followed.country, followed.region, year)
        else:
            days += [PublicDay(date.fromisoformat(day), name, note) for day, name, note in kept]
    return days


def to_keep(country: str, region: str, years: Iterable[int]) -> dict[str, list[Sequence[str]]]:
    """What `PublicHolidays.days` holds for those years, as the library knows it. Raises UnknownRegion."""
    return {
        str(year): [(one.date.isoformat(), one.name, one.note) for one in public_days(country, region, year)]
        for year in years
    }
