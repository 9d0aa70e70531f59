"""Set who of a module's team gets a visit: whoever is free, or whom the visitor chooses."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import Module


def set_assignment(*, company_id: int, module_id: int, assignment: Module.Assignment) -> None:
    """Appointments already made stay with whom they are. Raises Module.DoesNotExist."""
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        module = lock_module(module_id)
        module.assignment = assignment
        module.save(update_fields=["assignment"])
