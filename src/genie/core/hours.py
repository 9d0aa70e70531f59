"""Opening hours: wall time of weekdays and dates in one zone, turned into instants."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from genie.core.spans import MINUTE, Covered, micros, moment

DAY = timedelta(days=1)
MIDNIGHT = time()
SECOND = MINUTE // 60

Range = tuple[time, time]
"""(opens, closes), wall time. A closing time that is not after the opening one is on the next day."""


@dataclass(frozen=True)
class Hours:
    """When a business is open: by weekday (0 = Monday); `overrides` replace a date's (empty = closed)."""

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
        day, midnight = first, instant_of(first, MIDNIGHT, self.zone)
        while day <= last:
            following = day + DAY
            next_midnight = instant_of(following, MIDNIGHT, self.zone)
            # a date of 24 hours has no change of clock: its wall times are plain distances from midnight
            plain = next_midnight - midnight == 1440 * MINUTE
            for opens, closes in self.on(day):
                start = midnight + _since_midnight(opens) if plain else instant_of(day, opens, self.zone)
                if closes > opens and plain:
                    yield start, midnight + _since_midnight(closes)
                else:
                    yield start, instant_of(day if closes > opens else following, closes, self.zone)
            day, midnight = following, next_midnight


def _since_midnight(wall: time) -> int:
    return ((wall.hour * 60 + wall.minute) * 60 + wall.second) * SECOND + wall.microsecond


@lru_cache(maxsize=16_384)  # the same midnights are asked for again and again
def instant_of(day: date, wall: time, zone: ZoneInfo) -> int:
    """A wall time of a local date as an instant, in microseconds since 1970.

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


@dataclass(frozen=True, slots=True)
class LocalDates:
    """Which local date an instant belongs to: piece i runs from starts[i] to starts[i + 1]."""

    starts: Sequence[int]
    dates: Sequence[date]

    @classmethod
    def of(cls, zone: ZoneInfo, *, first: date, last: date) -> LocalDates:
        """The pieces of the dates `first` to `last`; the last piece, of the date after, has no end."""
        starts: list[int] = []
        dates: list[date] = []
        for number in range((last - first).days + 2):
            for begins, day in _pieces(first + number * DAY, zone):
                if not dates or dates[-1] != day:
                    starts.append(begins)
                    dates.append(day)
        return cls(starts, dates)

    def date_of(self, instant: int) -> date | None:
        """None before the first piece."""
        place = bisect_right(self.starts, instant) - 1
        return self.dates[place] if place >= 0 else None

    def stretches(self, wanted: Container[date]) -> Iterator[tuple[int, int]]:
        """The time of certain local dates, whole."""
        for place, day in enumerate(self.dates[:-1]):
            if day in wanted:
                yield self.starts[place], self.starts[place + 1]

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, date]]:
        """[start, end) cut where the local date changes: (from, to, date), in order."""
        place = max(bisect_right(self.starts, start) - 1, 0)
        while place < len(self.starts) - 1 and self.starts[place] < end:
            low, high = max(start, self.starts[place]), min(end, self.starts[place + 1])
            if low < high:
                yield low, high, self.dates[place]
            place += 1


@lru_cache(maxsize=16_384)
def _pieces(day: date, zone: ZoneInfo) -> Sequence[tuple[int, date]]:
    """Where `day` begins. Clocks that go back over midnight give the eve a second turn: day, eve, day."""
    begins = instant_of(day, MIDNIGHT, zone)
    again = micros(datetime.combine(day, MIDNIGHT, zone).replace(fold=1).astimezone(UTC))
    if again <= begins:
        # a date may be left out whole (Apia, 30 December 2011): the instant then belongs to the next
        return [(begins, moment(begins).astimezone(zone).date())]
    back = _change_between(begins, again, zone)
    return [(at, moment(at).astimezone(zone).date()) for at in (begins, back, again)]
