"""Decide about an incident: *These were really changed*, or *Put them back*."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from genie.flows import actor
from genie.flows.ask import propose, put_ours_back
from genie.flows.notify import say_it_stays
from genie.store import jobs
from genie.store.models import Appointment, Connection, EventLink, Incident, Message, User

NOT_ASKED_ANY_MORE = "Changes made on the calendar do not come back any more."


def decide(
    *, company_id: int, incident_id: int, decision: Incident.Decision, user: User | None, now: datetime
) -> bool:
    """False if somebody has decided already: the first one counts.

    The letters that waited may leave, or wait for the worker, which does the rest for each appointment by
    itself (`carry_out`, `look`): what was decided stands in the row. Raises Incident.DoesNotExist for another
    company's.
    """
    with transaction.atomic():
        incident = Incident.objects.select_for_update(no_key=True).get(
            id=incident_id, calendar__key__company_id=company_id
        )
        if incident.decision:
            return False
        incident.decision, incident.decided_at, incident.decided_by = decision, now, user
        incident.save(update_fields=["decision", "decided_at", "decided_by"])
        if decision == Incident.Decision.REALLY_CHANGED:
            release_letters(incident, now)
        jobs.wake_calendar(incident.calendar_id)
    return True


def release_letters(incident: Incident, now: datetime, **whose: object) -> None:
    """What waited leaves now, as if it had been written now: else it would be too old after two days."""
    waiting = Message.objects.filter(held_by=incident, state=Message.State.OWED, **whose)
    waiting.update(held_by=None, not_before=now, created_at=now)


def let_go(*, connection: Connection, now: datetime) -> None:
    """Nothing flows back here any more: what waited stays as it is, what was applied is told, and nobody is
    asked about another time. Call INSIDE a transaction. An incident ends with its last appointment."""
    _end_questions(connection, now)
    held = EventLink.objects.filter(connection=connection, incident__decision="").select_related("incident")
    for link in held.order_by("id").select_for_update(of=("self",), no_key=True):
        _let_go(link, now)
        link.save()
    _end_without_links(connection.calendar_id, now)


def let_go_of(link: EventLink, now: datetime) -> None:
    """The same of one link, unsaved but for its letters. Call INSIDE the transaction that holds it."""
    waits = link.incident is not None and not link.incident.decision
    _let_go(link, now)
    if waits:
        EventLink.objects.filter(id=link.id).update(incident=None)
        _end_without_links(link.calendar_id, now)


def _let_go(link: EventLink, now: datetime) -> None:
    if link.incident is not None:  # also one that was decided a moment ago: no letter waits for ever
        release_letters(link.incident, now, appointment_id=link.appointment_id)
    if link.state == EventLink.State.HELD:
        link.state, link.reason, link.next_attempt = EventLink.State.CLEAN, "", None
        propose(link, None)
        say_it_stays(appointment=link.appointment, now=now)
    link.incident, link.held_at, link.held_version = None, None, ""
    link.version += 1


def _end_without_links(calendar_id: int, now: datetime) -> None:
    left = EventLink.objects.filter(incident__calendar_id=calendar_id, incident__decision="")
    if not left.exists():
        Incident.objects.filter(calendar_id=calendar_id, decision="").update(
            decision=Incident.Decision.LET_GO, decided_at=now
        )


def _end_questions(connection: Connection, now: datetime) -> None:
    """The appointments keep their times, and their events get them back where they are still sent there."""
    asked = EventLink.objects.filter(connection=connection, question_at__isnull=False)
    about = Appointment.objects.filter(links__in=asked.values("id")).order_by("id")
    list(about.select_for_update(of=("self",), no_key=True))  # before the links, as everybody locks them
    rows = asked.select_related("appointment__module", "appointment__lead", "calendar").order_by("id")
    for link in rows.select_for_update(of=("self",), no_key=True):
        put_ours_back(link, actor.SYSTEM, now, why=NOT_ASKED_ANY_MORE)
