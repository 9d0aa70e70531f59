"""Carry out what was decided about an appointment that was changed before the incident was noticed.

*These were really changed*: it stays. *Put them back*: it is again what it was before its calendar changed
it, and owes the calendar that. Whose letters still waited hears nothing; who was told hears what holds now.
"""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile
from uuid import UUID

from django.db import transaction

from genie.core.appointment import State
from genie.core.breaker import WITHIN
from genie.core.event import When
from genie.flows import actor
from genie.flows.absorb import OUTSIDE_RULES, lock_link, make_anew
from genie.flows.actor import Actor
from genie.flows.amend import Wanted, amend
from genie.flows.ask import put_ours_back
from genie.flows.decide import release_letters
from genie.flows.owe import owe
from genie.providers.port import CalendarProvider
from genie.store import jobs
from genie.store.models import Appointment, Change, Connection, EventLink, Incident

WHY = "put back: too much was changed on the calendar at once"


def carry_out(*, link_id: UUID, provider: CalendarProvider, now: datetime) -> None:
    """One transaction, no request. Raises absorb.Overtaken."""
    del provider  # what is owed by this is pushed by the same drain
    known = EventLink.objects.select_related("incident").get(id=link_id)
    incident = known.incident
    if incident is None or not incident.decision or known.held_at:
        return
    with transaction.atomic():
        link = lock_link(link_id, known.version)
        if incident.decision == Incident.Decision.PUT_BACK:
            by = _who(incident)
            if link.question_at:
                put_ours_back(link, by, now, why=WHY)
                jobs.wake_calendar(link.calendar_id)
            _put_back(link, incident, by, now)
            link.refresh_from_db()  # owing a push has changed it
        release_letters(incident, now, appointment_id=link.appointment_id)
        link.incident = None
        link.version += 1
        link.save(update_fields=["incident", "version"])


def _who(incident: Incident) -> Actor:
    return actor.person(incident.decided_by) if incident.decided_by else actor.SYSTEM


def _put_back(link: EventLink, incident: Incident, by: Actor, now: datetime) -> None:
    """What somebody changed here since, or on the calendar long before, stays."""
    appointment = Appointment.objects.select_related("module").get(id=link.appointment_id)
    was = _before(appointment, incident)
    cancelled = appointment.state == State.CANCELLED and was["state"] == State.CONFIRMED
    when = _when(was["when"], appointment.zone) if cancelled or appointment.state != State.CANCELLED else None
    after = amend(
        appointment_id=appointment.id,
        company_id=appointment.company_id,
        changes=Wanted(
            when=when,
            restore=cancelled,
            reason=WHY,
            forced=True,
            owes_push=False,
            tell_customer=appointment.module.tells_of_inbound,
        ),
        actor=by,
        now=now,
    )
    if after.revision == appointment.revision:
        return
    if after.lane is None and not after.attention:
        flag = Wanted(attention=OUTSIDE_RULES, owes_push=False)
        amend(appointment_id=after.id, company_id=after.company_id, changes=flag, actor=actor.SYSTEM, now=now)
    if cancelled and link.connection.state == Connection.State.LINKED:
        make_anew(link, declined_id=link.remote_id)
        jobs.wake_calendar(link.calendar_id)
    else:
        owe(appointment=after, now=now)


def _before(appointment: Appointment, incident: Incident) -> dict[str, str]:
    """State and time (as the history writes them) before the calendar's last changes in a row."""
    was = {"state": "", "when": ""}
    lines = Change.objects.filter(appointment=appointment, lost=False, field__in=list(was)).order_by("-id")
    since = incident.opened_at - WITHIN
    for change in takewhile(lambda c: c.origin == Change.Origin.CALENDAR and c.at >= since, lines):
        was[change.field] = change.old
    return was


def _when(said: str, zone: str) -> When | None:
    start, _, end = said.partition("/")
    return When(datetime.fromisoformat(start), datetime.fromisoformat(end), zone) if end else None
