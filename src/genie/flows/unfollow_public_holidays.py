"""Stop following a country's or region's public holidays: they close the schedule no more."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.store.models import PublicHolidays


def unfollow_public_holidays(*, company_id: int, schedule_id: int, followed_id: int) -> PublicHolidays:
    """What was followed is returned. Raises PublicHolidays.DoesNotExist unless it is that schedule's."""
    with atomic():
        row = PublicHolidays.objects.select_for_update().get(
            id=followed_id, schedule_id=schedule_id, schedule__company_id=company_id
        )
        row.delete()
    return row
