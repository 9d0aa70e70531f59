"""*Keep the time as it was*: the time that the calendar's owner set is not accepted, and put back there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from genie.core.event import When
from genie.flows import actor
from genie.flows.absorb import lock_link
from genie.flows.actor import Actor
from genie.flows.ask import proposal, put_ours_back
from genie.flows.notify import tell_it_was_kept
from genie.flows.tell_admins import tell_admins
from genie.store import jobs
from genie.store.models import Appointment, Change, EventLink

KEPT = "The new time was not accepted, and is put back on the calendar."
NO_ANSWER = "Nobody answered in time, so the new time is put back on the calendar."


class QuestionClosed(Exception):
    """There is no such question any more: it was answered or taken back, or is about another time now."""


def keep_time(
    *, company_id: int, appointment_id: UUID, proposed: When, actor: Actor, now: datetime
) -> Appointment:
    """The appointment stays, its event is put back, the customer has it in writing; the company is told where
    the customer said so. Raises Appointment.DoesNotExist, QuestionClosed unless it is about `proposed`."""
    with transaction.atomic():
        link = open_question(company_id=company_id, appointment_id=appointment_id, proposed=proposed)
        _keep(link, actor, now, KEPT)
    return link.appointment


def lapse(*, link_id: UUID, now: datetime) -> None:
    """Nobody answered in time: the appointment's own time stands. Once, whoever calls it how often."""
    with transaction.atomic():
        link = lock_link(link_id)
        if link.answer_until is None or link.answer_until > now:
            return
        _keep(link, actor.SYSTEM, now, NO_ANSWER)


def open_question(*, company_id: int, appointment_id: UUID, proposed: When) -> EventLink:
    """The link with the question about `proposed`, held. Call INSIDE a transaction. Raises QuestionClosed,
    Appointment.DoesNotExist."""
    appointment = Appointment.objects.get(id=appointment_id, company_id=company_id)
    found = EventLink.objects.filter(appointment=appointment, question_at__isnull=False).first()
    link = lock_link(found.id) if found else None
    asked = proposal(link) if link else None
    if link is None or asked is None or not asked.same_instants(proposed):
        raise QuestionClosed
    return link


def _keep(link: EventLink, by: Actor, now: datetime, why: str) -> None:
    proposed = proposal(link)
    assert proposed is not None
    put_ours_back(link, by, now, why=why)
    jobs.wake_calendar(link.calendar_id)
    if by.origin != Change.Origin.PERSON:
        _tell_the_company(link, proposed, by, now, why)


def _tell_the_company(link: EventLink, proposed: When, by: Actor, now: datetime, why: str) -> None:
    """Its readers; the admins where the module names none and nobody else is concerned."""
    appointment = link.appointment
    if tell_it_was_kept(appointment=appointment, proposed=proposed, by=by.by, reason=why, now=now):
        return
    tell_admins(
        company=appointment.module.company,
        heading=f"An appointment stays at its time, other than on {link.calendar.name}",
        reason=f"It was moved there, and the customer was asked to accept that. {why}",
        path=f"/company/{appointment.module.company.slug}/appointments/{appointment.id}",
        now=now,
    )
