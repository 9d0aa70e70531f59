"""How an event takes time: free or busy, and each occurrence of a series with its exceptions (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import chain

from genie.core.errors import Malformed
from genie.core.event import Busy, BusyKind
from genie.providers.ical.lines import Component
from genie.providers.ical.recurrence import OCCURRENCES, occurrences
from genie.providers.ical.times import (
    DAY,
    Entry,
    Moment,
    Setting,
    duration_of,
    instant_of,
    moment_of,
    span_of,
)
from genie.providers.port import Window

COUNTS = (
    *("UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE"),
    *("STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS"),
)
"""What an event's busy time hangs on. Some servers write a new DTSTAMP into each event at each request."""

NEVER_BUSY = ("FREE", "WORKINGELSEWHERE")
"""Of the property that says it in more words than TRANSP does (MS-OXCICAL)."""


def busy_of(entry: Entry, start: Moment, end: datetime, window: Window) -> tuple[tuple[Busy, ...], str]:
    """Busy occurrences that touch the window, and what is wrong with them, if anything is.

    `start` and `end` are the master's own (`times.span_of`).
    """
    kind = busy_kind(entry.master, entry.setting)
    if not entry.repeats:
        return (tuple(within(window, start, end, kind)) if kind else ()), ""
    found: list[Busy] = []
    problem = ""
    try:
        for busy in chain(override_busy(entry, window), series_busy(entry, kind, start, end, window)):
            if len(found) == OCCURRENCES:
                problem = f"This event occurs more than {OCCURRENCES} times; only the first ones are kept."
                break
            found.append(busy)
    except Malformed as fault:
        problem = str(fault)
    except OverflowError:
        problem = "This event's dates lie outside of all calendars."
    return tuple(sorted(found, key=lambda busy: (busy.start, busy.end))), problem


def unknown_zone_problem(entry: Entry) -> str:
    """What to say of times whose zone nobody knows; "" if all are known."""
    if not entry.unknown_zone:
        return ""
    name = entry.unknown_zone if len(entry.unknown_zone) <= 60 else f"{entry.unknown_zone[:59]}…"
    return f"This event's time zone ({name}) is not known. Choose one that is named after a city there."


def busy_kind(event: Component, setting: Setting) -> BusyKind | None:
    """How the event takes time; None if it takes none: free, elsewhere, cancelled, declined. Out of office is
    sure, whatever was answered (docs/times.md, *What takes time*)."""
    shown = event.value("X-MICROSOFT-CDO-BUSYSTATUS").upper()
    answer = own_answer(event, setting)
    status = event.value("STATUS").upper()
    if (
        event.value("TRANSP").upper() == "TRANSPARENT"
        or shown in NEVER_BUSY
        or status == "CANCELLED"
        or answer == "DECLINED"
    ):
        return None
    if shown == "OOF":
        return BusyKind.OUT_OF_OFFICE
    if answer == "NEEDS-ACTION":
        return BusyKind.UNANSWERED
    return BusyKind.TENTATIVE if "TENTATIVE" in (answer, status, shown) else BusyKind.BUSY


def own_answer(event: Component, setting: Setting) -> str:
    """The owner's own PARTSTAT, "" if they are not among the attendees."""
    for attendee in event.lines("ATTENDEE"):
        addresses = {mailbox(attendee.value), mailbox(attendee.parameter("EMAIL"))}
        if addresses & setting.addresses:
            return attendee.parameter("PARTSTAT").upper() or "NEEDS-ACTION"
    return ""


def mailbox(value: str) -> str:
    return value.strip().lower().removeprefix("mailto:")


def within(window: Window, start: Moment, end: datetime, kind: BusyKind) -> Iterator[Busy]:
    began = start.instant
    if began < window.end and end > window.start and end > began:
        yield Busy(began, end, kind, start.all_day)


def override_busy(entry: Entry, window: Window) -> Iterator[Busy]:
    """Occurrences that stand for themselves: moved, renamed or made free apart from their series."""
    alone = [entry.master] if entry.master.has("RECURRENCE-ID") else []  # single occurrences, no series
    near = near_window(window)
    for override in alone + entry.overrides:
        if near.leaves_out(override):
            continue
        kind = busy_kind(override, entry.setting)
        if kind:
            yield from within(window, *span_of(entry, override), kind)


def series_busy(
    entry: Entry, kind: BusyKind | None, start: Moment, end: datetime, window: Window
) -> Iterator[Busy]:
    """The series' own occurrences, without those that an override replaces."""
    if entry.master.has("RECURRENCE-ID"):
        return
    own = Course(start.wall, timedelta(0), length(entry, start, end), kind)
    courses = [own, *later_courses(entry, start)]
    if all(course.kind is None for course in courses):
        return
    span = walls_of(window, start.rules, courses)
    left_out = Exclusions(entry, span, start.rules)
    simple = len(courses) == 1
    for wall, lasts in series_walls(entry, start, own.lasts, span):
        if left_out.covers(wall):
            continue
        instant = instant_of(wall, start.rules)
        if left_out.instants and instant in left_out.instants:
            continue
        course = own if simple else next(c for c in reversed(courses) if c.since <= wall)
        if course.kind is None:
            continue
        begins = wall + course.shift
        began = instant_of(begins, start.rules) if course.shift else instant
        over = ended(began, begins, lasts if course is own else course.lasts, start.rules)
        if began < window.end and over > window.start and over > began:
            yield Busy(began, over, course.kind, start.all_day)


@dataclass(frozen=True, slots=True)
class Course:
    """How a series goes from one occurrence on: moved by so much, so long, taking time in this way."""

    since: datetime
    shift: timedelta
    lasts: timedelta
    kind: BusyKind | None


