"""iCalendar objects to events, busy time and back; no I/O. Payloads go no further than this file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain
from zoneinfo import ZoneInfo

from genie.core.errors import Malformed
from genie.core.event import Busy, BusyKind, EventContent, When
from genie.providers.caldav import zones
from genie.providers.caldav.lines import Component, Line, parse, plain, text_line
from genie.providers.caldav.recurrence import OCCURRENCES, occurrences
from genie.providers.port import EventIdentity, Window

KEY_PROPERTY = "X-SCHEDULE-GENIE-KEY"
PRODUCT = "-//Schedule Genie//Calendar sync//EN"
OUR_UID = re.compile(r"([0-9a-f]{32})-(\d{1,9})@schedule-genie")
OUR_KEY = re.compile(r"([0-9a-f]{32})-(\d{1,9})")
MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z)?)?", re.IGNORECASE)
DURATION = re.compile(r"([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)
TIMES = re.compile(r"^(?:DTSTART|DTEND|RECURRENCE-ID|RDATE|EXDATE)((?:;[^:\r\n]*)?):([^\r\n]*)", re.MULTILINE)
ZONE_NAME = re.compile(r"TZID=([^;:]*)", re.IGNORECASE)
DAY = timedelta(days=1)
SERIES_SPAN = timedelta(days=400)
"""How far a series' occurrences are followed when it is read by id."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What reading an object depends on: the calendar's zone (floating and all-day times) and whose it is."""

    zone: str = ""
    addresses: frozenset[str] = frozenset()
    """The owner's own addresses, in small letters, without `mailto:`."""

    @property
    def rules(self) -> tzinfo:
        return ZoneInfo(self.zone) if self.zone else UTC


@dataclass(frozen=True, slots=True)
class Moment:
    """A DTSTART, DTEND or RECURRENCE-ID: wall time with its zone. All-day ones stand at midnight."""

    wall: datetime
    rules: tzinfo
    zone: str
    all_day: bool = False

    @property
    def instant(self) -> datetime:
        return instant_of(self.wall, self.rules)


@dataclass(frozen=True, slots=True)
class Read:
    """An object as read: the event it is, and the busy time it takes in a window."""

    uid: str
    content: EventContent
    identity: EventIdentity | None
    recurring: bool
    busy: tuple[Busy, ...]
    read_only_why: str = ""
    problem: str = ""
    """The event can be read, but not all of its busy time."""


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

    @property
    def repeats(self) -> bool:
        return self.master.has("RRULE", "RDATE") or bool(self.overrides)

    def zone_of(self, tzid: str) -> tuple[str, tzinfo]:
        if tzid not in self.zones_seen:
            self.zones_seen[tzid] = zones.rules(tzid, self.definitions, self.setting.rules)
        return self.zones_seen[tzid]


def instant_of(wall: datetime, rules: tzinfo) -> datetime:
    """A wall time's instant: the first of two, and past the gap where it does not exist."""
    try:
        return wall.replace(tzinfo=rules).astimezone(UTC)
    except (OverflowError, ValueError) as fault:
        raise Malformed("This event's date lies outside of all calendars.") from fault


# --- reading


def read(text: str, setting: Setting, window: Window | None = None) -> Read:
    """The event in an object. Raises Malformed where it has none that can be understood.

    Without a window a series is followed for `SERIES_SPAN` from its first occurrence.
    """
    entry = entry_of(parse(text), setting)
    when = when_of(entry, entry.master)
    span = window or Window(when.start - DAY, when.start + SERIES_SPAN)
    busy, problem = busy_of(entry, when, span)
    uid = entry.master.value("UID")
    identity = identity_of(entry.master)
    return Read(
        uid=uid,
        content=content_of(entry.master, when, setting, hidden=is_redacted(entry.master, identity)),
        identity=identity,
        recurring=entry.repeats,
        busy=busy,
        read_only_why=read_only_why(entry.master, setting),
        problem=problem,
    )


def is_event(text: str) -> bool:
    """False for a to-do or a journal entry: not ours to look at."""
    upper = text.upper()
    return "BEGIN:VEVENT" in upper or not any(
        f"BEGIN:{other}" in upper for other in ("VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY")
    )


