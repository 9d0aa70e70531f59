"""Switch a kind of appointment on or off."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import AppointmentKind, Module


def switch_kind(*, company_id: int, module_id: int, kind_id: int, enabled: bool) -> AppointmentKind:
    """Off, nobody can book it; its appointments stay, and can still be moved by its rules.

    With all kinds off the module's own title, duration and place are offered, as before there were any.
    Raises Module.DoesNotExist, AppointmentKind.DoesNotExist.
    """
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        kind = lock_module(module_id).kinds.get(id=kind_id)
        kind.enabled = enabled
        kind.save(update_fields=["enabled"])
    return kind
