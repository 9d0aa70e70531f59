"""Remove a holiday that was typed in: its days follow the weekly hours again."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.store.models import Holiday


def remove_holiday(*, company_id: int, schedule_id: int, holiday_id: int) -> str:
    """Its title is returned. Raises Holiday.DoesNotExist unless it is one of that schedule of the company."""
    with atomic():
        row = Holiday.objects.select_for_update().get(
            id=holiday_id, schedule_id=schedule_id, schedule__company_id=company_id
        )
        row.delete()
    return row.title
