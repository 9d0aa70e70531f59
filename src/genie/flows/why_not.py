"""Why the rules do not offer a time: said to staff before they take it all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Unpack
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from genie.core.appointment import LIVE
from genie.core.availability import Rules, Seats, offered_instants
from genie.core.event import BusyKind
from genie.core.holidays import closed, occurrences
from genie.core.hours import DAY, span_of
from genie.core.saying import said_day, said_moment, said_span
from genie.core.spans import MINUTE, micros
from genie.flows.offer import Circumstances, is_offered, last_date, rules_of, wanted_between
from genie.store.models import Appointment, AppointmentKind, Hold, Module, Schedule, StaffMember, TimeOff
from genie.store.queries.holidays import holidays_of
from genie.store.queries.proposed import Proposed, proposed
from genie.store.queries.slots import EDGE, Desk, Wanted, busy_events, desks, unread_calendars


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """What stands against a time. `of_all` holds for whoever it would be with, `of_each` for one staff member
    (None: the module itself, which has no team)."""

    of_all: list[str]
    of_each: list[tuple[StaffMember | None, list[str]]]

    @property
    def none(self) -> bool:
        """Nothing stands against it for at least one of them: it is offered."""
        return not self.of_all and any(not said for _, said in self.of_each)


def why_not(
    *, module: Module, start: datetime, end: datetime, now: datetime, **also: Unpack[Circumstances]
) -> list[str]:
    """Each rule that [start, end) breaks, as a sentence; none when the rules offer it.

    Of a team without `staff`, each member's reasons are said after the member's name.
    """
    if is_offered(module=module, start=start, now=now, **also):
        return []
    found = reasons_against(module=module, start=start, end=end, now=now, **also)
    named = bool(also.get("staff"))
    said = [
        f"{whose.name}: {one}" if whose and not named else one
        for whose, reasons in found.of_each
        for one in reasons
    ]
    return [*found.of_all, *said] or ["The booking rules do not offer this time."]


def reasons_against(
    *, module: Module, start: datetime, end: datetime, now: datetime, **also: Unpack[Circumstances]
) -> Reasons:
    """Each rule that stands against [start, end), asked one by one; `end` is not before the kind's own."""
    staff, vouched = also.get("staff"), also.get("vouched")
    rules = rules_of(module, also.get("kind"))
    end = max(end, start + timedelta(minutes=rules.duration))
    asked = _Asked(module=module, start=start, end=end, now=now, also=also)
    found = desks(asked.wanted(rules))
    of_all = list(_too_soon_or_late(asked, rules))
    if vouched is not None and micros(start) not in vouched:
        of_all.append(f"The system that {module.name} asks for free times does not offer it.")
    if not found:
        name = staff.name if staff else "Nobody"
        of_all.append(f"{name} is not in the team of {module.name}, or is switched off.")
    members = StaffMember.objects.select_related("schedule").in_bulk([desk.id for desk in found if desk.id])
    of_each = []
    for desk in found:
        whose = members.get(desk.id)
        asks = RULES if vouched is None else WHOSE_TIME if whose else (_full,)
        here = _Here(asked, rules, desk, whose)
        of_each.append((whose, [one for rule in asks for one in rule(here)]))
    return Reasons(of_all=of_all, of_each=of_each)


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

    def proposed(self, low: datetime, high: datetime) -> list[_Proposed]:
        """Times that calendars propose for appointments of the module, or of the person wherever."""
        found = proposed(
            module_id=self.asked.module.id,
            staff_id=self.whose.id if self.whose else None,
            low=low,
            high=high,
            ignoring=self.asked.also.get("ignoring"),
        )
        modules = Module.objects.in_bulk({one.module_id for one in found})
        kinds = AppointmentKind.objects.in_bulk({one.kind_id for one in found if one.kind_id})
        return [_Proposed(one, modules[one.module_id], kinds.get(one.kind_id or 0)) for one in found]

    def proposed_here(self, low: datetime, high: datetime) -> list[_Proposed]:
        """Those that take a seat at this desk."""
        return [
            one
            for one in self.proposed(low, high)
            if one.module == self.asked.module
            and (self.whose is None or one.of.staff_id in (None, self.whose.id))
        ]


