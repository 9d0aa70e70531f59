"""Explain one time to staff: offered, to whom it would go and how many places are left; or why not."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Unpack
from zoneinfo import ZoneInfo

from genie.core.hours import DAY
from genie.core.spans import micros, moment
from genie.flows.assign import assign
from genie.flows.offer import Circumstances, free_staff, instants, last_date, rules_of, wanted_between
from genie.flows.why_not import Reasons, reasons_against
from genie.store.models import Module, StaffMember
from genie.store.queries.slots import desks

BESIDE = timedelta(days=31)
"""So far around a time others are looked for at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """`places`: how many more can be booked then, with whom the next would be. `before`, `after`: the nearest
    offered times."""

    start: datetime
    end: datetime
    offered: bool
    against: Reasons
    places: int
    goes_to: StaffMember | None
    before: datetime | None
    after: datetime | None


def explain_time(
    *, module: Module, start: datetime, now: datetime, **also: Unpack[Circumstances]
) -> Explained:
    """Of a visit that begins at `start` (aware), under the circumstances of an offer.

    `vouched`, where another system offers the times: those from BESIDE before to BESIDE after, or fewer.
    """
    kind, staff = also.get("kind"), also.get("staff")
    end = start + timedelta(minutes=rules_of(module, kind).duration)
    against = reasons_against(module=module, start=start, end=end, now=now, **also)
    if not module.enabled:
        against.of_all.insert(0, f"{module.name} is switched off, so its page takes no bookings.")
    elif kind and not kind.enabled:
        against.of_all.insert(0, f"{kind.name} is switched off, so it cannot be chosen.")
    goes_to = staff
    if against.none and staff is None:
        free = free_staff(module=module, start=start, now=now, **also)
        if free:
            chosen = assign(module=module, start=start, now=now, candidates=free)
            goes_to = StaffMember.objects.get(id=chosen, company=module.company_id)
    before, after = nearest(module=module, start=start, now=now, **also)
    return Explained(
        start=start,
        end=end,
        offered=against.none,
        against=against,
        places=_places(module, start, now, goes_to, also) if against.none else 0,
        goes_to=goes_to if against.none else None,
        before=before,
        after=after,
    )


def nearest(
    *, module: Module, start: datetime, now: datetime, **also: Unpack[Circumstances]
) -> tuple[datetime | None, datetime | None]:
    """The last offered time before `start` and the first after it, None where there is none."""
    zone = ZoneInfo(module.schedule.zone)
    today, end = now.astimezone(zone).date(), last_date(module, now, also.get("kind"))
    day = start.astimezone(zone).date()
    low, high = max(today, min(day - BESIDE, end)), min(end, max(day + BESIDE, today))

    def offered(first: date, last: date) -> list[int]:
        return instants(module=module, first=first, last=last, now=now, **also) if first <= last else []

    found = offered(low, high)
    earlier, later = found[: bisect_left(found, micros(start))], found[bisect_right(found, micros(start)) :]
    if not earlier:
        earlier = [one for one in offered(today, low - DAY) if one < micros(start)]
    if not later:
        later = [one for one in offered(high + DAY, end) if one > micros(start)]
    return (moment(earlier[-1]) if earlier else None), (moment(later[0]) if later else None)


def _places(
    module: Module, start: datetime, now: datetime, whose: StaffMember | None, also: Circumstances
) -> int:
    """How many more can be booked then: with `whose`, or of the module itself."""
    rules = rules_of(module, also.get("kind"))
    until = start + timedelta(minutes=rules.duration + rules.between)
    theirs: Circumstances = {**also, "staff": whose}
    for desk in desks(wanted_between(start, until, module, now, **theirs)):
        capacity = rules.capacity_on(start.astimezone(desk.hours.zone).date())
        return desk.taken.seats.places(capacity, micros(start), micros(start) + rules.occupies)
    return 0
