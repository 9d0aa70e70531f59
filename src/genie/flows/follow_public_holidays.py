"""Follow the public holidays of a country or region: they close a schedule, but for those worked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError
from django.db.transaction import atomic

from genie.core.public_holidays import country_name, edition
from genie.flows.renew_public_holidays import years_kept
from genie.store.models import PublicHolidays, Schedule
from genie.store.queries.holidays import to_keep


class FollowedAlready(Exception):
    """The schedule follows that country and region; the message says so."""


def follow_public_holidays(
    *,
    company_id: int,
    schedule_id: int,
    followed_id: int | None,
    country: str,
    region: str,
    left_out: Sequence[str],
    now: datetime,
) -> PublicHolidays:
    """Add (`followed_id` None) or change a set. `left_out`: names of days that are worked all the same.

    Raises UnknownRegion, FollowedAlready, and Schedule.DoesNotExist and PublicHolidays.DoesNotExist for
    what is not the company's.
    """
    days = to_keep(country, region, years_kept(now))
    try:
        with atomic():
            schedule = Schedule.objects.select_for_update().get(id=schedule_id, company_id=company_id)
            row = PublicHolidays(schedule=schedule)
            if followed_id is not None:
                row = schedule.public_holidays.get(id=followed_id)
            row.country, row.region, row.left_out = country, region, list(dict.fromkeys(left_out))
            row.days, row.edition = days, edition()
            row.save()
    except IntegrityError as exc:
        if "public_holidays_once" not in str(exc):
            raise
        raise FollowedAlready(
            f"Nothing was saved, because this schedule follows {country_name(country)}"
            f"{' with that region' if region else ''} already. Change that set instead."
        ) from exc
    return row