@dataclass(frozen=True, slots=True)
class _Proposed:
    """A time that a calendar's owner gave an appointment and it has not taken yet."""

    of: Proposed
    module: Module
    kind: AppointmentKind | None

    @property
    def start(self) -> datetime:
        return self.of.start

    @property
    def end(self) -> datetime:
        return self.of.end


def _too_soon_or_late(asked: _Asked, rules: Rules) -> Iterator[str]:
    zone = asked.module.schedule.zone
    first = asked.now + timedelta(minutes=rules.how_soon)
    if asked.start < asked.now:
        yield "This time has passed."
    elif asked.start < first:
        begins = said_moment(first, zone, asked.now)
        notice = _minutes(rules.how_soon)
        yield f"It is sooner than the minimum notice of {notice}: nothing starts before {begins}."
    last = last_date(asked.module, asked.now, asked.kind)
    if asked.start.astimezone(ZoneInfo(zone)).date() > last:
        midday = datetime.combine(last, time(12), ZoneInfo(zone))
        ends = said_day(midday, zone, now=asked.now)
        yield f"It is further ahead than the {_far(rules)} that can be booked: the last date is {ends}."


def _far(rules: Rules) -> str:
    if rules.horizon_days is not None:
        return f"{rules.horizon_days} day{'' if rules.horizon_days == 1 else 's'}"
    if rules.horizon_months is not None:
        return f"{rules.horizon_months} month{'' if rules.horizon_months == 1 else 's'}"
    return "two years"


def _closed(here: _Here) -> Iterator[str]:
    hours, start, end = here.desk.hours, here.asked.start, here.asked.end
    openings = hours.openings(first=here.day - 2 * DAY, last=end.astimezone(here.zone).date() + 2 * DAY)
    around = openings.between(micros(start), micros(start) + 1)
    if not around or around[0][1] < micros(end):
        open_then = ", ".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in hours.on(here.day))
        said = f"open {open_then}" if open_then else "closed"
        on = said_day(start, here.zone.key, now=here.asked.now)
        yield f"It is outside the opening hours ({on}: {said})."
    elif not _on_the_grid(here):
        wall = f"{start.astimezone(here.zone):%H:%M}"
        yield f"Visits start every {_minutes(here.rules.step)}; {wall} is between two starts."


def _on_the_grid(here: _Here) -> bool:
    """Would the hours alone offer it? As the rules themselves walk them: where a day and night opening begins
    its steps is theirs to say."""
    hours, day, start = here.desk.hours, here.day, here.asked.start
    rules = Rules(duration=here.rules.duration, start_every=here.rules.step)
    return micros(start) in offered_instants(hours=hours, rules=rules, first=day, last=day, now=start)


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
    name = here.asked.module.name
    for event in busy_events(here.asked.wanted(here.rules), desk_id=here.desk.id):
        when = said_span(event.start, event.end, here.zone.key, now=here.asked.now, place=False)
        what = "an all-day event" if event.all_day else "an event"
        match event.kind:
            case BusyKind.TENTATIVE:
                also = f", marked tentative, and {name} counts tentative events as busy"
            case BusyKind.UNANSWERED:
                also = f", an invitation without an answer, and {name} counts these as busy"
            case BusyKind.OUT_OF_OFFICE:
                also = ", marked out of office"
            case _:
                also = ""
        yield f"The calendar {event.calendar} is busy then: {what}, {when}{also}."


def _elsewhere(here: _Here) -> Iterator[str]:
    """A staff member's appointments and holds in other modules."""
    if here.whose is None:
        return
    theirs = Q(staff=here.whose) & ~Q(module=here.asked.module) & _near(here)
    appointments, holds = list(here.appointments.filter(theirs)), list(here.holds.filter(theirs))
    for one in appointments:
        if _meets(here, [one]):
            yield f"There is an appointment in {one.module.name} then."
            return
    for wish in here.proposed(here.asked.start, here.until):
        if wish.module != here.asked.module and _meets(here, [wish]):
            yield f"An appointment in {wish.module.name} may move there: that is not decided yet."
            return
    for hold in holds:
        if _meets(here, [hold]):
            yield f"Somebody is booking that time in {hold.module.name} at this moment."
            return


