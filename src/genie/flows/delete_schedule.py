"""Delete an availability schedule nobody needs."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.core.saying import said_list
from genie.flows.close_channels import close_forgotten, forget_channels
from genie.flows.forget_mirror import forget_mirror_if_unused
from genie.flows.forget_public_calendar import forget_public_calendar_if_unused
from genie.providers.registry import ProviderSettings
from genie.store.models import Module, Schedule, StaffMember


class ScheduleInUse(Exception):
    """Modules or staff members take their hours from it; the message names them."""


def delete_schedule(*, company_id: int, schedule_id: int, settings: ProviderSettings) -> str:
    """Delete the company's schedule with its time off and hours; its name is returned.

    Channels of calendars that only it had read are stopped, so call it outside a transaction. Raises
    ScheduleInUse, and Schedule.DoesNotExist for a schedule that is not the company's.
    """
    with atomic():
        schedule = Schedule.objects.select_for_update().get(id=schedule_id, company_id=company_id)
        users = [
            *Module.objects.filter(schedule=schedule).order_by("name").values_list("name", flat=True),
            *StaffMember.objects.filter(schedule=schedule).order_by("name").values_list("name", flat=True),
        ]
        if users:
            raise ScheduleInUse(
                f"“{schedule.name}” was not deleted, because {said_list(users)} "
                f"{'takes its' if len(users) == 1 else 'take their'} opening hours from it. "
                "Choose another schedule there first, then delete this one."
            )
        read = list(schedule.availability_calendars.values_list("calendar_id", flat=True))
        schedule.delete()
        channels = {calendar_id: forget_channels(calendar_id=calendar_id) for calendar_id in read}
        for calendar_id in read:
            forget_mirror_if_unused(calendar_id=calendar_id)
            forget_public_calendar_if_unused(calendar_id=calendar_id)
    for calendar_id, forgotten in channels.items():
        close_forgotten(calendar_id=calendar_id, channels=forgotten, settings=settings)
    return schedule.name
