"""Opening hours: wall time of weekdays and dates in one zone, turned into instants."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import compress
from zoneinfo import ZoneInfo

from genie.core.spans import MINUTE, Covered, micros, moment

DAY = timedelta(days=1)
MIDNIGHT = time()
SECOND = MINUTE // 60

Range = tuple[time, time]
"""(opens, closes), wall time. A closing time that is not after the opening one is on the next day."""


@dataclass(frozen=True, eq=False)  # known again as itself: what follows from it is kept (core/availability)
class Hours:
    """When a business is open: by weekday (0 = Monday); `overrides` replace a date's (empty = closed).

    Nothing in it may change once it is made.
    """

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Range]]
    overrides: Mapping[date, Sequence[Range]] = field(default_factory=dict)

    def on(self, day: date) -> Sequence[Range]:
        """The ranges that open on that local date."""
        override = self.overrides.get(day)
        return self.weekly.get(day.weekday(), ()) if override is None else override

    def openings(self, *, first: date, last: date) -> Covered:
        """The ranges that open on the local dates `first` to `last`, as instants; what touches is one."""
        return Covered.by(self._ranges(first, last))

    def _ranges(self, first: date, last: date) -> Iterator[tuple[int, int]]:
        weekly = [_distances(self.weekly.get(weekday, ())) for weekday in range(7)]
        own = {(day - first).days: _distances(ranges) for day, ranges in self.overrides.items()}
        midnights = _midnights(self.zone, first, last + DAY)
        weekday = first.weekday()
        for number, midnight in enumerate(midnights[:-1]):
            # a date of 24 hours has no change of clock: its wall times are plain distances from midnight
            plain = midnights[number + 1] - midnight == 1440 * MINUTE
            for opens, closes, wall in own.get(number, weekly[(weekday + number) % 7]):
                if plain and closes:
                    yield midnight + opens, midnight + closes
                    continue
                day = first + number * DAY
                start = midnight + opens if plain else instant_of(day, wall[0], self.zone)
                yield start, instant_of(day if closes else day + DAY, wall[1], self.zone)


def _distances(ranges: Sequence[Range]) -> list[tuple[int, int, Range]]:
    """(from midnight to opening, to closing or 0 where that is on the next day, the range itself)."""
    return [
        (_since_midnight(opens), _since_midnight(closes) if closes > opens else 0, (opens, closes))
        for opens, closes in ranges
    ]


def _since_midnight(wall: time) -> int:
    return ((wall.hour * 60 + wall.minute) * 60 + wall.second) * SECOND + wall.microsecond


def _midnights(zone: ZoneInfo, first: date, last: date) -> list[int]:
    """When the local dates `first` to `last` begin."""
    found: list[int] = []
    for month in _months(first, last):
        found += _month(zone, *month).midnights
    begin = first.day - 1
    return found[begin : begin + (last - first).days + 1]


def instant_of(day: date, wall: time, zone: ZoneInfo) -> int:
    """A wall time of a local date as an instant, in microseconds since 2000.

    One that does not exist (clocks go forward) is the first instant after the gap; one that occurs twice
    (clocks go back) is the first.
    """
    early = datetime.combine(day, wall, zone)
    offset, later_offset = early.utcoffset(), early.replace(fold=1).utcoffset()
    assert offset is not None
    assert later_offset is not None
    naive = micros(early.replace(tzinfo=UTC))
    if later_offset <= offset:  # it exists; after a step back both offsets apply and the larger comes first
        return naive - _micros(offset)
    return _change_between(naive - _micros(later_offset), naive - _micros(offset), zone)


def readings_of(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants at which the clocks of a zone show `wall` (without a zone), in order, as UTC datetimes.

    None in the hour that is left out as they go forward, two in the hour that comes twice as they go back.
    """
    both = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(one for one in both if one.astimezone(zone).replace(tzinfo=None) == wall)


def _micros(offset: timedelta) -> int:
    return offset // timedelta(microseconds=1)


