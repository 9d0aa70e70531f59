"""Which occurrences a series has: Graph's recurrencePattern and recurrenceRange, expanded by dateutil.

A rule is expanded in the wall time of the series' own zone, so that nine o'clock stays nine o'clock when the
clocks change. There is one occurrence a day at most, and its day names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from dateutil import rrule

from calendar_sandbox.microsoft import errors, times

Resource = dict[str, Any]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INDEX = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
PATTERNS = (
    "daily",
    "weekly",
    "absoluteMonthly",
    "relativeMonthly",
    "absoluteYearly",
    "relativeYearly",
)
MOST_OCCURRENCES = 999  # of a numbered range, says Outlook


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence where the rule puts it: its day in the series' zone, and its times."""

    day: str
    start: datetime  # UTC; of whole days the midnight that is shown
    end: datetime


def checked(given: Any, start: datetime, zone: str) -> Resource:
    """Read a patternedRecurrence for an event that starts at this wall time. Raise Refusal.

    What is not sent gets the value Graph answers with; the range's zone is the event's.
    """
    if not isinstance(given, dict):
        raise errors.bad_recurrence()
    pattern, span = given.get("pattern") or {}, given.get("range") or {}
    if not isinstance(pattern, dict) or not isinstance(span, dict):
        raise errors.bad_recurrence()
    made = {"pattern": _pattern(pattern, start), "range": _range(span, start, zone)}
    if next(_walls(made, start), None) is None:
        raise errors.bad_recurrence()
    return made


def _pattern(given: Resource, start: datetime) -> Resource:
    kind = _one_of(given.get("type"), PATTERNS)
    days = [_one_of(day, DAYS) for day in given.get("daysOfWeek") or []]
    made = {
        "type": kind,
        "interval": _number(given.get("interval", 1), 1, 999),
        "month": _number(given.get("month") or 0, 0, 12),
        "dayOfMonth": _number(given.get("dayOfMonth") or 0, 0, 31),
        "firstDayOfWeek": _one_of(given.get("firstDayOfWeek") or "sunday", DAYS),
        "index": _one_of(given.get("index") or "first", tuple(INDEX)),
    }
    if kind in ("weekly", "relativeMonthly", "relativeYearly"):
        if not days:
            raise errors.bad_recurrence()
        made["daysOfWeek"] = days
    if kind.startswith("absolute") and not made["dayOfMonth"]:
        raise errors.bad_recurrence()
    if kind.endswith("Yearly") and not made["month"]:
        raise errors.bad_recurrence()
    return made


def _range(given: Resource, start: datetime, zone: str) -> Resource:
    kind = _one_of(given.get("type"), ("endDate", "noEnd", "numbered"))
    made: Resource = {
        "type": kind,
        "startDate": str(_date(given.get("startDate") or str(start.date()))),
        "endDate": "0001-01-01",
        "recurrenceTimeZone": zone,
        "numberOfOccurrences": 0,
    }
    if kind == "endDate":
        made["endDate"] = str(_date(given.get("endDate")))
        if made["endDate"] < made["startDate"]:
            raise errors.bad_recurrence()
    if kind == "numbered":
        made["numberOfOccurrences"] = _number(given.get("numberOfOccurrences"), 1, MOST_OCCURRENCES)
    return made


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    for one in known:
        if isinstance(value, str) and one.lower() == value.lower():
            return one
    raise errors.bad_recurrence()