def _full(here: _Here) -> Iterator[str]:
    near = here.seated & _near(here)
    appointments, holds = list(here.appointments.filter(near)), list(here.holds.filter(near))
    wishes = here.proposed_here(here.asked.start, here.until)
    capacity = here.rules.capacity_on(here.day)
    if capacity <= 0:
        yield "No place is given on that weekday."
    elif _meets(here, appointments, capacity):
        strict = _meets(here, appointments, capacity, limits=False)
        if capacity == 1 and strict:
            yield _taken_by(here, next(one for one in appointments if _meets(here, [one])))
        elif strict:
            yield f"All {capacity} places are taken then."
        else:
            yield "An appointment that takes no more beside it runs then."
    elif _meets(here, [*appointments, *wishes], capacity):
        wish = next((one for one in wishes if _meets(here, [one])), wishes[0])
        when = said_span(wish.start, wish.end, here.zone.key, now=here.asked.now, place=False)
        yield f"Another appointment may move there ({when}): that is not decided yet."
    elif _meets(here, [*appointments, *wishes, *holds], capacity):
        yield "Somebody is booking that time at this moment; it is kept for some minutes."


def _taken_by(here: _Here, one: Appointment) -> str:
    """Which of the two reaches into the other: the visit itself, or the time kept free after it."""
    when = said_span(one.start, one.end, here.zone.key, now=here.asked.now, place=False)
    if one.start >= here.asked.end:
        free = _minutes(here.rules.between)
        return f"The {free} kept free after it would meet another appointment ({when})."
    if one.end <= here.asked.start:
        free = _minutes(_kept_free(one))
        return f"The {free} kept free after another appointment ({when}) reach into it."
    return f"Another appointment takes this time ({when})."


def _per_day(here: _Here) -> Iterator[str]:
    kind = here.asked.kind
    on = said_day(here.asked.start, here.zone.key, now=here.asked.now)
    if here.rules.per_day and _on_date(here) >= here.rules.per_day:
        yield f"The limit of {here.rules.per_day} appointments a day is reached on {on}."
    if kind and here.rules.own_per_day and _on_date(here, kind) >= here.rules.own_per_day:
        yield f"The limit of {here.rules.own_per_day} a day of {kind.name} is reached on {on}."


def _blind(here: _Here) -> Iterator[str]:
    module, zone = here.asked.module, here.zone.key
    if not here.desk.stale or module.unreachable_rule != Module.UnreachableRule.OFFER_NOTHING:
        return
    for name, read_at in unread_calendars(here.asked.wanted(here.rules), desk_id=here.desk.id):
        since = f"since {said_moment(read_at, zone, here.asked.now)}" if read_at else "yet"
        after = _minutes(module.mirror_age_hours * 60)
        yield f"The calendar {name} was not read {since}. After {after} {module.name} offers nothing."


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
WHOSE_TIME = (_holiday, _time_off, _busy, _elsewhere, _full)
"""What goes on counting at a staff member where another system offers the times (rule 10)."""


def _near(here: _Here) -> Q:
    """So wide that the time kept free after an earlier one is in; `_occupied` is exact."""
    return Q(start__lt=here.until, end__gt=here.asked.start - timedelta(days=31))


def _meets(
    here: _Here,
    taken: Sequence[Appointment | Hold | _Proposed],
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


def _kept_free(one: Appointment | Hold | _Proposed) -> int:
    own = one.kind.between if one.kind else None
    return one.module.between if own is None else own


def _on_date(here: _Here, kind: AppointmentKind | None = None) -> int:
    """Appointments, holds and proposed times of that date; with `kind`, of that one."""
    begins, ends = span_of(here.day, here.day, here.zone)
    on = here.seated & Q(start__gte=begins, start__lt=ends) & (Q(kind=kind) if kind else Q())
    wishes = [
        one
        for one in here.proposed_here(begins, ends)
        if begins <= one.start < ends and kind in (None, one.kind)
    ]
    return here.appointments.filter(on).count() + here.holds.filter(on).count() + len(wishes)


def _minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if minutes >= 1440 and minutes % 1440 == 0:
        days = minutes // 1440
        return f"{days} day{'s' if days > 1 else ''}"
    if hours and not rest:
        return f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{minutes} minutes"
