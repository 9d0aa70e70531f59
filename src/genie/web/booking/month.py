"""The month a visitor looks at: days with something free, and the times of the chosen day, in their zone."""

from __future__ import annotations

from calendar import Calendar
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from genie.core.hours import DAY, LocalDates
from genie.core.spans import moment
from genie.flows.offer import instants, last_date
from genie.store.models import AppointmentKind, Module, StaffMember
from genie.web.vouched import vouched_for

MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August"]
MONTHS += ["September", "October", "November", "December"]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@dataclass(frozen=True, slots=True)
class Day:
    """One cell. `free` counts the starts offered; days of other months are not `inside`."""

    date: date
    inside: bool
    free: int
    chosen: bool
    today: bool

    @property
    def said(self) -> str:
        return f"{said_date(self.date)}, {self.free} {'time' if self.free == 1 else 'times'} free"


@dataclass(frozen=True, slots=True)
class Time:
    start: datetime
    label: str

    @property
    def instant(self) -> str:
        return as_instant(self.start)


@dataclass(frozen=True, slots=True)
class Month:
    first: date
    weeks: Sequence[Sequence[Day]]
    earlier: date | None
    later: date | None
    chosen: date | None
    times: Sequence[Time]

    @property
    def title(self) -> str:
        return f"{MONTHS[self.first.month - 1]} {self.first.year}"

    @property
    def chosen_said(self) -> str:
        return said_date(self.chosen) if self.chosen else ""

    @property
    def anything(self) -> bool:
        return any(day.free for week in self.weeks for day in week)


def month_of(
    *,
    module: Module,
    zone: ZoneInfo,
    now: datetime,
    wanted: date | None = None,
    chosen: date | None = None,
    kind: AppointmentKind | None = None,
    staff: StaffMember | None = None,
    ignoring: UUID | None = None,
    holder: str = "",
) -> Month:
    """The month of `chosen` or `wanted`, kept within what can be booked; with neither, the first that has
    something free. Dates are the visitor's, in `zone`. Without a chosen day it is the first free one. The
    rest as of `flows.offer.slots`.
    """
    today = now.astimezone(zone).date()
    end = last_date(module, now, kind) + DAY  # the visitor's date may be a day ahead of the schedule's
    asked = chosen or wanted
    first = month_start(min(max(asked, today), max(end, today))) if asked else None
    since, until = (first - DAY, _month_end(first) + DAY) if first else (today - DAY, end)
    starts = instants(
        module=module,
        first=since,
        last=until,
        now=now,
        kind=kind,
        staff=staff,
        ignoring=ignoring,
        holder=holder,
        vouched=vouched_for(module, since, until, kind=kind, staff=staff),
    )
    by_date = LocalDates.of(zone, first=since, last=until).by_date(starts, first=since, last=until)
    if first is None:
        first = month_start(min(by_date, default=today))
    free = sorted(day for day in by_date if month_start(day) == first)
    if chosen is None or month_start(chosen) != first:
        chosen = free[0] if free else None
    return Month(
        first=first,
        weeks=_weeks(first, by_date, chosen, today),
        earlier=month_start(first - DAY) if first > today else None,
        later=_month_end(first) + DAY if _month_end(first) < end else None,
        chosen=chosen,
        times=times_of([moment(at) for at in by_date.get(chosen, [])] if chosen else [], zone),
    )


def times_of(starts: Sequence[datetime], zone: ZoneInfo) -> list[Time]:
    """As *09:30*; with the offset where the clocks show the same time twice that day."""
    local = [start.astimezone(zone) for start in starts]
    seen = Counter(f"{start:%H:%M}" for start in local)
    return [
        Time(start, label if seen[label] == 1 else f"{label} (UTC{here.isoformat()[-6:]})")
        for start, here in zip(starts, local, strict=True)
        for label in (f"{here:%H:%M}",)
    ]


def said_date(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def as_instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def month_start(day: date) -> date:
    return day.replace(day=1)


def _month_end(first: date) -> date:
    return month_start(first + timedelta(days=31)) - DAY


def _weeks(
    first: date, by_date: Mapping[date, Sequence[int]], chosen: date | None, today: date
) -> list[list[Day]]:
    return [
        [
            Day(
                date=day,
                inside=day.month == first.month,
                free=len(by_date.get(day, [])) if day.month == first.month else 0,
                chosen=day == chosen,
                today=day == today,
            )
            for day in week
        ]
        for week in Calendar().monthdatescalendar(first.year, first.month)
        if week[-1] >= today  # weeks that are over would only push the times down
    ]
