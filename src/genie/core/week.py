"""Weekly hours as people enter them: ranges of one weekday, joined where they overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time

DAY = 24 * 60
"""Minutes."""


@dataclass(frozen=True, slots=True, order=True)
class DayRange:
    """Open from `opens` to `closes` on a weekday (0 = Monday); if `closes` is not after, the next day."""

    weekday: int
    opens: time
    closes: time

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6:
            raise ValueError("a weekday is 0 (Monday) to 6 (Sunday)")

    @property
    def past_midnight(self) -> bool:
        return self.closes <= self.opens

    @property
    def minutes(self) -> tuple[int, int]:
        """From the weekday's midnight; the end may lie on the next day."""
        start, end = _minutes(self.opens), _minutes(self.closes)
        return start, end if end > start else end + DAY


def joined(ranges: Iterable[DayRange]) -> list[DayRange]:
    """The ranges in order, those of one weekday that touch or overlap as one.

    Ranges whose union is longer than a day stay apart: one range cannot say it, and the slot rules join
    them anyway.
    """
    kept: list[DayRange] = []
    for one in sorted(ranges):
        union = _union(kept[-1], one) if kept and kept[-1].weekday == one.weekday else None
        if union:
            kept[-1] = union
        elif not (kept and (kept[-1].weekday, kept[-1].opens) == (one.weekday, one.opens)):
            kept.append(one)
        else:
            kept[-1] = max(kept[-1], one, key=lambda r: r.minutes[1])
    return kept


def _union(first: DayRange, second: DayRange) -> DayRange | None:
    (start, end), (later, last) = first.minutes, second.minutes
    whole = max(end, last)
    if later > end or whole - start > DAY:
        return None
    return DayRange(first.weekday, first.opens, time(*divmod(whole % DAY, 60)))


def _minutes(wall: time) -> int:
    return wall.hour * 60 + wall.minute


NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def said_week(ranges: Iterable[DayRange]) -> str:
    """Weekly hours in one line, equal neighbouring days together: *Mon–Fri 09:00–17:00; Sat 10:00–14:00*."""
    days: list[list[str]] = [[] for _ in range(7)]
    for one in sorted(ranges):
        days[one.weekday].append(f"{one.opens:%H:%M}–{one.closes:%H:%M}{' (next day)' * one.past_midnight}")
    runs: list[tuple[int, int, str]] = []
    for weekday, said in enumerate(map(", ".join, days)):
        if runs and runs[-1][2] == said:
            runs[-1] = (runs[-1][0], weekday, said)
        else:
            runs.append((weekday, weekday, said))
    open_runs = [f"{_days(first, last)} {said}" for first, last, said in runs if said]
    return "; ".join(open_runs) or "closed all week"


def _days(first: int, last: int) -> str:
    if first == last:
        return NAMES[first]
    return f"{NAMES[first]}{', ' if last == first + 1 else '–'}{NAMES[last]}"
