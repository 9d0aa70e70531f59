"""Join a module's team: from now on the module's visits can be booked with this person."""

from __future__ import annotations

from django.db.models import Max
from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import Module, StaffMember, TeamMember


def join_team(*, company_id: int, module_id: int, staff_id: int) -> TeamMember:
    """The last in the team's order. Appointments already made stay with nobody in particular (decision 0084).

    Joining twice changes nothing. Raises Module.DoesNotExist; StaffMember.DoesNotExist also for somebody who
    is switched off.
    """
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        module = lock_module(module_id)  # a booking waits, and then sees that there is a team
        member = StaffMember.objects.get(id=staff_id, company_id=company_id, active=True)
        last = module.team.aggregate(last=Max("position"))["last"]
        joined, _ = TeamMember.objects.get_or_create(
            module=module, staff=member, defaults={"position": 0 if last is None else last + 1}
        )
    return joined
