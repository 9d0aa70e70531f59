"""Enable or disable a module for its company."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import Module


def enable_module(*, company_id: int, module_id: int, enabled: bool) -> Module:
    """Disabled, it takes no bookings; its appointments and calendar stay. Raises Module.DoesNotExist."""
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        module = lock_module(module_id)
        module.enabled = enabled
        module.save(update_fields=["enabled"])
    return module
