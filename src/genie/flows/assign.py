"""Assign a visitor to one of the team: who has least to do that week, and fairly over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Q

from genie.core.appointment import LIVE
from genie.core.hours import DAY, span_of
from genie.store.models import Appointment, Hold, Module

OVER_TIME = timedelta(weeks=8)
"""So far to both sides of the week one's share is looked at: who had more of it gets the next one later."""

NEVER = datetime.min.replace(tzinfo=UTC)


def assign(
    *, module: Module, start: datetime, now: datetime, candidates: Sequence[int], holder: str = ""
) -> int:
    """The id of the one who gets an appointment at `start` (aware), of those who are free then.

    `candidates`: ids of staff members, at least one, in the team's order. `holder`'s hold is not counted.
    """
    return by_turn(module=module, start=start, now=now, candidates=candidates, holder=holder)[0]


def by_turn(
    *, module: Module, start: datetime, now: datetime, candidates: Sequence[int], holder: str = ""
) -> list[int]:
    """Whose turn it is, then who would be next.

    Fewest live appointments and holds in that week (Monday to Sunday in the module's zone, of whatever
    module); then fewest in the weeks around; then who was assigned longest ago; then the team's order. Exact
    under `lock_module`, as far as this module alone assigns.
    """
    if len(candidates) < 2:
        return list(candidates)
    week = _week(start, ZoneInfo(module.schedule.zone))
    around = Q(start__gte=week[0] - OVER_TIME, start__lt=week[1] + OVER_TIME, staff_id__in=candidates)
    booked = Appointment.objects.filter(around, state__in=LIVE)
    held = Hold.objects.filter(around, expires_at__gt=now).exclude(visitor=holder)
    load = {staff_id: _Load() for staff_id in candidates}
    for found, last in ((booked, Max("created_at")), (held, Max("expires_at"))):
        counts = found.values("staff_id").annotate(
            in_week=Count("id", filter=Q(start__gte=week[0], start__lt=week[1])),
            over_time=Count("id"),
            last=last,
        )
        for staff_id, *more in counts.values_list("staff_id", "in_week", "over_time", "last"):
            load[staff_id] = load[staff_id].and_also(*more)
    return sorted(candidates, key=load.__getitem__)


@dataclass(frozen=True, slots=True, order=True)
class _Load:
    """What somebody has to do; in the order in which it decides."""

    in_week: int = 0
    over_time: int = 0
    last: datetime = NEVER

    def and_also(self, in_week: int, over_time: int, last: datetime) -> _Load:
        return _Load(self.in_week + in_week, self.over_time + over_time, max(self.last, last))


def _week(start: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    day = start.astimezone(zone).date()
    monday = day - day.weekday() * DAY
    return span_of(monday, monday + 6 * DAY, zone)
