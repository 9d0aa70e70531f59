"""Which zone a TZID means: IANA names, Windows names, vendors' prefixes, or the VTIMEZONE that came along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar as IcsCalendar
from icalendar import Timezone

from genie.providers.ical.lines import Component, parse
from genie.providers.zone_names import iana

OFFSET = re.compile(r"\(?(?:UTC|GMT)\s*([+-])(\d{1,2}):?(\d{2})?\)?", re.IGNORECASE)
MOST_DEFINITIONS = 8
"""Zones one event may bring along; a real one has one or two."""
RULE_PARTS = {"FREQ", "BYMONTH", "BYDAY", "BYMONTHDAY", "UNTIL", "INTERVAL", "WKST"}
MOST_CHANGES, MOST_ENDLESS = 60, 4
"""Changes of clock in one definition: with the whole history some thirty, of which two go on for ever."""


def definitions(calendar: Component) -> dict[str, Component]:
    """The VTIMEZONEs that came along, by TZID; of absurdly many, the first."""
    found: dict[str, Component] = {}
    for definition in calendar.components("VTIMEZONE")[:MOST_DEFINITIONS]:
        found.setdefault(definition.value("TZID").strip('"'), definition)
    return found


def rules(tzid: str, defined_there: Mapping[str, Component]) -> tuple[str, tzinfo] | None:
    """The IANA name ("" if it has none) and the rules of a TZID used beside these definitions.

    A known name counts more than the VTIMEZONE beside it: those are often outdated or missing.
    None where neither says anything.
    """
    name = iana(tzid)
    if name:
        return name, ZoneInfo(name)
    definition = defined_there.get(tzid)
    if definition is not None:
        located = iana(definition.value("X-LIC-LOCATION"))
        if located:
            return located, ZoneInfo(located)
        own = defined(definition.dump())
        if own is not None:
            return "", own
    offset = by_offset(tzid)
    return ("", offset) if offset else None


def by_offset(tzid: str) -> tzinfo | None:
    """The offset that a display name states, as in `(UTC+01:00) Amsterdam, Berlin`."""
    match = OFFSET.search(tzid)
    if not match:
        return None
    sign = -1 if match[1] == "-" else 1
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return timezone(sign * timedelta(minutes=minutes)) if minutes < 24 * 60 else None


@lru_cache(maxsize=200)
def defined(vtimezone: str) -> tzinfo | None:
    """The rules a VTIMEZONE spells out, None if it makes no sense or would be work without end."""
    if len(vtimezone) > 50_000:
        return None
    try:
        calendar = IcsCalendar.from_ical(f"BEGIN:VCALENDAR\r\n{vtimezone}END:VCALENDAR\r\n")
        (definition,) = (part for part in calendar.walk() if isinstance(part, Timezone))
        if not is_plain(definition):
            return None
        made: tzinfo = definition.to_tz(lookup_tzid=False)
        made.utcoffset(datetime(2026, 1, 1))  # noqa: DTZ001 -- asks for the offset of a wall time
    except Exception:  # whatever the library raises, these rules cannot be used
        return None
    return made


def is_plain(definition: Timezone) -> bool:
    """Whether clocks change once a year, in few ways.

    Changes are stepped through from the first on: one a second, in an invitation that a stranger mailed,
    would hold a worker for ever.
    """
    endless = 0
    for change in definition.subcomponents:
        rules = change.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if rule.get("FREQ") != ["YEARLY"] or not set(rule) <= RULE_PARTS:
                return False
            endless += "UNTIL" not in rule
        if "EXRULE" in change:
            return False
    return len(definition.subcomponents) <= MOST_CHANGES and endless <= MOST_ENDLESS


@dataclass(frozen=True, slots=True)
class Observance:
    """One kind of change a zone goes through: from which offset to which, under which name."""

    daylight: bool
    before: timedelta
    after: timedelta
    name: str


@lru_cache(maxsize=500)
def definition_of(zone: str, year: int) -> str:
    """A VTIMEZONE for an IANA zone, right for events of the years `year` - 1 to `year` + 2.

    Written from the zone data itself: every change of these years is an onset of its observance, given in
    the wall time before the change (RFC 5545, 3.6.5).
    """
    rules = ZoneInfo(zone)
    first = datetime(year - 1, 1, 1, tzinfo=UTC)
    begins = first.astimezone(rules)
    offset = begins.utcoffset() or timedelta(0)
    resting = Observance(bool(begins.dst()), offset, offset, begins.tzname() or zone)
    onsets: dict[Observance, list[datetime]] = {resting: [datetime(1970, 1, 1)]}  # noqa: DTZ001 -- a wall time
    for moment in changes_of(rules, first, datetime(year + 3, 1, 1, tzinfo=UTC)):
        before = (moment - timedelta(minutes=1)).astimezone(rules).utcoffset() or timedelta(0)
        local = moment.astimezone(rules)
        kind = Observance(
            bool(local.dst()), before, local.utcoffset() or timedelta(0), local.tzname() or zone
        )
        onsets.setdefault(kind, []).append((moment + before).replace(tzinfo=None))
    blocks = "".join(observance_text(kind, walls) for kind, walls in onsets.items())
    return f"BEGIN:VTIMEZONE\r\nTZID:{zone}\r\n{blocks}END:VTIMEZONE\r\n"


def changes_of(rules: tzinfo, first: datetime, last: datetime) -> list[datetime]:
    """The instants in [first, last) at which the zone's offset changes, to the minute."""
    found = []
    day = first
    while day < last:
        following = day + timedelta(days=1)
        if day.astimezone(rules).utcoffset() != following.astimezone(rules).utcoffset():
            found.append(change_within(rules, day, following))
        day = following
    return found


def change_within(rules: tzinfo, low: datetime, high: datetime) -> datetime:
    start = low.astimezone(rules).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle.astimezone(rules).utcoffset() == start:
            low = middle
        else:
            high = middle
    return high


def observance_text(kind: Observance, walls: list[datetime]) -> str:
    section = "DAYLIGHT" if kind.daylight else "STANDARD"
    lines = [
        f"BEGIN:{section}",
        f"DTSTART:{walls[0]:%Y%m%dT%H%M%S}",
        *(f"RDATE:{wall:%Y%m%dT%H%M%S}" for wall in walls[1:]),
        f"TZOFFSETFROM:{offset_text(kind.before)}",
        f"TZOFFSETTO:{offset_text(kind.after)}",
        f"TZNAME:{kind.name}",
        f"END:{section}",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def offset_text(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def definition_component(zone: str, year: int) -> Component:
    text = definition_of(zone, year)
    return parse(f"BEGIN:VCALENDAR\r\n{text}END:VCALENDAR\r\n").components("VTIMEZONE")[0]


def of_calendar(vcalendar: str) -> str:
    """The IANA name in a collection's `calendar-timezone` property, "" if it says none."""
    try:
        definitions = parse(vcalendar).components("VTIMEZONE")
    except Exception:  # a property we can do without
        return ""
    for definition in definitions:
        name = iana(definition.value("X-LIC-LOCATION")) or iana(definition.value("TZID"))
        if name:
            return name
    return ""