def _number(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise errors.bad_recurrence()
    return value


def _date(text: Any) -> date:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        raise errors.bad_recurrence() from None


def first_day(recurrence: Resource, start: datetime) -> date:
    """The day of the first occurrence: the event is put there."""
    return next(_walls(recurrence, start)).date()


def occurrences(shape: Resource, since: datetime, until: datetime) -> list[Occurrence]:
    """The occurrences of a master that lie in a window, by time. `shape` has its times and its rule."""
    if not shape.get("recurrence"):
        return []
    all_day = bool(shape.get("isAllDay"))
    zone = str(shape.get("originalStartTimeZone") or "UTC")
    start, end = (times.read_wall(shape[name]["dateTime"]) for name in ("start", "end"))
    length = end - start
    first = start if all_day else times.to_wall(start.replace(tzinfo=UTC), zone)
    early = (since - length - 2 * times.DAY).replace(tzinfo=None)
    late = (until + 2 * times.DAY).replace(tzinfo=None)
    found = []
    for wall in _walls(shape["recurrence"], first, early):
        if wall > late:
            break
        begins = wall.replace(tzinfo=UTC) if all_day else times.from_wall(wall, zone)
        real = times.from_wall(wall, zone) if all_day else begins
        if overlaps(real, real + length, since, until):
            found.append(Occurrence(str(wall.date()), begins, begins + length))
    return found


def occurrence_on(shape: Resource, day: str) -> Occurrence | None:
    """The occurrence a rule puts on a day, if any."""
    try:
        noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    except ValueError:
        return None
    near = occurrences(shape, noon - 2 * times.DAY, noon + 2 * times.DAY)
    return next((one for one in near if one.day == day), None)


def neighbours(shape: Resource, day: str) -> tuple[str, str]:
    """The days of the occurrences before and after one; empty when there is none."""
    zone = str(shape.get("originalStartTimeZone") or "UTC")
    start = times.read_wall(shape["start"]["dateTime"])
    first = start if shape.get("isAllDay") else times.to_wall(start.replace(tzinfo=UTC), zone)
    before = ""
    for wall in _walls(shape["recurrence"], first):
        found = str(wall.date())
        if found > day:
            return before, found
        if found < day:
            before = found
    return before, ""


def overlaps(start: datetime, end: datetime, since: datetime, until: datetime) -> bool:
    """Say whether something lies in a window; of no length, it lies where it begins."""
    return start < until and (end > since or start == end >= since)


def _walls(recurrence: Resource, start: datetime, since: datetime | None = None) -> Iterator[datetime]:
    """The wall times a rule gives, from `since` on if that is later than the first."""
    pattern, span = recurrence["pattern"], recurrence["range"]
    begin = datetime.combine(date.fromisoformat(span["startDate"]), start.time())
    more: Resource = {}
    if span["type"] == "numbered":
        more["count"] = span["numberOfOccurrences"]
    if span["type"] == "endDate":
        more["until"] = datetime.combine(date.fromisoformat(span["endDate"]), start.time())
    rule = _rule(pattern, begin, more)
    if since is None or since <= begin:
        yield from rule
    else:
        yield from rule.xafter(since, inc=True)


def _rule(pattern: Resource, begin: datetime, more: Resource) -> rrule.rrule:
    kind, every = pattern["type"], pattern["interval"]
    days = [DAYS.index(day) for day in pattern.get("daysOfWeek", ())]
    if kind == "daily":
        return rrule.rrule(rrule.DAILY, dtstart=begin, interval=every, **more)
    if kind == "weekly":
        week = DAYS.index(pattern["firstDayOfWeek"])
        return rrule.rrule(rrule.WEEKLY, dtstart=begin, interval=every, wkst=week, byweekday=days, **more)
    often: Literal[0, 1] = 0 if kind.endswith("Yearly") else 1  # rrule.YEARLY, rrule.MONTHLY
    if not often:
        more = more | {"bymonth": pattern["month"]}
    if kind.startswith("absolute"):
        # the 31st of a shorter month is its last day
        upto = pattern["dayOfMonth"]
        month_days = list(range(min(28, upto), upto + 1))
        return rrule.rrule(often, dtstart=begin, interval=every, bymonthday=month_days, bysetpos=-1, **more)
    place = INDEX[pattern["index"]]
    return rrule.rrule(often, dtstart=begin, interval=every, byweekday=days, bysetpos=place, **more)
