"""Renew the days of public holidays that schedules follow: years to come, and what the library learnt."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.db.transaction import atomic

from genie.core.public_holidays import UnknownRegion, edition, renamed
from genie.store.models import PublicHolidays
from genie.store.queries.holidays import days_of, to_keep


def years_kept(now: datetime) -> range:
    """Last year, for a date that is yesterday's, and three ahead: no horizon reaches further."""
    return range(now.year - 1, now.year + 4)


def renew_public_holidays(*, now: datetime) -> int:
    """Renew sets whose days are of another edition or end too early; how many is returned.

    May be called for any reason, any number of times. A region that the library no longer knows keeps its
    days.
    """
    last = str(years_kept(now)[-1])
    old = PublicHolidays.objects.filter(~Q(edition=edition()) | ~Q(days__has_key=last))
    return sum(_renew(followed_id, now) for followed_id in list(old.values_list("id", flat=True)))


def _renew(followed_id: int, now: datetime) -> int:
    """A set at a time, so that nobody who saves one waits for all."""
    with atomic():
        row = PublicHolidays.objects.select_for_update().filter(id=followed_id).first()
        if row is None:
            return 0
        try:
            days = to_keep(row.country, row.region, years_kept(now))
        except UnknownRegion:
            return 0
        kept = days_of(row, map(int, row.days))
        row.days, row.edition = days, edition()
        row.left_out = renamed(row.left_out, before=kept, after=days_of(row, years_kept(now)))
        row.save(update_fields=["days", "edition", "left_out"])
    return 1
