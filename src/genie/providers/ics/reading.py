"""A calendar file's events, each for itself: what is sound counts, what is broken is named (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from genie.core.errors import Malformed, Rejected, Transient
from genie.providers.ical import zones
from genie.providers.ical.busy import COUNTS, busy_of, unknown_zone_problem
from genie.providers.ical.lines import DEPTH, Component, parse, split, unfolded
from genie.providers.ical.times import Entry, Setting, span_of
from genie.providers.port import Changed, Window
from genie.providers.zone_names import iana

MOST_EVENTS = 50_000
MOST_BUSY = 100_000
"""Spans of busy time of one file: some hundreds a day, all year."""
LONGEST_ID = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_A_FILE = "What stands at this address is not a calendar file"
TOO_DEEP = f"{NOT_A_FILE}: its parts are nested too deeply."
TOO_MANY = f"This calendar file holds more than {MOST_EVENTS:,} events, so it is not read."
TOO_MUCH = "This calendar file repeats so many events so often that it is not read."
CUT_OFF = "The calendar file ends in the middle, so it is taken for an outage; what was read last counts."
EMPTIED = (
    "The calendar file is suddenly empty, which is taken for an outage: what was read last counts. "
    "If it is meant to be empty, remove the calendar here and add it again."
)


@dataclass(slots=True)
class Contents:
    """A file taken apart: its calendars' own lines and zones, and the text of each event."""

    own: list[str] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)
    events: list[list[str]] = field(default_factory=list)
    """Content lines from BEGIN to END; one that has no END is broken, and ends where the next one begins."""

    @property
    def name(self) -> str:
        return next((split(line).text for line in self.own if line.upper().startswith("X-WR-CALNAME")), "")

    @property
    def zone(self) -> str:
        told = (split(line).value for line in self.own if line.upper().startswith("X-WR-TIMEZONE"))
        return iana(next(told, ""))


def taken_apart(body: bytes) -> Contents:
    """Raises Transient for what is no calendar file, or only a part of one; Rejected for too many events."""
    found = Contents()
    open_ones: list[str] = []
    block: list[str] | None = None
    for line in unfolded(text_of(body)):
        keyword, _, name = line.partition(":")
        keyword, name = keyword.upper(), name.strip().upper()
        if keyword == "BEGIN":
            if name == "VEVENT":
                block, open_ones = [], ["VCALENDAR"]  # whatever stood open before is broken
                found.events.append(block)
            elif len(open_ones) == 1:
                block = found.zones if name == "VTIMEZONE" else []  # to-dos and the like are read past
            open_ones.append(name)
            if len(open_ones) > DEPTH or len(found.events) > MOST_EVENTS:
                raise Rejected(TOO_MANY if len(found.events) > MOST_EVENTS else TOO_DEEP)
        (found.own if block is None else block).append(line)
        if keyword == "END" and name in open_ones:
            del open_ones[len(open_ones) - 1 - open_ones[::-1].index(name) :]
            block = block if len(open_ones) > 1 else None
    if open_ones:
        raise Transient(CUT_OFF)
    return found


def text_of(body: bytes) -> str:
    """The file from its first calendar on. Raises Transient where none begins."""
    text = body.decode("utf-8-sig", errors="replace")
    begins = text[:2_000].upper().find("BEGIN:VCALENDAR")
    if begins < 0:
        page = text[:2_000].lstrip().lower().startswith(("<!doctype html", "<html"))
        raise Transient(f"{NOT_A_FILE}{', but a web page' if page else ''}.")
    return text[begins:]


def changes_of(
    contents: Contents, window: Window, *, zone: str, over: Callable[[], bool] = lambda: False
) -> Iterator[Changed]:
    """Each event or series with the time it takes in the window.

    `zone` is that of times without one, where the file names none. Raises Rejected for a file that takes more
    time than any calendar does, or more work: when `over` says so.
    """
    setting = Setting(contents.zone or zone)
    definitions = zones_in(contents)
    suffix = digest("\n".join(contents.zones)) if contents.zones else ""
    busy = 0
    for event_id, components, problem in grouped(contents):
        version = digest("\n".join((*map(relevant, components), suffix, setting.zone)))
        if problem:
            yield Changed(event_id, f"{version}.0", problem=problem)
            continue
        read = changed(event_id, version, entry_among(components, setting, definitions), window)
        busy += len(read.busy)
        if busy > MOST_BUSY or over():
            raise Rejected(TOO_MUCH)
        yield read


def zones_in(contents: Contents) -> dict[str, Component]:
    try:
        return zones.definitions(wrapped(contents.zones))
    except Malformed:
        return {}  # names that are known need no definition


def wrapped(lines: list[str]) -> Component:
    return parse("\r\n".join(("BEGIN:VCALENDAR", *lines, "END:VCALENDAR")))


def grouped(contents: Contents) -> Iterator[tuple[str, list[Component], str]]:
    """(id, what belongs together, problem): a series with its overrides under its UID. A second event under
    the same UID, which no program should write and some do, is an event of its own."""
    masters: dict[str, list[Component]] = {}
    numbers: dict[str, int] = {}
    overrides: list[tuple[str, Component]] = []
    broken: list[tuple[str, list[Component], str]] = []
    for lines in contents.events:
        try:
            (event,) = wrapped(lines).components("VEVENT")
        except (Malformed, ValueError):
            uid = next((split(line).value for line in lines if line.upper().startswith("UID")), "")
            event = Component("VEVENT", [split(line) for line in lines[1:]])
            broken.append((id_of(uid, event), [event], "This event is broken in the calendar file."))
            continue
        uid = id_of(event.value("UID"), event)
        if event.has("RECURRENCE-ID"):
            overrides.append((uid, event))
            continue
        numbers[uid] = numbers.get(uid, 0) + 1
        masters[uid if numbers[uid] == 1 else f"{uid} ({numbers[uid]})"] = [event]
    for uid, event in overrides:
        masters.setdefault(uid, []).append(event)
    yield from ((uid, events, "") for uid, events in masters.items())
    yield from (one for one in broken if one[0] not in masters)


def id_of(uid: str, event: Component) -> str:
    if uid and len(uid) <= LONGEST_ID:
        return uid
    return f"no-uid-{digest(uid or relevant(event))}"


def entry_among(components: list[Component], setting: Setting, definitions: dict[str, Component]) -> Entry:
    masters = [one for one in components if not one.has("RECURRENCE-ID")]
    master = masters[0] if masters else components[0]
    others = [one for one in components if one is not master]
    return Entry(Component("VCALENDAR"), setting, master, others, definitions)


def changed(event_id: str, version: str, entry: Entry, window: Window) -> Changed:
    uid = entry.master.value("UID")
    try:
        busy, problem = busy_of(entry, *span_of(entry, entry.master), window)
    except Malformed as fault:
        return Changed(event_id, f"{version}.0", uid, problem=str(fault))
    problem = unknown_zone_problem(entry) or problem
    last = max((one.end for one in busy), default=EPOCH)
    return Changed(event_id, f"{version}.{int(last.timestamp())}", uid, None, busy, problem)


def ends_at(version: str) -> datetime:
    """When the last busy time ends of an event in this version, as far as the window reached."""
    _, _, seconds = version.rpartition(".")
    return EPOCH + timedelta(seconds=int(seconds) if seconds.isdigit() and len(seconds) < 12 else 0)


def relevant(event: Component) -> str:
    return "\n".join(f"{line.head}:{line.value}" for name in COUNTS for line in event.lines(name))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
