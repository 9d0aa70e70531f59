"""Have a schedule stop reading a remote calendar."""

from __future__ import annotations

from django.db import transaction

from genie.flows.forget_mirror import forget_mirror_if_unused
from genie.store.models import AvailabilityCalendar


def remove_availability_calendar(*, company_id: int, entry_id: int) -> None:
    """Its busy time goes from our tables as well when nobody else uses the calendar.

    Raises AvailabilityCalendar.DoesNotExist.
    """
    with transaction.atomic():
        entry = AvailabilityCalendar.objects.select_for_update().get(
            id=entry_id, schedule__company_id=company_id
        )
        entry.delete()
        forget_mirror_if_unused(calendar_id=entry.calendar_id)
