"""A company's modules with what their state line says, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Prefetch, Subquery

from genie.core.appointment import LIVE
from genie.store.models import Appointment, Connection, Module


@dataclass(frozen=True, slots=True)
class ModuleState:
    """A module, its living connection if any, and its next appointment (start, end) if any."""

    module: Module
    connection: Connection | None
    upcoming: tuple[datetime, datetime] | None


def module_states(*, company_id: int, now: datetime, module_slug: str | None = None) -> list[ModuleState]:
    """All modules of the company by name, or the one of that address."""
    following = Appointment.objects.filter(
        module=OuterRef("pk"), company_id=company_id, state__in=LIVE, start__gt=now
    ).order_by("start", "id")
    living = Connection.objects.exclude(state=Connection.State.ENDED).select_related("calendar__key")
    modules = (
        Module.objects.filter(company_id=company_id)
        .select_related("schedule")
        .prefetch_related(Prefetch("connections", queryset=living, to_attr="living"))
        .annotate(
            next_start=Subquery(following.values("start")[:1]), next_end=Subquery(following.values("end")[:1])
        )
        .order_by("name", "id")
    )
    if module_slug is not None:
        modules = modules.filter(slug=module_slug)
    return [
        ModuleState(
            module=module,
            connection=next(iter(module.living), None),
            upcoming=(module.next_start, module.next_end) if module.next_start else None,
        )
        for module in modules
    ]
