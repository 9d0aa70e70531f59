"""Delete a kind of appointment."""

from __future__ import annotations

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import Module


def delete_kind(*, company_id: int, module_id: int, kind_id: int) -> str:
    """Its name is returned. Appointments of it keep time, title, place and its name, in letters too; from now
    on they can be moved by the module's own rules.

    Raises Module.DoesNotExist, AppointmentKind.DoesNotExist.
    """
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        kind = lock_module(module_id).kinds.get(id=kind_id)
        kind.appointments.update(kind_name=kind.name)
        kind.delete()
    return kind.name
