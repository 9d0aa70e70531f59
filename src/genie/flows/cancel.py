"""Cancel an appointment: the slot is free at once, the event goes, the customer is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from genie.flows.actor import Actor
from genie.flows.amend import Wanted, amend
from genie.store.models import Appointment


def cancel(
    *,
    company_id: int,
    appointment_id: UUID,
    actor: Actor,
    now: datetime,
    reason: str = "",
    seen_revision: int | None = None,
) -> Appointment:
    """Cancelling what is cancelled changes nothing. Raises Appointment.DoesNotExist, Overtaken."""
    return amend(
        appointment_id=appointment_id,
        company_id=company_id,
        changes=Wanted(cancel=True, reason=reason),
        actor=actor,
        now=now,
        seen_revision=seen_revision,
    )
