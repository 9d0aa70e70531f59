"""Why the rules do not offer a time: said to staff before they take it all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Unpack
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from genie.core.appointment import LIVE
from genie.core.availability import Rules, Seats
from genie.core.holidays import closed, occurrences
from genie.core.hours import DAY, span_of
from genie.core.saying import said_day
from genie.core.spans import MINUTE, micros
from genie.flows.offer import Circumstances, is_offered, rules_of, wanted_between
from genie.store.models import Appointment, AppointmentKind, Hold, Module, Schedule, StaffMember, TimeOff
from genie.store.queries.holidays import holidays_of
from genie.store.queries.slots import EDGE, Desk, Wanted, busy_calendars, desks


def why_not(
    *, module: Module, start: datetime, end: datetime, now: datetime, **also: Unpack[Circumstances]
) -> list[str]:
    """Each rule that [start, end) breaks, as a sentence; none when the rules offer it.

    Of a team without `staff`, each member's reasons are said after the member's name.
    """
    if is_offered(module=module, start=start, now=now, **also):
        return []
    asked = _Asked(module=module, start=start, end=end, now=now, also=also)
    kind, staff, vouched = asked.kind, also.get("staff"), also.get("vouched")
    rules = rules_of(module, kind)
    found = desks(asked.wanted(rules))
    members = StaffMember.objects.select_related("schedule").in_bulk([desk.id for desk in found if desk.id])
    reasons = list(_too_soon_or_late(asked, rules))
    if vouched is not None and micros(start) not in vouched:
        reasons.append(f"The system that {module.name} asks for free times does not offer it.")
    if not found and staff:
        reasons.append(f"{staff.name} is not in the team of {module.name}, or is switched off.")
    for desk in found:
        whose = members.get(desk.id)
        said = [
            one
            for rule in (RULES if vouched is None else (_full,))
            for one in rule(_Here(asked, rules, desk, whose))
        ]
        reasons += [f"{whose.name}: {one}" for one in said] if whose and not staff else said
    return reasons or ["The booking rules do not offer this time."]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    module: Module
    start: datetime
    end: datetime
    now: datetime
    also: Circumstances

    @property
    def kind(self) -> AppointmentKind | None:
        return self.also.get("kind")

    def wanted(self, rules: Rules) -> Wanted:
        """What takes the very time, and the time kept free after it."""
        until = self.end + timedelta(minutes=rules.between)
        return wanted_between(self.start, until, self.module, self.now, **self.also)


@dataclass(frozen=True, slots=True)
class _Here:
    """The question, at one desk: of `whose` time, or of the module itself."""

    asked: _Asked
    rules: Rules
    desk: Desk
    whose: StaffMember | None

    @property
    def schedule(self) -> Schedule:
        return self.whose.schedule if self.whose else self.asked.module.schedule

    @property
    def zone(self) -> ZoneInfo:
        return self.desk.hours.zone

    @property
    def day(self) -> date:
        return self.asked.start.astimezone(self.zone).date()

    @property
    def until(self) -> datetime:
        return self.asked.end + timedelta(minutes=self.rules.between)

    @property
    def seated(self) -> Q:
        """Appointments and holds that take a seat at this desk."""
        beside = Q(staff=None) | Q(staff=self.whose) if self.whose else Q()
        return Q(module=self.asked.module) & beside

    @property
    def appointments(self) -> QuerySet[Appointment]:
        live = Appointment.objects.filter(state__in=LIVE).select_related("kind", "module")
        ignoring = self.asked.also.get("ignoring")
        return live if ignoring is None else live.exclude(id=ignoring)

    @property
    def holds(self) -> QuerySet[Hold]:
        kept = Hold.objects.filter(expires_at__gt=self.asked.now).exclude(
            visitor=self.asked.also.get("holder", "")
        )
        return kept.select_related("kind", "module")


def _too_soon_or_late(asked: _Asked, rules: Rules) -> Iterator[str]:
    zone = ZoneInfo(asked.module.schedule.zone)
    if asked.start <= asked.now:
        yield "This time has passed."
    elif asked.start < asked.now + timedelta(minutes=rules.how_soon):
        yield f"It is sooner than the minimum notice of {_minutes(rules.how_soon)}."
    last = rules.last_date(asked.now.astimezone(zone).date())
    if asked.start.astimezone(zone).date() > last:
        far = (
            f"{rules.horizon_days} days"
            if rules.horizon_days is not None
            else f"{rules.horizon_months} months"
        )
        yield f"It is further ahead than the {far} that can be booked."


def _closed(here: _Here) -> Iterator[str]:
    hours, start, end = here.desk.hours, here.asked.start, here.asked.end
    openings = hours.openings(first=here.day - 2 * DAY, last=here.day + DAY)
    around = openings.between(micros(start), micros(start) + 1)
    if not around or around[0][1] < micros(end):
        open_then = ", ".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in hours.on(here.day))
        said = f"open {open_then}" if open_then else "closed"
        on = said_day(start, here.zone.key, now=here.asked.now)
        yield f"It is outside the opening hours ({on}: {said})."
    elif (micros(start) - around[0][0]) % (here.rules.step * MINUTE):
        wall = f"{start.astimezone(here.zone):%H:%M}"
        yield f"Visits start every {_minutes(here.rules.step)}; {wall} is between two starts."


def _holiday(here: _Here) -> Iterator[str]:
    first, last = (here.asked.start - EDGE).date(), (here.until + EDGE).date()
    holidays = holidays_of([here.schedule.id], first=first, last=last)[here.schedule.id]
    for day, holiday in occurrences(holidays, first=first, last=last, besides=here.desk.hours.overrides):
        if closed([holiday], zone=here.zone, first=day, last=day).between(
            micros(here.asked.start), micros(here.until)
        ):
            yield f"It meets a holiday ({holiday.title})." if holiday.title else "It meets a holiday."


def _time_off(here: _Here) -> Iterator[str]:
    met = TimeOff.objects.filter(schedule=here.schedule, start__lt=here.until, end__gt=here.asked.start)
    for off in met[:1]:
        yield f"It meets time off ({off.title})." if off.title else "It meets time off."


def _busy(here: _Here) -> Iterator[str]:
    for name in busy_calendars(here.asked.wanted(here.rules), desk_id=here.desk.id):
        yield f"The calendar {name} is busy then."


def _elsewhere(here: _Here) -> Iterator[str]:
    """A staff member's appointments and holds in other modules."""
    if here.whose is None:
        return
    theirs = Q(staff=here.whose) & ~Q(module=here.asked.module) & _near(here)
    appointments, holds = list(here.appointments.filter(theirs)), list(here.holds.filter(theirs))
    if _meets(here, appointments):
        yield f"There is an appointment in {appointments[0].module.name} then."
    elif _meets(here, holds):
        yield f"Somebody is booking that time in {holds[0].module.name} at this moment."


