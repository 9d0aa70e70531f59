"""Offer slots: what the rules of core/availability give for a module, in one query."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import TypedDict, Unpack
from uuid import UUID
from zoneinfo import ZoneInfo

from genie.core.availability import Rules, offered_instants
from genie.core.event import BusyKind
from genie.core.hours import DAY, MIDNIGHT, instant_of
from genie.core.spans import micros, moment
from genie.core.vouched import vouched_instants
from genie.store.models import AppointmentKind, Module, StaffMember
from genie.store.models.schedule import WEEKDAYS
from genie.store.queries.slots import Desk, Wanted, desks

LONGEST = timedelta(days=732)
"""No horizon reaches further than two years: what a schedule says of later is a guess."""

UNCERTAIN = (BusyKind.TENTATIVE, BusyKind.UNANSWERED)
A_DATE = timedelta(hours=26)
"""Two instants of one local date of whatever zone are nearer than this."""


class Circumstances(TypedDict, total=False):
    """What else an offer depends on, each left out where it does not apply.

    `kind` is one of the module's, None its own settings. `staff` is one of its team, None whoever is free.
    `ignoring` is an appointment that takes no seat: the one being rescheduled. Nor does the hold of `holder`.
    `vouched`: starts that another system offers in place of rules 1 to 6 (flows/offer_external).
    """

    kind: AppointmentKind | None
    staff: StaffMember | None
    ignoring: UUID | None
    holder: str
    vouched: Collection[int] | None


def slots(
    *, module: Module, first: date, last: date, now: datetime, **also: Unpack[Circumstances]
) -> list[datetime]:
    """The starts offered on the schedule's local dates `first` to `last`, in order, as UTC datetimes."""
    return [moment(start) for start in instants(module=module, first=first, last=last, now=now, **also)]


def instants(
    *, module: Module, first: date, last: date, now: datetime, **also: Unpack[Circumstances]
) -> list[int]:
    """As `slots`, in microseconds since 2000: for whoever looks at many."""
    found = _by_desk(module, first, last, now, **also)
    if len(found) == 1:
        return found[0][1]
    return sorted(set().union(*(starts for _, starts in found)))


def is_offered(*, module: Module, start: datetime, now: datetime, **also: Unpack[Circumstances]) -> bool:
    """Is this very start offered at this moment?"""
    return any(micros(start) in starts for _, starts in _on_the_day(module, start, now, **also))


def free_staff(*, module: Module, start: datetime, now: datetime, **also: Unpack[Circumstances]) -> list[int]:
    """Ids of the team's members for whom this very start is offered, in the team's order."""
    found = _on_the_day(module, start, now, **also)
    return [staff_id for staff_id, starts in found if staff_id and micros(start) in starts]


def last_date(module: Module, now: datetime, kind: AppointmentKind | None = None) -> date:
    """The last local date of the schedule on which anything may be offered."""
    today = now.astimezone(ZoneInfo(module.schedule.zone)).date()
    return min(rules_of(module, kind).last_date(today), today + LONGEST)


def rules_of(module: Module, kind: AppointmentKind | None = None) -> Rules:
    """The module's settings as the slot rules take them, those of `kind` before them where it has its own.

    A kind's horizon is its own as soon as it names days or months.
    """
    own = kind or module
    far = module if own.horizon_days is None and own.horizon_months is None else own
    every = module.start_every if own.start_every is None else own.start_every
    return Rules(
        duration=own.duration,
        between=module.between if own.between is None else own.between,
        start_every=every or None,
        capacity=module.capacity,
        capacity_by_weekday={
            WEEKDAYS.index(name): int(seats) for name, seats in module.capacity_by_weekday.items()
        },
        per_day=module.per_day,
        how_soon=module.how_soon if own.how_soon is None else own.how_soon,
        horizon_days=far.horizon_days,
        horizon_months=far.horizon_months,
        kind=kind.id if kind else 0,
        own_capacity=kind.capacity or 0 if kind else 0,
        own_per_day=kind.per_day or 0 if kind else 0,
    )


def _on_the_day(
    module: Module, start: datetime, now: datetime, **also: Unpack[Circumstances]
) -> list[tuple[int, list[int]]]:
    day = start.astimezone(ZoneInfo(module.schedule.zone)).date()
    return _by_desk(module, day, day, now, **also)


def _by_desk(
    module: Module, first: date, last: date, now: datetime, **also: Unpack[Circumstances]
) -> list[tuple[int, list[int]]]:
    """What each who serves visitors offers, in microseconds since 2000; by the id of the desk."""
    zone = ZoneInfo(module.schedule.zone)
    kind, vouched = also.get("kind"), also.get("vouched")
    rules = rules_of(module, kind)
    today = now.astimezone(zone).date()
    first, last = max(first, today - DAY), min(last, last_date(module, now, kind))
    if first > last:
        return []
    # what happens on a date must be known whole where dates are counted
    beside = A_DATE if rules.per_day or rules.own_per_day else timedelta(0)
    low = moment(instant_of(first, MIDNIGHT, zone)) - beside
    high = moment(instant_of(last + DAY, MIDNIGHT, zone) + rules.occupies) + beside
    wanted = wanted_between(low, high, module, now, **also)

    def offered_by(desk: Desk) -> list[int]:
        if vouched is not None:  # rule 10; what takes a person's time goes on counting
            return vouched_instants(
                starts=vouched,
                rules=rules,
                seats=desk.taken.seats,
                first=first,
                last=last,
                now=now,
                zone=zone,
                hours_zone=desk.hours.zone,
                blocked=desk.taken.blocked if desk.id else (),
            )
        return offered_instants(
            hours=desk.hours, rules=rules, first=first, last=last, now=now, taken=desk.taken, zone=zone
        )

    strict = module.unreachable_rule == Module.UnreachableRule.OFFER_NOTHING  # rule 9
    blind = strict and vouched is None
    return [(desk.id, offered_by(desk)) for desk in desks(wanted) if not (blind and desk.stale)]


def wanted_between(
    low: datetime, high: datetime, module: Module, now: datetime, **also: Unpack[Circumstances]
) -> Wanted:
    """The question for whatever stands in the way between two instants, by the module's own rules."""
    staff = also.get("staff")
    return Wanted(
        module_id=module.id,
        between=module.between,
        staff_id=staff.id if staff else None,
        kinds=[kind for kind in BusyKind if module.tentative_blocks or kind not in UNCERTAIN],
        low=low,
        high=high,
        now=now,
        oldest=now - timedelta(hours=module.mirror_age_hours),
        ignoring=also.get("ignoring"),
        holder=also.get("holder", ""),
    )