def later_courses(entry: Entry, start: Moment) -> list[Course]:
    """Changes of *this and all following* occurrences (RFC 5545, 3.2.13), in order."""
    found = []
    for override in entry.overrides:
        line = override.line("RECURRENCE-ID")
        if line is None or ";" not in line.head or line.parameter("RANGE").upper() != "THISANDFUTURE":
            continue
        since = local_to(start, moment_of(entry, line))
        begins, ends = span_of(entry, override)
        shift = local_to(start, begins) - since
        found.append(Course(since, shift, ends - begins.instant, busy_kind(override, entry.setting)))
    return sorted(found, key=lambda course: course.since)


def length(entry: Entry, start: Moment, end: datetime) -> timedelta:
    """Duration of each occurrence: counted on the wall, so that a day stays a day when clocks change."""
    if start.all_day or entry.master.has("DTEND"):
        return end.astimezone(start.rules).replace(tzinfo=None) - start.wall
    return end - start.instant


def ended(began: datetime, wall: datetime, lasts: timedelta, rules: tzinfo) -> datetime:
    """Whole days are counted on the wall, hours in elapsed time (as `times.ending`)."""
    if not lasts.days:
        return began + lasts
    days = timedelta(days=lasts.days)
    return instant_of(wall + days, rules) + (lasts - days)


Walls = tuple[datetime, datetime]
"""First and last wall time of a series between which its occurrences may touch a window."""


def walls_of(window: Window, rules: tzinfo, courses: Sequence[Course]) -> Walls:
    first, last = (moment.astimezone(rules).replace(tzinfo=None) for moment in (window.start, window.end))
    lasts = max(course.lasts for course in courses)
    shifts = [course.shift for course in courses]
    return first - lasts - DAY - max(shifts), last + DAY - min(shifts)


def series_walls(
    entry: Entry, start: Moment, lasts: timedelta, span: Walls
) -> Iterator[tuple[datetime, timedelta]]:
    """Wall times at which the series occurs within the span, each once, with its duration."""
    first, last = span
    seen = {start.wall}
    if first <= start.wall <= last:
        yield start.wall, lasts
    for line in entry.master.lines("RRULE"):
        for wall in occurrences(line.value.strip(), start.wall, last, zone=start.rules, since=first):
            if wall not in seen:
                seen.add(wall)
                yield wall, lasts
    for wall, own in extra_walls(entry, start, lasts):
        if first - own <= wall <= last and wall not in seen:
            seen.add(wall)
            yield wall, own


def extra_walls(entry: Entry, start: Moment, lasts: timedelta) -> Iterator[tuple[datetime, timedelta]]:
    """RDATE: dates, times or periods beside the rule."""
    for line in entry.master.lines("RDATE"):
        for value in filter(None, line.value.split(",")):
            begins, slash, ends = value.partition("/")
            moment = moment_of(entry, line, begins)
            own = lasts
            if slash:
                until = duration_of(ends) if "P" in ends.upper() else None
                own = until or moment_of(entry, line, ends).instant - moment.instant
            yield local_to(start, moment), own


def local_to(start: Moment, moment: Moment) -> datetime:
    """A moment as wall time of the series; a mere date takes the series' hour."""
    if moment.all_day:
        return datetime.combine(moment.wall.date(), start.wall.time())
    if start.all_day:
        return datetime.combine(moment.wall.date(), time())
    if moment.rules is start.rules:
        return moment.wall
    return moment.instant.astimezone(start.rules).replace(tzinfo=None)


class Exclusions:
    """Occurrences that do not take place where the rule puts them: EXDATE and overridden ones."""

    def __init__(self, entry: Entry, span: Walls, rules: tzinfo) -> None:
        self.instants: set[datetime] = set()
        """Of those in another zone than the series."""
        self._walls: set[datetime] = set()
        self._days: set[date] = set()
        self._rules = rules
        near = Near.walls(span)
        for line in entry.master.lines("EXDATE"):
            for value in filter(None, line.value.split(",")):
                if near.holds(value):
                    self._add(moment_of(entry, line, value))
        for override in entry.overrides:
            (line,) = override.lines("RECURRENCE-ID")[:1]
            if near.holds(line.value):
                self._add(moment_of(entry, line))

    def _add(self, moment: Moment) -> None:
        if moment.all_day:
            self._days.add(moment.wall.date())
        elif moment.rules is self._rules:
            self._walls.add(moment.wall)
        else:
            self.instants.add(moment.instant)

    def covers(self, wall: datetime) -> bool:
        return wall in self._walls or (bool(self._days) and wall.date() in self._days)


@dataclass(frozen=True, slots=True)
class Near:
    """Dates about a span, as iCalendar writes them. A series of ten years has hundreds of exceptions; those
    far away need not be read. Two days to each side are more than zones differ."""

    first: str
    last: str

    @classmethod
    def walls(cls, span: Walls) -> Near:
        return cls(written(span[0] - 2 * DAY), written(span[1] + 2 * DAY))

    def holds(self, value: str) -> bool:
        """Whether a date may be near: also if it is none, for then somebody has to say so."""
        day = value.strip()[:8]
        return not day.isdigit() or self.first <= day <= self.last

    def leaves_out(self, event: Component) -> bool:
        """Whether the event lies far from the span, by its DTSTART and DTEND."""
        starts, ends = event.value("DTSTART")[:8], event.value("DTEND")[:8]
        if starts.isdigit() and starts > self.last:
            return True
        return starts.isdigit() and ends.isdigit() and max(starts, ends) < self.first


@lru_cache(maxsize=100)
def near_window(window: Window) -> Near:
    return Near.walls((window.start.replace(tzinfo=None), window.end.replace(tzinfo=None)))


def written(wall: datetime) -> str:
    return wall.date().isoformat().replace("-", "")
