"""*Accept the new time*: the visit moves to the time that the calendar's owner gave it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from genie.core.event import Fields, When
from genie.flows.absorb import OF_THE_CALENDAR, OUTSIDE_RULES, is_outside_rules
from genie.flows.actor import Actor
from genie.flows.amend import Wanted, amend
from genie.flows.ask import propose
from genie.flows.keep_time import open_question
from genie.store.models import Appointment, EventLink

ACCEPTED = "the time that was set on the calendar, accepted"


def accept_time(
    *, company_id: int, appointment_id: UUID, proposed: When, actor: Actor, now: datetime
) -> Appointment:
    """Exactly to `proposed`, and nothing is written to the calendar: it is there already. Told and flagged as
    a change that comes in. Raises Appointment.DoesNotExist, and QuestionClosed unless it is about `proposed`.
    """
    with transaction.atomic():
        link = open_question(company_id=company_id, appointment_id=appointment_id, proposed=proposed)
        when = When(proposed.start, proposed.end, link.appointment.zone)
        moved = amend(
            appointment_id=appointment_id,
            company_id=company_id,
            changes=Wanted(
                when=when,
                attention=_flag(link.appointment, when, now),
                reason=ACCEPTED,
                forced=True,
                owes_push=False,
            ),
            actor=actor,
            now=now,
        )
        propose(link, None)
        link.sent = Fields.from_json(link.sent or {}).but(when=when).to_json()
        if link.state == EventLink.State.CLEAN:
            link.pushed_revision = moved.revision
        link.version += 1
        link.save()
    return moved


def _flag(appointment: Appointment, when: When, now: datetime) -> str | None:
    if is_outside_rules(appointment, when.start, now):
        return OUTSIDE_RULES
    return None if appointment.attention in OF_THE_CALENDAR else ""
