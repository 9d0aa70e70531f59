"""Which instances a recurring event has: RRULE, RDATE, EXRULE and EXDATE lines, expanded by dateutil.

A rule is expanded in the wall time of the event's own zone, so that nine o'clock stays nine o'clock when the
clocks change. An instance is named by its master's id and its original start: `id_20261124T090000Z`, or
`id_20261124` in a series of whole days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

from dateutil.rrule import rrule, rruleset, rrulestr

from calendar_sandbox.google import errors, times
from calendar_sandbox.google.times import When

# A series without an end is shown this many instances into the future (seen: a weekly one up to 2040)
FAR = 730
MOST = 20_000  # instances of one series, to stay alive when somebody asks for a secondly one

LINE = re.compile(r"(RRULE|EXRULE|RDATE|EXDATE)((?:;[A-Z-]+=[^:;]+)*):(.+)", re.IGNORECASE)
INSTANCE_ID = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z)?)")


@dataclass(frozen=True, slots=True)
class Instance:
    """One occurrence: where the rule puts it, and when it ends."""

    start: When
    end: When

    @property
    def suffix(self) -> str:
        if self.start.date is not None:
            return f"{self.start.date:%Y%m%d}"
        assert self.start.instant is not None
        return f"{self.start.instant:%Y%m%dT%H%M%SZ}"


def split_id(event_id: str) -> tuple[str, str]:
    """The master's id and the instance's suffix, or the id and nothing."""
    found = INSTANCE_ID.fullmatch(event_id)
    return (found[1], found[2]) if found else (event_id, "")


def check(lines: list[Any], start: When) -> None:
    """Raise Refusal when a line cannot be read or no instance comes of them."""
    try:
        rules = _rules(lines, start)
        if not any(line.upper().startswith(("RRULE", "RDATE")) for line in lines):
            raise ValueError("nothing repeats")
        if next(iter(rules), None) is None:
            raise ValueError("no instance")
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
        raise errors.invalid("Invalid recurrence rule.") from None


def instances(resource: dict[str, Any], *, now: datetime) -> Iterator[Instance]:
    """The instances of a stored master in time order, up to FAR of them after `now`."""
    start, end = times.when_kept(resource["start"]), times.when_kept(resource["end"])
    future = 0
    for wall in islice(iter(_rules(resource["recurrence"], start)), MOST):
        instance = _placed(wall, start, end)
        if instance.start.at("UTC") > now:
            future += 1
            if future > FAR:
                return
        yield instance


def _placed(wall: datetime, start: When, end: When) -> Instance:
    if start.date is not None and end.date is not None:
        begins = wall.date()
        return Instance(When(date=begins), When(date=begins + (end.date - start.date)))
    assert start.instant is not None
    assert end.instant is not None
    begin = times.from_wall(wall, start.zone)
    last = begin + (end.instant - start.instant)
    return Instance(When(instant=begin, zone=start.zone), When(instant=last, zone=end.zone))


def _rules(lines: list[Any], start: When) -> rruleset:
    first = _first(start)
    rules = rruleset()
    ruled = False
    for line in lines:
        found = LINE.fullmatch(line.strip())
        if not found:
            raise ValueError(line)
        kind, parameters, value = found[1].upper(), found[2], found[3]
        if kind in ("RRULE", "EXRULE"):
            rule = _rule(value, first, start)
            (rules.rrule if kind == "RRULE" else rules.exrule)(rule)
            ruled = ruled or kind == "RRULE"
        else:
            for moment in _dates(parameters, value, start):
                (rules.rdate if kind == "RDATE" else rules.exdate)(moment)
    if not ruled:
        rules.rdate(first)
    return rules


def _first(start: When) -> datetime:
    if start.date is not None:
        return datetime.combine(start.date, time())
    assert start.instant is not None
    return times.to_wall(start.instant, start.zone)


def _rule(value: str, first: datetime, start: When) -> rrule:
    parts = dict(part.split("=", 1) for part in value.upper().split(";") if part)
    if parts.get("FREQ") not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY", "MINUTELY"):
        raise ValueError(value)
    if "UNTIL" in parts:
        parts["UNTIL"] = f"{_moment(parts['UNTIL'], start, zone='', last=True):%Y%m%dT%H%M%S}"
    text = ";".join(f"{name}={said}" for name, said in parts.items())
    found = rrulestr(text, dtstart=first)
    if not isinstance(found, rrule):
        raise ValueError(value)
    return found


def _dates(parameters: str, value: str, start: When) -> Iterator[datetime]:
    named = dict(part.split("=", 1) for part in parameters.upper().split(";") if part)
    zone = next((p.split("=", 1)[1] for p in parameters.split(";") if p.upper().startswith("TZID=")), "")
    if named.get("VALUE") == "PERIOD":
        raise ValueError(value)
    for text in value.split(","):
        yield _moment(text.strip().upper(), start, zone=zone)


def _moment(text: str, start: When, *, zone: str, last: bool = False) -> datetime:
    """A moment of a rule as wall time in the event's zone; a date is its midnight, or its last second."""
    if "T" not in text:
        day = datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007  wall time is meant
        if start.all_day:
            return day
        first = _first(start)
        return (
            day + timedelta(hours=23, minutes=59, seconds=59)
            if last
            else day.replace(hour=first.hour, minute=first.minute, second=first.second)
        )
    wall = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007  wall time is meant
    if start.all_day:
        return wall.replace(hour=0, minute=0, second=0)
    if text.endswith("Z"):
        return times.to_wall(wall.replace(tzinfo=UTC), start.zone)
    if zone and zone != start.zone:
        return times.to_wall(times.from_wall(wall, zone), start.zone)
    return wall