def _change_between(before: int, after: int, zone: ZoneInfo) -> int:
    """The first instant in (before, after] with another offset than `before`; a whole second."""
    low, high = before // SECOND, -(-after // SECOND)
    offset = _offset_at(low * SECOND, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_at(middle * SECOND, zone) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND


def _offset_at(instant: int, zone: ZoneInfo) -> timedelta | None:
    return moment(instant).astimezone(zone).utcoffset()


def span_of(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From where the local date `first` begins to where `last` is over, in UTC."""
    return moment(instant_of(first, MIDNIGHT, zone)), moment(instant_of(last + DAY, MIDNIGHT, zone))


@dataclass(frozen=True, slots=True)
class LocalDates:
    """Which local date an instant belongs to: piece i runs from starts[i] to starts[i + 1]."""

    starts: Sequence[int]
    dates: Sequence[date]

    @classmethod
    def of(cls, zone: ZoneInfo, *, first: date, last: date) -> LocalDates:
        """The pieces of the months of `first` to `last`, at least; the last piece has no end."""
        starts: list[int] = []
        dates: list[date] = []
        for month in _months(first, last + DAY):
            known = _month(zone, *month)
            again = bool(dates) and dates[-1] == known.dates[0]
            starts += known.starts[again:]
            dates += known.dates[again:]
        return cls(starts, dates)

    def date_of(self, instant: int) -> date | None:
        """None before the first piece."""
        place = bisect_right(self.starts, instant) - 1
        return self.dates[place] if place >= 0 else None

    def began(self, instant: int) -> int:
        """When the piece of an instant began."""
        return self.starts[bisect_right(self.starts, instant) - 1]

    def stretches(self, wanted: Container[date]) -> Iterator[tuple[int, int]]:
        """The time of certain local dates, whole."""
        for place, day in enumerate(self.dates[:-1]):
            if day in wanted:
                yield self.starts[place], self.starts[place + 1]

    def time_of(self, *, first: date, last: date) -> Covered:
        """The time of the local dates `first` to `last`."""
        inside = [first <= day <= last for day in self.dates[:-1]]
        starts = compress(self.starts, inside)
        return Covered.by(zip(starts, compress(self.starts[1:], inside), strict=True))

    def by_date(self, instants: Sequence[int], *, first: date, last: date) -> dict[date, list[int]]:
        """Instants in order, by local date; dates from `first` to `last` that have any."""
        found: dict[date, list[int]] = {}
        if not instants:
            return found
        begin = max(bisect_right(self.starts, instants[0]) - 1, 0)
        until = bisect_left(self.starts, instants[-1] + 1, begin, len(self.starts) - 1)
        past = bisect_left(instants, self.starts[begin])
        for place in range(begin, until):
            since, past = past, bisect_left(instants, self.starts[place + 1], past)
            if since < past and first <= self.dates[place] <= last:
                found.setdefault(self.dates[place], []).extend(instants[since:past])
        return found

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, date]]:
        """[start, end) cut where the local date changes: (from, to, date), in order."""
        starts, dates = self.starts, self.dates
        place = max(bisect_right(starts, start) - 1, 0)
        while place < len(starts) - 1 and start < end:
            until = starts[place + 1]
            if starts[place] <= start < until:
                yield start, until if until < end else end, dates[place]
            start = until if until > start else start
            place += 1


def _months(first: date, last: date) -> Iterator[tuple[int, int]]:
    """(year, month) from that of `first` to that of `last`."""
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield number // 12, number % 12 + 1


@dataclass(frozen=True, slots=True)
class _Month:
    """What the clocks of a zone do in one month: when its dates begin, and the pieces of these."""

    midnights: Sequence[int]
    starts: Sequence[int]
    dates: Sequence[date]


@lru_cache(maxsize=1024)  # what a zone's clocks do in a month stays so while the process runs
def _month(zone: ZoneInfo, year: int, month: int) -> _Month:
    days = [date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1)]
    starts: list[int] = []
    dates: list[date] = []
    for day in days:
        for begins, on in _pieces(day, zone):
            if not dates or dates[-1] != on:
                starts.append(begins)
                dates.append(on)
    return _Month([instant_of(day, MIDNIGHT, zone) for day in days], starts, dates)


def _pieces(day: date, zone: ZoneInfo) -> Sequence[tuple[int, date]]:
    """Where `day` begins. Clocks that go back over midnight give the eve a second turn: day, eve, day."""
    begins = instant_of(day, MIDNIGHT, zone)
    again = micros(datetime.combine(day, MIDNIGHT, zone).replace(fold=1).astimezone(UTC))
    if again <= begins:
        # a date may be left out whole (Apia, 30 December 2011): the instant then belongs to the next
        return [(begins, moment(begins).astimezone(zone).date())]
    back = _change_between(begins, again, zone)
    return [(at, moment(at).astimezone(zone).date()) for at in (begins, back, again)]
