"""Holidays: a fixed day of a month, or the nth or last weekday of one; every year or in one only."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

LAST = -1


@dataclass(frozen=True, slots=True)
class Holiday:
    """Closes a whole local date. Either `day` (1-31), or `weekday` (0 = Monday) with `week` (1-5 or LAST).

    Raises ValueError when neither or both are said.
    """

    title: str
    month: int
    day: int | None = None
    weekday: int | None = None
    week: int | None = None
    year: int | None = None

    def __post_init__(self) -> None:
        by_weekday = self.weekday is not None and self.week is not None
        if by_weekday == (self.day is not None) or not 1 <= self.month <= 12:
            raise ValueError("a Holiday has a month and either a day or a weekday and week")

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


def dates_closed(holidays: Iterable[Holiday], *, first: date, last: date) -> set[date]:
    """The local dates from `first` to `last` that are holidays."""
    years = range(first.year, last.year + 1)
    found = {holiday.date_in(year) for holiday in holidays for year in years}
    return {day for day in found if day is not None and first <= day <= last}
