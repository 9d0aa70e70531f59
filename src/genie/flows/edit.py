"""Edit what an appointment says: title, place, notes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from genie.flows.actor import Actor
from genie.flows.amend import Wanted, amend
from genie.store.models import Appointment


def edit(
    *,
    company_id: int,
    appointment_id: UUID,
    actor: Actor,
    now: datetime,
    title: str | None = None,
    place: str | None = None,
    notes: str | None = None,
    seen_revision: int | None = None,
) -> Appointment:
    """None leaves a field as it is. Raises Appointment.DoesNotExist, NotPossible, Overtaken."""
    return amend(
        appointment_id=appointment_id,
        company_id=company_id,
        changes=Wanted(title=title, place=place, notes=notes),
        actor=actor,
        now=now,
        seen_revision=seen_revision,
    )
