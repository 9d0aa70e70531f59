"""When an event takes place: dates, times, zones and durations as an iCalendar object states them (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from genie.core.errors import Malformed
from genie.core.event import When
from genie.providers.ical import zones
from genie.providers.ical.lines import Component, Line
from genie.providers.zone_names import iana

MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z)?)?", re.IGNORECASE)
DURATION = re.compile(r"([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)
TIMES = re.compile(r"^(?:DTSTART|DTEND|RECURRENCE-ID|RDATE|EXDATE)((?:;[^:\r\n]*)?):([^\r\n]*)", re.MULTILINE)
ZONE_NAME = re.compile(r"TZID=([^;:]*)", re.IGNORECASE)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Setting:
    """What reading an object depends on: the calendar's zone (floating and all-day times) and whose it is."""

    zone: str = ""
    addresses: frozenset[str] = frozenset()
    """The owner's own addresses, in small letters, without `mailto:`."""

    @property
    def rules(self) -> tzinfo:
        return ZoneInfo(self.zone) if self.zone else UTC


class Moment(NamedTuple):
    """A DTSTART, DTEND or RECURRENCE-ID: wall time with its zone. All-day ones stand at midnight."""

    wall: datetime
    rules: tzinfo
    zone: str
    all_day: bool = False

    @property
    def instant(self) -> datetime:
        return instant_of(self.wall, self.rules)


@dataclass(slots=True)
class Entry:
    """The parts of one object that belong together: a master and its overrides."""

    calendar: Component
    setting: Setting
    master: Component
    overrides: list[Component] = field(default_factory=list)
    definitions: dict[str, Component] = field(default_factory=dict)
    zones_seen: dict[str, tuple[str, tzinfo]] = field(default_factory=dict)
    """Each TZID is looked into once, however many dates of the object name it."""
    unknown_zone: str = ""
    """A TZID that nothing explains: times in it are taken in the setting's zone, which is a guess."""

    @property
    def repeats(self) -> bool:
        return self.master.has("RRULE", "RDATE") or bool(self.overrides)

    def zone_of(self, tzid: str) -> tuple[str, tzinfo]:
        if tzid not in self.zones_seen:
            found = zones.rules(tzid, self.definitions)
            if found is None:
                self.unknown_zone = tzid
            self.zones_seen[tzid] = found or ("", self.setting.rules)
        return self.zones_seen[tzid]


def entry_of(calendar: Component, setting: Setting) -> Entry:
    events = calendar.components("VEVENT")
    if not events:
        raise Malformed("There is no event in this calendar entry.")
    masters = [event for event in events if not event.has("RECURRENCE-ID")]
    master = masters[0] if masters else events[0]
    overrides = [event for event in events if event is not master and event.has("RECURRENCE-ID")]
    return Entry(calendar, setting, master, overrides, zones.definitions(calendar))


def instant_of(wall: datetime, rules: tzinfo) -> datetime:
    """A wall time's instant: the first of two, and past the gap where it does not exist."""
    try:
        return wall.replace(tzinfo=rules).astimezone(UTC)
    except (OverflowError, ValueError) as fault:
        raise Malformed("This event's date lies outside of all calendars.") from fault


def when_of(entry: Entry, event: Component) -> When:
    return when_between(*span_of(entry, event))


def when_between(start: Moment, end: datetime) -> When:
    return When(start.instant, end, start.zone, start.all_day)


def span_of(entry: Entry, event: Component) -> tuple[Moment, datetime]:
    """Where the event starts, and the instant it ends (RFC 5545, 3.6.1: a DTEND, a DURATION or neither)."""
    line = event.line("DTSTART")
    if line is None:
        raise Malformed("This event has no beginning.")
    start = moment_of(entry, line)
    ends = event.line("DTEND")
    if ends is not None:
        return start, moment_of(entry, ends).instant
    lasts = event.line("DURATION")
    if lasts is not None:
        return start, ending(start, duration_of(lasts.value))
    return start, ending(start, DAY if start.all_day else timedelta(0))


def ending(start: Moment, lasts: timedelta) -> datetime:
    """Whole days are counted on the wall, hours in elapsed time."""
    days = timedelta(days=lasts.days)
    try:
        return instant_of(start.wall + days, start.rules) + (lasts - days)
    except OverflowError as fault:
        raise Malformed("This event's date lies outside of all calendars.") from fault


def moment_of(entry: Entry, line: Line, value: str | None = None) -> Moment:
    """A date or time as a line states it. Raises Malformed."""
    text = (line.value if value is None else value).strip()
    wall = plain_wall(text)
    if wall is not None:
        zone, rules = zone_beside(entry, line)
        return Moment(wall, rules, zone)
    match = MOMENT.fullmatch(text)
    if not match:
        raise Malformed("This event's date or time cannot be read.")
    year, month, day, hour, minute, second, utc = match.groups()
    try:
        if hour is None:
            wall = datetime(int(year), int(month), int(day))  # noqa: DTZ001 -- its zone is beside it
            return Moment(wall, entry.setting.rules, entry.setting.zone, all_day=True)
        wall = datetime(  # noqa: DTZ001 -- its zone is beside it
            int(year), int(month), int(day), int(hour), int(minute), min(int(second or 0), 59)
        )
    except ValueError as fault:
        raise Malformed("This event's date or time cannot be read.") from fault
    if utc:
        return Moment(wall, UTC, "UTC")
    zone, rules = zone_beside(entry, line)
    return Moment(wall, rules, zone)


def plain_wall(text: str) -> datetime | None:
    """`20261202T090000`, the form that most dates have, read in a tenth of the time that any form takes."""
    if len(text) != 15 or text[8] != "T" or not (text[:8].isdigit() and text[9:].isdigit()):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # a leap second, or no date at all
        return None


def zone_beside(entry: Entry, line: Line) -> tuple[str, tzinfo]:
    tzid = line.parameter("TZID")
    return entry.zone_of(tzid) if tzid else (entry.setting.zone, entry.setting.rules)


def duration_of(value: str) -> timedelta:
    match = DURATION.fullmatch(value.strip())
    if not match or not any(match.groups()[1:]):
        raise Malformed("This event's duration cannot be read.")
    sign, *numbers = match.groups()
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in numbers)
    try:
        lasts = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError as fault:
        raise Malformed("This event's duration cannot be read.") from fault
    return -lasts if sign == "-" else lasts


def needs_zone(text: str) -> bool:
    """Whether reading this object takes the calendar's own zone: floating, all-day, or unknown zones."""
    for head, value in TIMES.findall(text, max(text.find("BEGIN:VEVENT"), 0)):
        tzid = ZONE_NAME.search(head)
        if tzid:
            if not iana(tzid[1]):
                return True
        elif not value.strip().upper().endswith("Z"):
            return True
    return False
