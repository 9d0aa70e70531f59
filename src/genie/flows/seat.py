"""Take a seat in a slot: the locks, and the lane the database constraint guards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from genie.core import lanes
from genie.core.appointment import LIVE
from genie.store import frozen
from genie.store.models import Appointment, Module, StaffMember
from genie.store.queries.seats import Seat


class NoSeat(Exception):
    """More than the capacity would overlap."""


def lock_module(module_id: int) -> Module:
    """The module's row, locked until the transaction ends: bookings and moves of one module go one by one."""
    return frozen.get(_module, module_id)


def _module(module_id: int) -> QuerySet[Module]:
    return Module.objects.select_for_update(no_key=True).filter(id=module_id)


def lock_staff(*staff_ids: int | None) -> None:
    """The staff member's row, where there is one: who is in several modules has one set of seats.

    Taken after `lock_module` and before any appointment; of two, as in `hand_over`, always that of the lower
    id first: so no two transactions wait for each other.
    """
    ids = {id for id in staff_ids if id is not None}
    if ids:
        rows = StaffMember.objects.select_for_update(no_key=True).filter(id__in=ids).order_by("id")
        if len(rows.values_list("id")) < len(ids):
            raise StaffMember.DoesNotExist


def lock_seat(one: QuerySet[Appointment], *also: int | None) -> Module:
    """The locks of the appointment that `one` names: its module, then whom it is with, and `also`.

    With whom it is may change until the module is held, so that is read under its lock. Raises
    Appointment.DoesNotExist.
    """
    module = lock_module(one.values_list("module_id", flat=True).get())
    lock_staff(one.values_list("staff_id", flat=True).get(), *also)
    return module


def widest(module: Module) -> int:
    """The capacity of its widest weekday. The rules have counted that weekday's; this bounds the lanes."""
    return max([module.capacity, *map(int, module.capacity_by_weekday.values())])


def take_seat(*, appointment: Appointment, module: Module, others: Iterable[Seat] | None = None) -> None:
    """Set `appointment.lane` (unsaved), moving others to other lanes where that makes room.

    Call inside a transaction that holds the locks. `others` are the seats around, if they are known under the
    locks already. Raises NoSeat. Appointments without a lane (put there by the calendar's owner) and holds do
    not count here; the slot rules count them. A staff member's appointment in another module leaves no room.
    """
    start, end = appointment.start, appointment.end
    known = _around(appointment, start, end) if others is None else others
    seated = [seat for seat in known if seat.lane is not None]
    own = appointment.kind.capacity if appointment.kind else None
    count = widest(module)
    limited = [(o.start, o.end, o.most if o.module_id == module.id else 1) for o in seated]
    if not lanes.has_room(start, end, most=min(count, own or count), others=limited):
        raise NoSeat("all places are taken")
    lane = lanes.free_lane([(o.start, o.end, o.lane or 0) for o in seated], start, end, count)
    appointment.lane = _make_room(appointment, count) if lane is None else lane


def _make_room(appointment: Appointment, capacity: int) -> int:
    """Colour the whole chain anew; lanes given under an earlier, larger capacity stay allowed."""
    own = str(appointment.id)
    others = _chain(appointment)
    spans = {o.id: (o.start, o.end) for o in others} | {own: (appointment.start, appointment.end)}
    count = max([capacity, *(1 + (o.lane or 0) for o in others)])
    assigned = lanes.assign(spans, count)
    for other in others:
        if other.lane != assigned[other.id]:
            Appointment.objects.filter(id=other.id).update(lane=assigned[other.id])
    return assigned[own]


def _chain(appointment: Appointment) -> list[Seat]:
    """The seats in the overlapping chain that the appointment would join."""
    start, end = appointment.start, appointment.end
    while True:
        chain = _around(appointment, start, end)
        widened = (min([start, *(seat.start for seat in chain)]), max([end, *(seat.end for seat in chain)]))
        if widened == (start, end):
            return chain
        start, end = widened


def _around(appointment: Appointment, start: datetime, end: datetime) -> list[Seat]:
    """Live, seated appointments of the same staff member, or of the module where there is none."""
    beside = (
        Q(staff_id=appointment.staff_id)
        if appointment.staff_id is not None
        else Q(module_id=appointment.module_id, staff_id=None)
    )
    found = Appointment.objects.filter(
        beside, state__in=LIVE, lane__isnull=False, start__lt=end, end__gt=start
    )
    return [_seat(other) for other in found.exclude(id=appointment.id).select_related("kind")]


def _seat(of: Appointment) -> Seat:
    most = of.kind.capacity if of.kind else None
    return Seat("appointment", str(of.id), of.module_id, of.staff_id, of.start, of.end, of.lane, most)
