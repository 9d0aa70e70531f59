"""Owe the linked calendar a push: the debt and its wake-up, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from genie.core.appointment import LIVE
from genie.store import jobs
from genie.store.models import Appointment, EventLink
from genie.store.queries.connections import serving, serving_of
from genie.store.queries.seats import Linked


def owe(*, appointment: Appointment, now: datetime) -> None:
    """After an appointment was made or its revision grew: mark what the calendar does not know yet.

    It goes to the calendar that serves the person it is with; without one nothing is owed. A live
    appointment gets its event link here; a cancelled one without a link never had an event. A parked link is
    tried again: what parked it may have changed.
    """
    link = EventLink.objects.filter(appointment=appointment).exclude(state=EventLink.State.ENDED).first()
    if link is None:
        connection = serving(module_id=appointment.module_id, staff_id=appointment.staff_id)
        if connection is None or appointment.state not in LIVE:
            return
        link = EventLink.objects.create(
            appointment=appointment, connection=connection, calendar_id=connection.calendar_id
        )
    else:
        EventLink.objects.filter(id=link.id).update(
            state=EventLink.State.OWES_PUSH, reason="", next_attempt=None, attempts=0
        )
    jobs.wake_calendar(link.calendar_id)


def first_link(*, appointment: Appointment, connections: Iterable[Linked]) -> EventLink | None:
    """The link of an appointment that is only just booked, unsaved: what `owe` would make of it.

    `connections` are the module's. None where no calendar serves whom the appointment is with.
    """
    linked = serving_of(connections, staff_id=appointment.staff_id)
    if linked is None:
        return None
    return EventLink(appointment=appointment, connection_id=linked.id, calendar_id=linked.calendar_id)
