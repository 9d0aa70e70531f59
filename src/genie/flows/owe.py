"""Owe the linked calendar a push: the debt and its wake-up, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from genie.core.appointment import LIVE
from genie.flows.ask import propose
from genie.flows.decide import let_go_of
from genie.store import jobs
from genie.store.models import Appointment, EventLink
from genie.store.queries.connections import living, serving, serving_of
from genie.store.queries.seats import Linked


def owe(*, appointment: Appointment, now: datetime) -> None:
    """After an appointment was made or its revision grew: mark what the calendar does not know yet.

    It goes to the calendar that serves the person it is with; without one nothing is owed. A live
    appointment gets its event link here; a cancelled one without a link never had an event. A parked link is
    tried again: what parked it may have changed.
    """
    link = living(EventLink.objects.filter(appointment=appointment)).first()
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


def owe_elsewhere(*, appointment: Appointment, now: datetime) -> None:
    """As `owe`, after it was handed over: the event goes from a calendar that does not serve whom it is with
    now, and is made on the one that does; what stays where it is gets their name.
    """
    here = EventLink.objects.filter(appointment=appointment)
    link = living(here).select_for_update(no_key=True).first()
    connection = serving(module_id=appointment.module_id, staff_id=appointment.staff_id)
    if link is not None and connection is not None and connection.calendar_id == link.calendar_id:
        link.connection, link.version = connection, link.version + 1
        link.base = {**link.base, "repair": True} if link.base else None
        link.save(update_fields=["connection", "version", "base"])
    elif link is not None:
        _leave(link, now)
    owe(appointment=appointment, now=now)


def _leave(link: EventLink, now: datetime) -> None:
    """Its event is to be deleted there, in whatever version, and nothing comes in by it any more."""
    let_go_of(link, now)
    propose(link, None)
    link.reason, link.attempts, link.next_attempt, link.missing_since = "", 0, None, None
    if link.remote_id or link.asked_at:
        link.state, link.leaves, link.stale_streak = EventLink.State.OWES_PUSH, True, 0
        jobs.wake_calendar(link.calendar_id)
    else:
        link.state = EventLink.State.ENDED  # never sent, so nothing of it is there
    link.save()


def first_link(*, appointment: Appointment, connections: Iterable[Linked]) -> EventLink | None:
    """The link of an appointment that is only just booked, unsaved: what `owe` would make of it.

    `connections` are the module's. None where no calendar serves whom the appointment is with.
    """
    linked = serving_of(connections, staff_id=appointment.staff_id)
    if linked is None:
        return None
    return EventLink(appointment=appointment, connection_id=linked.id, calendar_id=linked.calendar_id)
