"""Where things stand on the week's grid (pure): days as columns, minutes of wall time as height."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from calendar_sandbox.week.owner import DAY, Occurrence

MINUTES = 24 * 60
SHORTEST = 20  # minutes of height that an event needs to be seen and hit


@dataclass(frozen=True)
class Block:
    """The part of a timed event that lies in one day; left and width are fractions of the column."""

    occurrence: Occurrence
    top: int  # minutes after midnight, wall time
    bottom: int
    starts_here: bool
    ends_here: bool
    left: float = 0.0
    width: float = 1.0


@dataclass(frozen=True)
class Band:
    """An all-day event across the week: first day's index, number of days, row."""

    occurrence: Occurrence
    first: int
    days: int
    row: int

    def covers(self, index: int) -> bool:
        return self.first <= index < self.first + self.days


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def blocks(occurrences: list[Occurrence], day: date, zone: ZoneInfo) -> list[Block]:
    """Return the day's timed blocks, those that overlap side by side."""
    cut = (_cut(occurrence, day, zone) for occurrence in occurrences if not occurrence.all_day)
    found = sorted((block for block in cut if block), key=lambda block: (block.top, -block.bottom))
    placed: list[Block] = []
    cluster: list[Block] = []
    for block in found:
        if cluster and block.top >= max(_foot(one) for one in cluster):
            placed += _side_by_side(cluster)
            cluster = []
        cluster.append(block)
    return placed + _side_by_side(cluster)


def bands(occurrences: list[Occurrence], monday: date) -> list[Band]:
    """Return the week's all-day bands, each in the first row that is free."""
    found: list[Band] = []
    for occurrence in occurrences:
        if not occurrence.all_day:
            continue
        first = max(0, (occurrence.start - monday).days)
        days = min(7, (occurrence.end - monday).days) - first
        if days <= 0:
            continue
        taken = {band.row for band in found if band.first < first + days and first < band.first + band.days}
        row = next(row for row in range(len(found) + 1) if row not in taken)
        found.append(Band(occurrence, first, days, row))
    return found


def _cut(occurrence: Occurrence, day: date, zone: ZoneInfo) -> Block | None:
    assert isinstance(occurrence.start, datetime)
    assert isinstance(occurrence.end, datetime)
    start, end = occurrence.start.astimezone(zone), occurrence.end.astimezone(zone)
    if start.date() > day or end.date() < day:
        return None
    starts_here = start.date() == day
    ends_here = end.date() == day or (end.date() == day + DAY and end.hour == end.minute == 0)
    top = start.hour * 60 + start.minute if starts_here else 0
    bottom = end.hour * 60 + end.minute if end.date() == day else MINUTES
    if not starts_here and bottom == 0:
        return None
    return Block(occurrence, top, max(bottom, top), starts_here, ends_here)


def _foot(block: Block) -> int:
    return max(block.bottom, block.top + SHORTEST)


def _side_by_side(cluster: list[Block]) -> list[Block]:
    columns: list[list[Block]] = []
    for block in cluster:
        free = next((column for column in columns if _foot(column[-1]) <= block.top), None)
        if free is None:
            columns.append([block])
        else:
            free.append(block)
    width = 1 / len(columns) if columns else 1
    return [
        Block(one.occurrence, one.top, one.bottom, one.starts_here, one.ends_here, index * width, width)
        for index, column in enumerate(columns)
        for one in column
    ]
