"""Holidays: a fixed day of a month, or the nth or last weekday of one; every year or in one only.

Public holidays of a country (core/public_holidays) are values of the same kind, one for each date.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from zoneinfo import ZoneInfo

from genie.core.hours import LocalDates, instant_of
from genie.core.spans import Covered

LAST = -1
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", LAST: "last"}


@dataclass(frozen=True, slots=True)
class Holiday:
    """Closes a local date. Either `day` (1-31), or `weekday` (0 = Monday) with `week` (1-5 or LAST).

    `start` and `end` are wall time, for a part of the date: without `start` from its beginning, without `end`
    to its end. Raises ValueError when neither or both ways to name a day are said, or the part is backwards.
    """

    title: str
    month: int
    day: int | None = None
    weekday: int | None = None
    week: int | None = None
    year: int | None = None
    start: time | None = None
    end: time | None = None

    def __post_init__(self) -> None:
        by_weekday = self.weekday is not None and self.week is not None
        if by_weekday == (self.day is not None) or not 1 <= self.month <= 12:
            raise ValueError("a Holiday has a month and either a day or a weekday and week")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError("a part of a Holiday ends after it starts")

    @property
    def is_whole(self) -> bool:
        return self.start is None and self.end is None

    @property
    def rule_said(self) -> str:
        """*25 December*, *last Monday of May*, *4 May 2026*: when it is."""
        month = MONTHS[self.month - 1]
        if self.weekday is not None and self.week is not None:
            said = f"{WEEKS[self.week]} {WEEKDAYS[self.weekday]} of {month}"
        else:
            said = f"{self.day} {month}"
        return said if self.year is None else f"{said} {self.year}"

    @property
    def part_said(self) -> str:
        """*all day*, *from 14:00*, *until 10:00*, *12:00–13:30*: what of the day is closed."""
        if self.start is None:
            return "all day" if self.end is None else f"until {self.end:%H:%M}"
        return f"from {self.start:%H:%M}" if self.end is None else f"{self.start:%H:%M}–{self.end:%H:%M}"

    def date_in(self, year: int) -> date | None:
        """Its date in that year; None where there is none (29 February, fifth Monday, another year's)."""
        if self.year is not None and self.year != year:
            return None
        first_weekday, length = monthrange(year, self.month)
        day = self.day
        if self.weekday is not None and self.week is not None:
            first = 1 + (self.weekday - first_weekday) % 7
            last = first + (length - first) // 7 * 7
            day = last if self.week == LAST else first + (self.week - 1) * 7
        return date(year, self.month, day) if day is not None and 1 <= day <= length else None


def occurrences(
    holidays: Iterable[Holiday], *, first: date, last: date, besides: Container[date] = ()
) -> list[tuple[date, Holiday]]:
    """Which holiday falls on which local date from `first` to `last`, in order of the dates.

    On the dates in `besides` none counts: they have hours of their own, which are the last word.
    """
    years = range(first.year, last.year + 1)
    dated = ((holiday.date_in(year), holiday) for holiday in holidays for year in years)
    found = [(day, holiday) for day, holiday in dated if day and first <= day <= last and day not in besides]
    return sorted(found, key=lambda pair: pair[0])


def closed(
    holidays: Iterable[Holiday], *, zone: ZoneInfo, first: date, last: date, besides: Container[date] = ()
) -> Covered:
    """The time that holidays of the local dates `first` to `last` close; `besides` as of `occurrences`."""
    found = occurrences(holidays, first=first, last=last, besides=besides)
    return Covered.by(stretch for day, holiday in found for stretch in _stretches(holiday, day, zone))


def _stretches(holiday: Holiday, day: date, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """The time of one date: whole, or cut to the part. Wall times are placed as opening hours are."""
    dates = LocalDates.of(zone, first=day, last=day)
    low = None if holiday.start is None else instant_of(day, holiday.start, zone)
    high = None if holiday.end is None else instant_of(day, holiday.end, zone)
    for start, end in dates.stretches({day}):
        yield start if low is None else max(start, low), end if high is None else min(end, high)
