"""Leave a module's team: appointments stay with the person and on their calendar, no more are offered."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import Module, TeamMember


def leave_team(*, company_id: int, module_id: int, staff_id: int) -> bool:
    """False if they were not in it. With the last one gone the module is served by its own calendar again.

    Raises Module.DoesNotExist.
    """
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        lock_module(module_id)  # a booking waits, and then sees who is left
        gone, _ = TeamMember.objects.filter(module_id=module_id, staff_id=staff_id).delete()
    return gone > 0
