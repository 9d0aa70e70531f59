"""Which linked calendar serves whom: a person's own in the module, or else the module's (decision 0084)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from genie.core.appointment import LIVE
from genie.store.models import Appointment, Connection, EventLink
from genie.store.queries.remote_calendars import LIVING


class _OfSomebody(Protocol):
    @property
    def staff_id(self) -> int | None: ...
    @property
    def state(self) -> str: ...


One = TypeVar("One", bound=_OfSomebody)


def serving(*, module_id: int, staff_id: int | None) -> Connection | None:
    """The linked calendar that appointments with this person goes to, with its key; None if there is none."""
    found = Connection.objects.filter(
        Q(staff_id=staff_id) | Q(staff_id=None), module_id=module_id, state=Connection.State.LINKED
    )
    return found.select_related("calendar__key").order_by(F("staff_id").asc(nulls_last=True)).first()


def serving_of(connections: Iterable[One], *, staff_id: int | None) -> One | None:
    """The same, of a module's connections that have been read already."""
    linked = {one.staff_id: one for one in connections if one.state == Connection.State.LINKED}
    return linked.get(staff_id) or linked.get(None)


def is_seen(*, module_id: int, staff_id: int | None) -> bool:
    """Does the company see appointments with this person on a calendar, if only on one being unlinked?"""
    return Connection.objects.filter(
        Q(staff_id=staff_id) | Q(staff_id=None), module_id=module_id, state__in=LIVING
    ).exists()


def is_seen_of(connections: Iterable[_OfSomebody], *, staff_id: int | None) -> bool:
    """The same, of a module's living connections that have been read already."""
    return any(one.staff_id in (staff_id, None) for one in connections)


def served_by(connection: Connection) -> QuerySet[Appointment]:
    """The appointments of those whom a calendar serves, on it or not."""
    found = Appointment.objects.filter(module_id=connection.module_id)
    if connection.staff_id is not None:
        return found.filter(staff_id=connection.staff_id)
    own = Connection.objects.filter(
        module_id=connection.module_id, staff_id=OuterRef("staff_id"), state=Connection.State.LINKED
    )
    return found.filter(~Exists(own))


def to_send(connection: Connection, now: datetime) -> QuerySet[Appointment]:
    """What **Connect Calendar** sends there: still to come, and on no calendar. It need not be saved yet."""
    return served_by(connection).filter(~on_a_calendar(), state__in=LIVE, end__gt=now)


def on_a_calendar() -> Exists:
    """Of an appointment: has it a living link?"""
    return Exists(living(EventLink.objects.filter(appointment=OuterRef("pk"))))


def living(links: QuerySet[EventLink]) -> QuerySet[EventLink]:
    """Those of `links` that tie an appointment to its event: at most one of each appointment. One that leaves
    a calendar after its appointment was handed over is none of them: its event is only still to be deleted.
    """
    return links.filter(leaves=False).exclude(state=EventLink.State.ENDED)
