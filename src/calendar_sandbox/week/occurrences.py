"""What happens when: calendar objects unrolled into occurrences (pure; the server's text in, values out)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from calendar_sandbox.caldav_client import StoredObject
from calendar_sandbox.week.owner import DAY, Occurrence, instant, key_of, moment_of

SERIES = ("RRULE", "RDATE")


@lru_cache(maxsize=2000)
def _parsed(text: str) -> icalendar.Calendar:
    """Parse an object; only read from, so the same week shown again costs no parsing."""
    return icalendar.Calendar.from_ical(text)


class Unrolled:
    """A stored object, parsed once."""

    def __init__(self, stored: StoredObject, zone: ZoneInfo) -> None:
        self.stored = stored
        self.zone = zone
        self.calendar = _parsed(stored.text)
        events: list[Any] = list(self.calendar.events)
        self.overrides = {
            key_of(event["RECURRENCE-ID"].dt): event for event in events if "RECURRENCE-ID" in event
        }
        self.master = next((event for event in events if "RECURRENCE-ID" not in event), None)
        self.repeats = self.master is None or any(name in self.master for name in SERIES)

    def between(self, first: datetime, last: datetime) -> Iterator[Occurrence]:
        # Floating times and dates are compared without a zone, so the edges are looked at more widely first.
        for event in recurring_ical_events.of(self.calendar).between(first - DAY, last + DAY):
            occurrence = self.occurrence(event, key_of(event["RECURRENCE-ID"].dt) if self.repeats else "")
            starts, ends = instant(occurrence.start, self.zone), instant(occurrence.end, self.zone)
            if starts < last and (ends > first or starts == ends >= first):
                yield occurrence

    def one(self, key: str) -> Occurrence | None:
        """Return the occurrence of this key, wherever it was moved to."""
        if not key:
            return None if self.repeats else self.occurrence(self.master, "")
        if key in self.overrides:
            return self.occurrence(self.overrides[key], key)
        around = instant(moment_of(key), self.zone)
        nearby = self.between(around - DAY, around + 2 * DAY)
        return next((occurrence for occurrence in nearby if occurrence.key == key), None)

    def occurrence(self, event: Any, key: str) -> Occurrence:
        start, end = event.start, event.end
        if isinstance(start, datetime):
            start, end = instant(start, self.zone), instant(end, self.zone)
        return Occurrence(
            href=self.stored.href,
            etag=self.stored.etag,
            key=key,
            uid=str(event.get("UID", "")),
            title=str(event.get("SUMMARY", "")),
            place=str(event.get("LOCATION", "")),
            notes=str(event.get("DESCRIPTION", "")),
            start=start,
            end=max(end, start),
            free=str(event.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT",
            status=str(event.get("STATUS", "CONFIRMED")).upper(),
            changed_alone=key in self.overrides,
            rule=self.master["RRULE"].to_ical().decode() if self.master and "RRULE" in self.master else "",
        )


def between(
    stored: list[StoredObject], first: datetime, last: datetime, zone: ZoneInfo
) -> tuple[list[Occurrence], list[str]]:
    """Return the occurrences that meet [first, last), by start, and the hrefs that could not be read."""
    found: list[Occurrence] = []
    unreadable = []
    for one in stored:
        try:
            found.extend(Unrolled(one, zone).between(first, last))
        except Exception:  # whatever a foreign object holds, the rest of the week is still shown
            unreadable.append(one.href)
    return sorted(
        found, key=lambda occurrence: (instant(occurrence.start, zone), occurrence.title)
    ), unreadable


def one_of(stored: StoredObject, key: str, zone: ZoneInfo) -> Occurrence | None:
    """Return the occurrence of this key, or None; raise ValueError when it is unreadable."""
    return Unrolled(stored, zone).one(key)


def has_any(text: str) -> bool:
    """Say whether the object still has an occurrence."""
    return next(iter(recurring_ical_events.of(icalendar.Calendar.from_ical(text)).all()), None) is not None
