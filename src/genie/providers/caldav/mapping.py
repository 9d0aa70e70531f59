"""iCalendar objects to events and back; no I/O. Payloads go no further than this file."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from genie.core.errors import Malformed
from genie.core.event import Busy, EventContent, When
from genie.providers.ical import zones
from genie.providers.ical.busy import busy_of, mailbox, own_answer, unknown_zone_problem
from genie.providers.ical.lines import Component, parse, plain, text_line
from genie.providers.ical.times import DAY, Setting, entry_of, instant_of, span_of, when_between, when_of
from genie.providers.port import EventIdentity, Window
from genie.providers.zone_names import known

KEY_PROPERTY = "X-SCHEDULE-GENIE-KEY"
PRODUCT = "-//Schedule Genie//Calendar sync//EN"
OUR_UID = re.compile(r"([0-9a-f]{32})-(\d{1,9})@schedule-genie")
OUR_KEY = re.compile(r"([0-9a-f]{32})-(\d{1,9})")
SERIES_SPAN = timedelta(days=400)
"""How far a series' occurrences are followed when it is read by id."""


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
    unknown_zone: bool = False
    """Its times are a guess: good enough to block time, not to tell anybody."""


# --- reading


def read(text: str, setting: Setting, window: Window | None = None) -> Read:
    """The event in an object. Raises Malformed where it has none that can be understood.

    Without a window a series is followed for `SERIES_SPAN` from its first occurrence.
    """
    entry = entry_of(parse(text), setting)
    start, end = span_of(entry, entry.master)
    when = when_between(start, end)
    busy, problem = busy_of(entry, start, end, window or followed(when))
    problem = unknown_zone_problem(entry) or problem
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
        unknown_zone=bool(entry.unknown_zone),
    )


def followed(when: When) -> Window:
    """The span in which a series is followed when it is read by id. Raises Malformed."""
    try:
        return Window(when.start - DAY, when.start + SERIES_SPAN)
    except OverflowError as fault:
        raise Malformed("This event's date lies outside of all calendars.") from fault


def is_event(text: str) -> bool:
    """False for a to-do or a journal entry: not ours to look at."""
    upper = text.upper()
    return "BEGIN:VEVENT" in upper or not any(
        f"BEGIN:{other}" in upper for other in ("VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY")
    )


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


def read_only_why(event: Component, setting: Setting) -> str:
    organizer = event.line("ORGANIZER")
    if organizer is None or not setting.addresses:
        return ""
    owners = {mailbox(organizer.value), mailbox(organizer.parameter("EMAIL"))}
    if owners & setting.addresses or not any("@" in owner for owner in owners):
        return ""
    return "Another person organises this event now, so only they can change it."


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
    zone = when.zone if known(when.zone) else ""
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
