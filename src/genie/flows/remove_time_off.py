"""Remove time off: its hours are offered again."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.store.models import TimeOff


def remove_time_off(*, company_id: int, schedule_id: int, time_off_id: int) -> None:
    """Raises TimeOff.DoesNotExist unless it is time off of that schedule of the company."""
    with atomic():
        TimeOff.objects.select_for_update().get(
            id=time_off_id, schedule_id=schedule_id, schedule__company_id=company_id
        ).delete()
