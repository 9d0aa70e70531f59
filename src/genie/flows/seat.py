"""Take a seat in a slot: the per-module lock, and the lane the database constraint guards."""

from __future__ import annotations

from genie.core import lanes
from genie.core.appointment import LIVE
from genie.store.models import Appointment, Module


class NoSeat(Exception):
    """More than the capacity would overlap."""


def lock_module(module_id: int) -> Module:
    """The module's row, locked until the transaction ends: bookings and moves of one module go one by one."""
    return Module.objects.select_for_update(no_key=True).get(id=module_id)


def take_seat(*, appointment: Appointment, capacity: int) -> None:
    """Set `appointment.lane` (unsaved), moving others to other lanes where that makes room.

    Call inside a transaction that holds `lock_module`. Raises NoSeat. Appointments without a lane (put
    there by the calendar's owner) do not count here; the slot rules count them.
    """
    others = _seated_around(appointment)
    start, end = appointment.start, appointment.end
    met = [(max(o.start, start), min(o.end, end)) for o in others if o.start < end and start < o.end]
    if 1 + lanes.most_at_once(met) > capacity:
        raise NoSeat(f"all {capacity} places are taken")
    lane = lanes.free_lane([(o.start, o.end, o.lane or 0) for o in others], start, end, capacity)
    appointment.lane = _make_room(appointment, others, capacity) if lane is None else lane


def _make_room(appointment: Appointment, others: list[Appointment], capacity: int) -> int:
    """Colour the whole chain anew; lanes given under an earlier, larger capacity stay allowed."""
    spans = {o.id: (o.start, o.end) for o in others} | {appointment.id: (appointment.start, appointment.end)}
    widest = max([capacity, *(1 + (o.lane or 0) for o in others)])
    assigned = lanes.assign(spans, widest)
    for other in others:
        if other.lane != assigned[other.id]:
            Appointment.objects.filter(id=other.id).update(lane=assigned[other.id])
    return assigned[appointment.id]


def _seated_around(appointment: Appointment) -> list[Appointment]:
    """Live, seated appointments of the module in the overlapping chain the appointment would join."""
    start, end = appointment.start, appointment.end
    live = Appointment.objects.filter(
        module_id=appointment.module_id, state__in=LIVE, lane__isnull=False
    ).exclude(id=appointment.id)
    while True:
        chain = list(live.filter(start__lt=end, end__gt=start).only("id", "start", "end", "lane"))
        widened = (min([start, *(a.start for a in chain)]), max([end, *(a.end for a in chain)]))
        if widened == (start, end):
            return chain
        start, end = widened