def needs_zone(text: str) -> bool:
    """Whether reading this object takes the calendar's own zone: floating, all-day, or unknown zones."""
    for head, value in TIMES.findall(text, max(text.find("BEGIN:VEVENT"), 0)):
        tzid = ZONE_NAME.search(head)
        if tzid:
            if not zones.iana(tzid[1]):
                return True
        elif not value.strip().upper().endswith("Z"):
            return True
    return False


def entry_of(calendar: Component, setting: Setting) -> Entry:
    events = calendar.components("VEVENT")
    if not events:
        raise Malformed("There is no event in this calendar entry.")
    masters = [event for event in events if not event.has("RECURRENCE-ID")]
    master = masters[0] if masters else events[0]
    overrides = [event for event in events if event is not master and event.has("RECURRENCE-ID")]
    return Entry(calendar, setting, master, overrides, zones.definitions(calendar))


def identity_of(event: Component) -> EventIdentity | None:
    """Our key in the event: its own property first, which a copy keeps under a new UID."""
    match = OUR_KEY.fullmatch(event.value(KEY_PROPERTY)) or OUR_UID.fullmatch(event.value("UID"))
    return EventIdentity(match[1], int(match[2])) if match else None


def is_redacted(event: Component, identity: EventIdentity | None) -> bool:
    """A server shows a shared private event without its details: then our own property is missing too."""
    private = event.value("CLASS").upper() in ("PRIVATE", "CONFIDENTIAL")
    return private and identity is not None and not event.has(KEY_PROPERTY)


def content_of(event: Component, when: When, setting: Setting, *, hidden: bool) -> EventContent:
    title, place, description = (None, None, None) if hidden else texts_of(event)
    cancelled = event.value("STATUS").upper() == "CANCELLED" or own_answer(event, setting) == "DECLINED"
    return EventContent(when, title, place, description, cancelled)


def texts_of(event: Component) -> tuple[str, str, str]:
    title, place, description = (event.line(name) for name in ("SUMMARY", "LOCATION", "DESCRIPTION"))
    return (
        title.text if title else "",
        place.text if place else "",
        description.text if description else "",
    )


def when_of(entry: Entry, event: Component) -> When:
    start, end = span_of(entry, event)
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
    match = MOMENT.fullmatch((line.value if value is None else value).strip())
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
    tzid = line.parameter("TZID")
    if not tzid:
        return Moment(wall, entry.setting.rules, entry.setting.zone)
    zone, rules = entry.zone_of(tzid)
    return Moment(wall, rules, zone)


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


def mailbox(value: str) -> str:
    return value.strip().lower().removeprefix("mailto:")


def own_answer(event: Component, setting: Setting) -> str:
    """The owner's own PARTSTAT, "" if they are not among the attendees."""
    for attendee in event.lines("ATTENDEE"):
        addresses = {mailbox(attendee.value), mailbox(attendee.parameter("EMAIL"))}
        if addresses & setting.addresses:
            return attendee.parameter("PARTSTAT").upper() or "NEEDS-ACTION"
    return ""


def read_only_why(event: Component, setting: Setting) -> str:
    organizer = event.line("ORGANIZER")
    if organizer is None or not setting.addresses:
        return ""
    owners = {mailbox(organizer.value), mailbox(organizer.parameter("EMAIL"))}
    if owners & setting.addresses or not any("@" in owner for owner in owners):
        return ""
    return "Another person organises this event now, so only they can change it."


# --- busy time


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


# --- writing


def uid_of(identity: EventIdentity) -> str:
    return f"{identity.key}-{identity.generation}@schedule-genie"


def written(identity: EventIdentity, content: EventContent, *, now: datetime) -> str:
    """A new object: no attendees and no organizer, so that no server mails anybody."""
    event = Component("VEVENT", [plain("UID", uid_of(identity))])
    event.put(plain(KEY_PROPERTY, f"{identity.key}-{identity.generation}"))
    calendar = Component(
        "VCALENDAR",
        [plain("VERSION", "2.0"), plain("PRODID", PRODUCT), plain("CALSCALE", "GREGORIAN"), event],
    )
    stamp(event, now)
    event.put(plain("CREATED", utc_text(now)))
    event.put(plain("SEQUENCE", "0"))
    put_when(calendar, event, content.when)
    put_texts(event, content)
    event.put(plain("STATUS", "CANCELLED" if content.cancelled else "CONFIRMED"))
    event.put(plain("TRANSP", "OPAQUE"))
    return calendar.dump()


