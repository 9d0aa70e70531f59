"""Why the rules do not offer a time: said to staff before they take it all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from genie.core.appointment import LIVE
from genie.core.availability import Rules, Seats
from genie.core.event import BusyKind
from genie.core.hours import DAY, MIDNIGHT, instant_of
from genie.core.saying import said_day
from genie.core.spans import MINUTE, Span, micros, moment
from genie.flows.offer import UNCERTAIN, hours_of, is_blind, is_offered, rules_of
from genie.store.models import Appointment, Module, TimeOff
from genie.store.queries.busy import busy_stretches


def why_not(
    *, module: Module, start: datetime, end: datetime, now: datetime, ignoring: UUID | None = None
) -> list[str]:
    """Each rule that [start, end) breaks, as a sentence; none when the rules offer it.

    `ignoring` is the appointment being moved: it does not stand in its own way.
    """
    if is_offered(module=module, start=start, now=now, ignoring=ignoring):
        return []
    rules = rules_of(module)
    reasons = [
        *_too_soon_or_late(module, rules, start, now),
        *_closed(module, rules, start, end, now),
        *_blocked(module, rules, start, end, ignoring),
        *_full(module, rules, start, end, ignoring),
    ]
    if is_blind(module, now):
        reasons.append(
            f"A calendar that {module.name} looks at could not be read for too long, so nothing is offered."
        )
    return reasons or ["The booking rules do not offer this time."]


def _too_soon_or_late(module: Module, rules: Rules, start: datetime, now: datetime) -> Iterator[str]:
    zone = ZoneInfo(module.schedule.zone)
    if start <= now:
        yield "This time has passed."
    elif start < now + timedelta(minutes=rules.how_soon):
        yield f"It is sooner than the minimum notice of {_minutes(rules.how_soon)}."
    last = rules.last_date(now.astimezone(zone).date())
    if start.astimezone(zone).date() > last:
        far = (
            f"{rules.horizon_days} days"
            if rules.horizon_days is not None
            else f"{rules.horizon_months} months"
        )
        yield f"It is further ahead than the {far} that can be booked."


def _closed(module: Module, rules: Rules, start: datetime, end: datetime, now: datetime) -> Iterator[str]:
    zone = ZoneInfo(module.schedule.zone)
    day = start.astimezone(zone).date()
    hours = hours_of(module, zone, day - 2 * DAY, day + DAY)
    openings = hours.openings(first=day - 2 * DAY, last=day + DAY)
    around = openings.between(micros(start), micros(start) + 1)
    if not around or around[0][1] < micros(end):
        open_then = ", ".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in hours.on(day))
        said = f"open {open_then}" if open_then else "closed"
        yield f"It is outside the opening hours ({said_day(start, module.schedule.zone, now=now)}: {said})."
    elif (micros(start) - around[0][0]) % (rules.step * MINUTE):
        wall = f"{start.astimezone(zone):%H:%M}"
        yield f"Visits start every {_minutes(rules.step)}; {wall} is between two starts."


def _blocked(
    module: Module, rules: Rules, start: datetime, end: datetime, ignoring: UUID | None
) -> Iterator[str]:
    until = end + timedelta(minutes=rules.between)
    for off in TimeOff.objects.filter(schedule=module.schedule_id, start__lt=until, end__gt=start)[:1]:
        yield f"It meets time off ({off.title})." if off.title else "It meets time off."
    kinds = [kind for kind in BusyKind if module.tentative_blocks or kind not in UNCERTAIN]
    if busy_stretches(
        module_id=module.id,
        schedule_id=module.schedule_id,
        kinds=kinds,
        start=start,
        end=until,
        ignoring=ignoring,
    ):
        yield "A connected calendar is busy then."


def _full(
    module: Module, rules: Rules, start: datetime, end: datetime, ignoring: UUID | None
) -> Iterator[str]:
    zone = ZoneInfo(module.schedule.zone)
    day = start.astimezone(zone).date()
    between = timedelta(minutes=rules.between)
    live = Appointment.objects.filter(module=module, state__in=LIVE)
    if ignoring is not None:
        live = live.exclude(id=ignoring)
    near = live.filter(start__lt=end + between, end__gt=start - between).values_list("start", "end")
    met = Seats.of((Span(max(a, start), min(b, end) + between) for a, b in near))
    capacity = rules.capacity_on(day)
    if met.crowd(max(capacity, 1)).starts or capacity <= 0:
        yield (
            "Another appointment takes this time."
            if capacity == 1
            else f"All {capacity} places are taken then."
        )
    if rules.per_day and _on_date(live, zone, day) >= rules.per_day:
        yield f"The limit of {rules.per_day} appointments a day is reached on {said_day(start, str(zone))}."


def _on_date(live: QuerySet[Appointment], zone: ZoneInfo, day: date) -> int:
    begins, ends = instant_of(day, MIDNIGHT, zone), instant_of(day + DAY, MIDNIGHT, zone)
    return live.filter(start__gte=moment(begins), start__lt=moment(ends)).count()


def _minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if minutes >= 1440 and minutes % 1440 == 0:
        days = minutes // 1440
        return f"{days} day{'s' if days > 1 else ''}"
    if hours and not rest:
        return f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{minutes} minutes"
