"""Ask the system that a module names for its free times, before anything is shown or booked (rule 10)."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone

from genie.flows.offer_external import offered_externally, vouched_externally
from genie.flows.wired import provider_settings
from genie.store.models import AppointmentKind, Module, StaffMember


def vouched_for(
    module: Module,
    first: date,
    last: date,
    *,
    kind: AppointmentKind | None = None,
    staff: StaffMember | None = None,
) -> list[int] | None:
    """What it offers on the schedule's local dates; None where the local rules serve."""
    if not module.external_url:  # nearly always
        return None
    return offered_externally(
        module=module,
        first=first,
        last=last,
        settings=provider_settings(),
        now=timezone.now(),
        kind=kind,
        staff=staff,
    )


def vouched_start(
    module: Module,
    start: datetime,
    *,
    kind: AppointmentKind | None = None,
    staff: StaffMember | None = None,
    anew: bool = False,
) -> list[int] | None:
    """The same of one start. `anew`, when it is about to be booked: whatever was said a moment ago."""
    if not module.external_url:
        return None
    return vouched_externally(
        module=module,
        start=start,
        settings=provider_settings(),
        now=timezone.now(),
        kind=kind,
        staff=staff,
        anew=anew,
    )
