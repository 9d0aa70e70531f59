"""Offer slots: what the rules of core/availability give for a module, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from genie.core.appointment import LIVE
from genie.core.availability import Rules, Seats, Taken, offered
from genie.core.event import BusyKind
from genie.core.holidays import closed
from genie.core.hours import Hours, Range
from genie.core.spans import Covered, Span, micros
from genie.store.models import (
    Appointment,
    AppointmentKind,
    DateOverride,
    Module,
    OpeningHours,
    RemoteCalendar,
    StaffMember,
    TimeOff,
)
from genie.store.models.schedule import WEEKDAYS
from genie.store.queries.busy import busy_stretches
from genie.store.queries.holidays import holidays_of

LONGEST = timedelta(days=732)
"""No horizon reaches further than two years: what a schedule says of later is a guess."""

UNCERTAIN = (BusyKind.TENTATIVE, BusyKind.UNANSWERED)


def slots(
    *,
    module: Module,
    first: date,
    last: date,
    now: datetime,
    kind: AppointmentKind | None = None,
    staff: StaffMember | None = None,
    ignoring: UUID | None = None,
    holder: str = "",
) -> list[datetime]:
    """The starts offered on the schedule's local dates `first` to `last`, in order, as UTC datetimes.

    `kind` is one of the module's, None its own settings. `staff` is one of its team, None whoever is free.
    `ignoring` is an appointment that takes no seat: the one being rescheduled. Nor does the hold of `holder`.
    """
    zone = ZoneInfo(module.schedule.zone)
    rules = rules_of(module, kind)
    today = now.astimezone(zone).date()
    first, last = max(first, today - timedelta(days=1)), min(last, last_date(module, now, kind))
    if first > last or is_blind(module, now):
        return []
    # two days to each side reach every zone, and what runs over the edges
    start = datetime.combine(first, time(), UTC) - timedelta(days=2)
    end = datetime.combine(last, time(), UTC) + timedelta(days=2, minutes=rules.duration + rules.between)
    hours = hours_of(module, zone, start.date() - timedelta(days=10), end.date() + timedelta(days=2))
    # a date with hours of its own is open then, holiday or not (decision 0083)
    holidays = holidays_of([module.schedule_id], first=start.date(), last=end.date())[module.schedule_id]
    shut = closed(holidays, zone=zone, first=start.date(), last=end.date(), besides=hours.overrides)
    return offered(
        hours=hours,
        rules=rules,
        taken=_taken(module, start, end, ignoring, shut),
        first=first,
        last=last,
        now=now,
    )


def is_offered(
    *,
    module: Module,
    start: datetime,
    now: datetime,
    kind: AppointmentKind | None = None,
    staff: StaffMember | None = None,
    ignoring: UUID | None = None,
    holder: str = "",
) -> bool:
    """Is this very start offered at this moment? The rest as of `slots`."""
    day = start.astimezone(ZoneInfo(module.schedule.zone)).date()
    return start in slots(
        module=module,
        first=day,
        last=day,
        now=now,
        kind=kind,
        staff=staff,
        ignoring=ignoring,
        holder=holder,
    )


def free_staff(
    *,
    module: Module,
    start: datetime,
    now: datetime,
    kind: AppointmentKind | None = None,
    ignoring: UUID | None = None,
    holder: str = "",
) -> list[int]:
    """Ids of the team's members for whom this very start is offered, in the team's order."""
    team = StaffMember.objects.filter(teams__module=module, active=True).order_by(
        "teams__position", "teams__id"
    )
    return [
        member.id
        for member in team
        if is_offered(
            module=module, start=start, now=now, kind=kind, staff=member, ignoring=ignoring, holder=holder
        )
    ]


def last_date(module: Module, now: datetime, kind: AppointmentKind | None = None) -> date:
    """The last local date of the schedule on which anything may be offered."""
    today = now.astimezone(ZoneInfo(module.schedule.zone)).date()
    return min(rules_of(module, kind).last_date(today), today + LONGEST)


def rules_of(module: Module, kind: AppointmentKind | None = None) -> Rules:
    """The module's settings as the slot rules take them, those of `kind` before them where it has its own.

    A kind's horizon is its own as soon as it names days or months.
    """
    own = kind or AppointmentKind(duration=module.duration)
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
    )


def hours_of(module: Module, zone: ZoneInfo, first: date, last: date) -> Hours:
    """The schedule's weekly hours, and what replaces them on the dates `first` to `last`."""
    weekly: dict[int, list[Range]] = {}
    for weekday, opens, closes in OpeningHours.objects.filter(schedule=module.schedule_id).values_list(
        "weekday", "opens", "closes"
    ):
        weekly.setdefault(weekday, []).append((opens, closes))
    overrides: dict[date, list[Range]] = {}
    for override in DateOverride.objects.filter(schedule=module.schedule_id, date__range=(first, last)):
        ranges = overrides.setdefault(override.date, [])
        if override.opens is not None and override.closes is not None:
            ranges.append((override.opens, override.closes))
    return Hours(zone, weekly, overrides)


def _taken(module: Module, start: datetime, end: datetime, ignoring: UUID | None, shut: Covered) -> Taken:
    kinds = [kind for kind in BusyKind if module.tentative_blocks or kind not in UNCERTAIN]
    busy = busy_stretches(
        module_id=module.id,
        schedule_id=module.schedule_id,
        kinds=kinds,
        start=start,
        end=end,
        ignoring=ignoring,
    )
    time_off = TimeOff.objects.filter(schedule=module.schedule_id, start__lt=end, end__gt=start)
    live = Appointment.objects.filter(module=module, state__in=LIVE, start__lt=end, end__gt=start)
    if ignoring is not None:
        live = live.exclude(id=ignoring)
    return Taken(
        blocked=[
            Covered(*zip(*busy, strict=True)) if busy else Covered(),
            Covered.by(_in_micros(time_off.values_list("start", "end"))),
            shut,
        ],
        seats=Seats.of((Span(*span) for span in live.values_list("start", "end")), between=module.between),
    )


def _in_micros(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[int, int]]:
    return [(micros(start), micros(end)) for start, end in spans]


def is_blind(module: Module, now: datetime) -> bool:
    """Rule 9: has a calendar not been read for so long that the module would rather offer nothing?"""
    if module.unreachable_rule != Module.UnreachableRule.OFFER_NOTHING:
        return False
    too_old = now - timedelta(hours=module.mirror_age_hours)
    return (
        RemoteCalendar.objects.filter(
            Q(availability_of__schedule=module.schedule_id)
            | Q(connections__module=module, connections__state="linked")
        )
        .filter(Q(read_at=None) | Q(read_at__lt=too_old))
        .exists()
    )
