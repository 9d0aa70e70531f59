"""Incidents that wait for a person: which calendars, and which appointments."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from genie.store.models import Appointment, Connection, Incident, Module

SHOWN = 50
"""Of more appointments the first are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open incident. `held`: not applied yet; `applied`: before it was noticed."""

    incident: Incident
    held: int
    applied: int
    appointments: list[Appointment]

    @property
    def count(self) -> int:
        return self.held + self.applied


def waiting(module: Module) -> list[Waiting]:
    """Of the calendars linked to a module, its own and its team's."""
    linked = Connection.objects.filter(module=module, state=Connection.State.LINKED).values("calendar_id")
    return [_of(one) for one in _open().filter(calendar_id__in=linked).order_by("opened_at")]


def waiting_about(appointment: Appointment) -> list[Waiting]:
    """Where one appointment is among what waits."""
    return [_of(one) for one in _open().filter(links__appointment=appointment)]


def _open() -> QuerySet[Incident]:
    return Incident.objects.filter(decision="").select_related("calendar")


def _of(incident: Incident) -> Waiting:
    links = incident.links
    held = links.filter(held_at__isnull=False).count()
    about = Appointment.objects.filter(links__incident=incident).select_related("lead").order_by("start")
    return Waiting(incident, held, links.count() - held, list(about[:SHOWN]))
