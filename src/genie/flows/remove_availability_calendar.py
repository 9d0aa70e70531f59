"""Have a schedule stop reading a remote calendar."""

from __future__ import annotations

from django.db import transaction

from genie.flows.close_channels import close_forgotten, forget_channels
from genie.flows.forget_mirror import forget_mirror_if_unused
from genie.flows.forget_public_calendar import forget_public_calendar_if_unused
from genie.providers.registry import ProviderSettings
from genie.store.models import AvailabilityCalendar


def remove_availability_calendar(*, company_id: int, entry_id: int, settings: ProviderSettings) -> None:
    """Its busy time goes from our tables as well when nobody else uses the calendar, a public one's address
    too, and its channel is stopped. Call it outside a transaction. Raises AvailabilityCalendar.DoesNotExist.
    """
    with transaction.atomic():
        entry = AvailabilityCalendar.objects.select_for_update().get(
            id=entry_id, schedule__company_id=company_id
        )
        calendar_id = entry.calendar_id
        entry.delete()
        channels = forget_channels(calendar_id=calendar_id)
        forget_mirror_if_unused(calendar_id=calendar_id)
        forget_public_calendar_if_unused(calendar_id=calendar_id)
    close_forgotten(calendar_id=calendar_id, channels=channels, settings=settings)