def _full(here: _Here) -> Iterator[str]:
    near = here.seated & _near(here)
    appointments, holds = list(here.appointments.filter(near)), list(here.holds.filter(near))
    capacity = here.rules.capacity_on(here.day)
    if capacity <= 0:
        yield "No place is given on that weekday."
    elif _meets(here, appointments, capacity):
        strict = _meets(here, appointments, capacity, limits=False)
        if capacity == 1 and strict:
            yield "Another appointment takes this time."
        elif strict:
            yield f"All {capacity} places are taken then."
        else:
            yield "An appointment that takes no more beside it runs then."
    elif _meets(here, [*appointments, *holds], capacity):
        yield "Somebody is booking that time at this moment; it is kept for some minutes."


def _per_day(here: _Here) -> Iterator[str]:
    kind = here.asked.kind
    on = said_day(here.asked.start, here.zone.key, now=here.asked.now)
    if here.rules.per_day and _on_date(here, here.seated) >= here.rules.per_day:
        yield f"The limit of {here.rules.per_day} appointments a day is reached on {on}."
    if (
        kind
        and here.rules.own_per_day
        and _on_date(here, here.seated & Q(kind=kind)) >= here.rules.own_per_day
    ):
        yield f"The limit of {here.rules.own_per_day} a day of {kind.name} is reached on {on}."


def _blind(here: _Here) -> Iterator[str]:
    module = here.asked.module
    if here.desk.stale and module.unreachable_rule == Module.UnreachableRule.OFFER_NOTHING:
        yield f"A calendar that {module.name} looks at could not be read for too long, so nothing is offered."


RULES: tuple[Callable[[_Here], Iterator[str]], ...] = (
    _closed,
    _holiday,
    _time_off,
    _busy,
    _elsewhere,
    _full,
    _per_day,
    _blind,
)


def _near(here: _Here) -> Q:
    """So wide that the time kept free after an earlier one is in; `_occupied` is exact."""
    return Q(start__lt=here.until, end__gt=here.asked.start - timedelta(days=31))


def _meets(
    here: _Here,
    taken: Sequence[Appointment | Hold],
    capacity: int = 1,
    *,
    limits: bool = True,
) -> bool:
    """Do so many of `taken` run at once within the time asked for, or what one of them allows?"""
    starts = [micros(one.start) for one in taken]
    untils = [micros(one.end) + _kept_free(one) * MINUTE for one in taken]
    mosts = [(one.kind.capacity if one.kind and limits else None) or 0 for one in taken]
    full = Seats(starts, untils, [0] * len(taken), mosts).full(capacity)
    return bool(full.between(micros(here.asked.start), micros(here.until)))


def _kept_free(one: Appointment | Hold) -> int:
    own = one.kind.between if one.kind else None
    return one.module.between if own is None else own


def _on_date(here: _Here, which: Q) -> int:
    begins, ends = span_of(here.day, here.day, here.zone)
    on = which & Q(start__gte=begins, start__lt=ends)
    return here.appointments.filter(on).count() + here.holds.filter(on).count()


def _minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if minutes >= 1440 and minutes % 1440 == 0:
        days = minutes // 1440
        return f"{days} day{'s' if days > 1 else ''}"
    if hours and not rest:
        return f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{minutes} minutes"
