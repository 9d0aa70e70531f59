"""How an event takes time: free or busy, and each occurrence of a series with its exceptions (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import chain

from genie.core.errors import Malformed
from genie.core.event import Busy, BusyKind, When
from genie.providers.ical.lines import Component
from genie.providers.ical.recurrence import OCCURRENCES, occurrences
from genie.providers.ical.times import (
    DAY,
    Entry,
    Moment,
    Setting,
    duration_of,
    ending,
    moment_of,
    span_of,
    when_of,
)
from genie.providers.port import Window


def busy_of(entry: Entry, when: When, window: Window) -> tuple[tuple[Busy, ...], str]:
    """Busy occurrences that touch the window, and what is wrong with them, if anything is."""
    kind = busy_kind(entry.master, entry.setting)
    if not entry.repeats:
        return (tuple(within(window, [when], kind)) if kind else ()), ""
    found: list[Busy] = []
    problem = ""
    try:
        for busy in chain(override_busy(entry, window), series_busy(entry, kind, window)):
            if len(found) == OCCURRENCES:
                problem = f"This event occurs more than {OCCURRENCES} times; only the first ones are kept."
                break
            found.append(busy)
    except Malformed as fault:
        problem = str(fault)
    except OverflowError:
        problem = "This event's dates lie outside of all calendars."
    return tuple(sorted(found, key=lambda busy: (busy.start, busy.end))), problem


def busy_kind(event: Component, setting: Setting) -> BusyKind | None:
    """How the event takes time; None if it takes none: free, cancelled, declined."""
    shown = event.value("X-MICROSOFT-CDO-BUSYSTATUS").upper()
    answer = own_answer(event, setting)
    status = event.value("STATUS").upper()
    if (
        event.value("TRANSP").upper() == "TRANSPARENT"
        or shown == "FREE"
        or status == "CANCELLED"
        or answer == "DECLINED"
    ):
        return None
    if answer == "NEEDS-ACTION":
        return BusyKind.UNANSWERED
    if "TENTATIVE" in (answer, status, shown):
        return BusyKind.TENTATIVE
    return BusyKind.OUT_OF_OFFICE if shown == "OOF" else BusyKind.BUSY


def own_answer(event: Component, setting: Setting) -> str:
    """The owner's own PARTSTAT, "" if they are not among the attendees."""
    for attendee in event.lines("ATTENDEE"):
        addresses = {mailbox(attendee.value), mailbox(attendee.parameter("EMAIL"))}
        if addresses & setting.addresses:
            return attendee.parameter("PARTSTAT").upper() or "NEEDS-ACTION"
    return ""


def mailbox(value: str) -> str:
    return value.strip().lower().removeprefix("mailto:")


def within(window: Window, whens: Iterable[When], kind: BusyKind) -> Iterator[Busy]:
    for when in whens:
        if when.start < window.end and when.end > window.start and when.end > when.start:
            yield Busy(when.start, when.end, kind, when.all_day)


def override_busy(entry: Entry, window: Window) -> Iterator[Busy]:
    """Occurrences that stand for themselves: moved, renamed or made free apart from their series."""
    alone = [entry.master] if entry.master.has("RECURRENCE-ID") else []  # single occurrences, no series
    for override in alone + entry.overrides:
        kind = busy_kind(override, entry.setting)
        if kind:
            yield from within(window, [when_of(entry, override)], kind)


def series_busy(entry: Entry, kind: BusyKind | None, window: Window) -> Iterator[Busy]:
    """The series' own occurrences, without those that an override replaces."""
    if kind is None or entry.master.has("RECURRENCE-ID"):
        return
    start, end = span_of(entry, entry.master)
    lasts = length(entry, start, end)
    left_out = Exclusions(entry)
    for wall, own_lasts in series_walls(entry, start, lasts, window):
        moment = replace(start, wall=wall)
        if not left_out.covers(moment):
            when = When(moment.instant, ending(moment, own_lasts), start.zone, start.all_day)
            yield from within(window, [when], kind)


def length(entry: Entry, start: Moment, end: datetime) -> timedelta:
    """Duration of each occurrence: counted on the wall, so that a day stays a day when clocks change."""
    local = end.astimezone(start.rules).replace(tzinfo=None)
    if start.all_day or entry.master.has("DTEND"):
        return local - start.wall
    return end - start.instant


def series_walls(
    entry: Entry, start: Moment, lasts: timedelta, window: Window
) -> Iterator[tuple[datetime, timedelta]]:
    """Wall times at which the series occurs up to the window's end, each once, with its duration."""
    last = window.end.astimezone(start.rules).replace(tzinfo=None) + DAY
    first = window.start.astimezone(start.rules).replace(tzinfo=None) - lasts - DAY
    seen = {start.wall}
    if first <= start.wall <= last:
        yield start.wall, lasts
    for line in entry.master.lines("RRULE"):
        for wall in occurrences(line.value.strip(), start.wall, last, zone=start.rules):
            if wall >= first and wall not in seen:
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
    return moment.instant.astimezone(start.rules).replace(tzinfo=None)


class Exclusions:
    """Occurrences that do not take place where the rule puts them: EXDATE and overridden ones."""

    def __init__(self, entry: Entry) -> None:
        self._instants: set[datetime] = set()
        self._days: set[date] = set()
        for line in entry.master.lines("EXDATE"):
            for value in filter(None, line.value.split(",")):
                self._add(moment_of(entry, line, value))
        for override in entry.overrides:
            (line,) = override.lines("RECURRENCE-ID")[:1]
            self._add(moment_of(entry, line))

    def _add(self, moment: Moment) -> None:
        if moment.all_day:
            self._days.add(moment.wall.date())
        else:
            self._instants.add(moment.instant)

    def covers(self, moment: Moment) -> bool:
        return moment.wall.date() in self._days or moment.instant in self._instants