def edited(text: str, content: EventContent, setting: Setting, *, now: datetime) -> str:
    """The object with the fields that flow set to `content`; everything else stays as its owner has it.

    A series keeps its time: its master is never moved. Raises Malformed.
    """
    entry = entry_of(parse(text), setting)
    event = entry.master
    before = when_of(entry, event)
    if not entry.repeats and not same_when(before, content.when):
        put_when(entry.calendar, event, in_known_zone(content.when, before))
        event.put(plain("SEQUENCE", str(sequence_of(event) + 1)))
    put_texts(event, content)
    put_status(event, content.cancelled)
    stamp(event, now)
    return entry.calendar.dump()


def same_when(before: When, wanted: When) -> bool:
    """Nothing to write: same instants, and no other zone asked for."""
    return before.same_instants(wanted) and wanted.zone in ("", before.zone)


def in_known_zone(wanted: When, before: When) -> When:
    return wanted if wanted.zone else replace(wanted, zone=before.zone)


def sequence_of(event: Component) -> int:
    value = event.value("SEQUENCE")
    return int(value) if value.isdigit() and len(value) < 9 else 0


def stamp(event: Component, now: datetime) -> None:
    event.put(plain("DTSTAMP", utc_text(now)))
    event.put(plain("LAST-MODIFIED", utc_text(now)))


def utc_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def put_when(calendar: Component, event: Component, when: When) -> None:
    """DTSTART and DTEND in the zone, with its definition, so that every program shows them right."""
    zone = when.zone if zones.known(when.zone) else ""
    event.drop("DURATION")
    if when.all_day:
        rules: tzinfo = ZoneInfo(zone) if zone else UTC
        for name, moment in (("DTSTART", when.start), ("DTEND", when.end)):
            event.put(plain(name, f"{moment.astimezone(rules):%Y%m%d}", "VALUE=DATE"))
        return
    if zone in ("", "UTC", "Etc/UTC") or not all(on_the_wall(one, zone) for one in (when.start, when.end)):
        event.put(plain("DTSTART", utc_text(when.start)))
        event.put(plain("DTEND", utc_text(when.end)))
        return
    for name, moment in (("DTSTART", when.start), ("DTEND", when.end)):
        event.put(plain(name, f"{moment.astimezone(ZoneInfo(zone)):%Y%m%dT%H%M%S}", f"TZID={zone}"))
    define(calendar, zone, when.start.year)


def on_the_wall(moment: datetime, zone: str) -> bool:
    """Whether the zone's wall time means this instant: the second of two equal hours cannot be written so."""
    rules = ZoneInfo(zone)
    return instant_of(moment.astimezone(rules).replace(tzinfo=None, fold=0), rules) == moment


def define(calendar: Component, zone: str, year: int) -> None:
    """Put the zone's definition before the events, unless one of this name is there."""
    if any(there.value("TZID") == zone for there in calendar.components("VTIMEZONE")):
        return
    first = next(n for n, part in enumerate(calendar.parts) if isinstance(part, Component))
    calendar.parts.insert(first, zones.definition_component(zone, min(max(year, 1971), 2200)))


def put_texts(event: Component, content: EventContent) -> None:
    """Title, place, description: only where they differ; None leaves what is there.

    Richer twins that programs show instead (HTML description, map place) go with the text they belong to.
    """
    twins = {
        "SUMMARY": (),
        "LOCATION": ("X-APPLE-STRUCTURED-LOCATION",),
        "DESCRIPTION": ("X-ALT-DESC", "STYLED-DESCRIPTION"),
    }
    wanted = (content.title, content.place, content.description)
    for name, text, present in zip(twins, wanted, texts_of(event), strict=True):
        if text is None or text == present:
            continue
        event.drop(*twins[name])
        if text:
            event.put(text_line(name, text))
        else:
            event.drop(name)


def put_status(event: Component, cancelled: bool) -> None:
    if cancelled:
        event.put(plain("STATUS", "CANCELLED"))
    elif event.value("STATUS").upper() == "CANCELLED":
        event.put(plain("STATUS", "CONFIRMED"))
