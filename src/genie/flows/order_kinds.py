"""Order a module's kinds of appointment: visitors read them so."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import AppointmentKind, Module


def order_kinds(*, company_id: int, module_id: int, order: Sequence[int]) -> None:
    """`order`: ids of kinds, the first first. A kind of the module that is not named comes after them.

    Raises Module.DoesNotExist.
    """
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        kinds = list(lock_module(module_id).kinds.all())
        wanted = {kind_id: place for place, kind_id in enumerate(order)}
        kinds.sort(key=lambda kind: wanted.get(kind.pk, len(wanted)))
        for place, kind in enumerate(kinds):
            kind.position = place
        AppointmentKind.objects.bulk_update(kinds, ["position"])
