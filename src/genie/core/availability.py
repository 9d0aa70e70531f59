"""Which starts a module offers: the slot rules 1 to 8, pure.

Instants are microseconds since 2000 inside (core/spans). Everything that blocks (busy time, time off,
holidays, and time in which appointments fill the capacity) becomes one kind of thing, stretches in order;
the grid of candidate starts is then walked beside them, gap by gap. Zones are asked per date, never per slot.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from genie.core.holidays import Holiday, closed
from genie.core.hours import DAY, Hours, LocalDates
from genie.core.spans import MINUTE, Covered, Span, crowded, micros, moment, overlaid, shared

ENDLESS = 7
"""Dates. An opening that ran on so long has no beginning to speak of: its grid begins anew at midnight."""
Piece = tuple[int, int, date, int]
"""Candidates of one local date: (from, before, the date, where their grid begins)."""
NEVER = Covered([2**64], [2**65])
"""Later than any instant: a walk beside stretches finds an end there."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of a module, or of one of its kinds; minutes, unless said otherwise.

    `capacity` and `per_day` are the module's and count whatever there is. `own_capacity` and `own_per_day`
    are those of the kind named by the number `kind`, beside them. Raises ValueError for a step not above 0.
    """

    duration: int
    between: int = 0
    start_every: int | None = None
    capacity: int = 1
    capacity_by_weekday: Mapping[int, int] = field(default_factory=dict)  # 0 = Monday
    per_day: int = 0  # 0 = no limit
    how_soon: int = 0
    horizon_days: int | None = None
    horizon_months: int | None = None
    kind: int = 0  # 0 = none
    own_capacity: int = 0  # 0 = no limit of its own
    own_per_day: int = 0

    def __post_init__(self) -> None:
        if self.duration <= 0 or self.step <= 0 or self.between < 0:
            raise ValueError("duration and start times are above 0 minutes, time between is not below 0")

    @property
    def step(self) -> int:
        return self.duration + self.between if self.start_every is None else self.start_every

    @property
    def occupies(self) -> int:
        """Microseconds from a start to the end of the time kept free after it."""
        return (self.duration + self.between) * MINUTE

    def last_date(self, today: date) -> date:
        """The last local date of the horizon, itself bookable; with both kinds set, the nearer one."""
        days = date.max if self.horizon_days is None else today + timedelta(days=self.horizon_days)
        months = date.max if self.horizon_months is None else _months_later(today, self.horizon_months)
        return min(days, months)

    def capacity_on(self, day: date) -> int:
        """How many may run at once where one that starts on that date does."""
        seats = self.capacity
        if self.capacity_by_weekday:
            seats = self.capacity_by_weekday.get(day.weekday(), seats)
        return min(seats, self.own_capacity) if self.own_capacity else seats


@dataclass(frozen=True, slots=True)
class Seats:
    """Appointments and holds that take a seat: four columns of one length.

    `untils` are ends with the time kept free after them, in microseconds since 2000 as `starts` are. `kinds`
    are numbers of kinds, 0 for none. `mosts`: so many may run at once while this one does, 0 for no limit of
    its own.
    """

    starts: Sequence[int] = ()
    untils: Sequence[int] = ()
    kinds: Sequence[int] = ()
    mosts: Sequence[int] = ()

    @classmethod
    def of(cls, spans: Iterable[Span], *, between: int = 0) -> Seats:
        """Of no kind, each with so many minutes kept free after it."""
        taken = [(micros(span.start), micros(span.end) + between * MINUTE) for span in spans]
        nothing = [0] * len(taken)
        return cls([start for start, _ in taken], [until for _, until in taken], nothing, nothing)

    def crowd(self, at_least: int) -> Covered:
        return crowded(self.starts, self.untils, at_least=at_least)

    def full(self, capacity: int) -> Covered:
        """Where one more would pass `capacity`, or what one of those that run there allows."""
        limits = {most for most in self.mosts if 0 < most < capacity}
        return overlaid([self.crowd(capacity), *(self._full_by(limit) for limit in limits)])

    def _full_by(self, limit: int) -> Covered:
        """Where those that allow no more than `limit` run, and so many do."""
        strict = [
            (start, until)
            for start, until, most in zip(self.starts, self.untils, self.mosts, strict=True)
            if most == limit
        ]
        return shared(Covered.by(strict), self.crowd(limit))

    def places(self, capacity: int, start: int, until: int) -> int:
        """How many more could have [start, until) before it is full."""

        def is_full(more: int) -> bool:
            starts, untils = [*self.starts, *[start] * more], [*self.untils, *[until] * more]
            seats = Seats(starts, untils, [*self.kinds, *[0] * more], [*self.mosts, *[0] * more])
            return bool(seats.full(capacity).between(start, until))

        return bisect_left(range(max(0, capacity)), True, key=is_full)

    def per_date(self, dates: LocalDates, *, kind: int = 0) -> Counter[date | None]:
        """How many start on each local date; with `kind`, of that kind alone."""
        counted = zip(self.starts, self.kinds, strict=True)
        return Counter(dates.date_of(start) for start, of in counted if kind in (0, of))


@dataclass(frozen=True, slots=True)
class Taken:
    """What stands in the way. `blocked` is busy time, time off, and whatever else leaves no room at all.

    Holds are slots being filled in: seats as appointments are, also where dates are counted, or the limit
    would be passed when they are kept.
    """

    blocked: Sequence[Covered] = ()
    seats: Seats = field(default_factory=Seats)


def offered(
    *,
    hours: Hours,
    rules: Rules,
    first: date,
    last: date,
    now: datetime,
    holidays: Sequence[Holiday] = (),
    taken: Taken | None = None,
) -> list[datetime]:
    """The starts offered on the local dates `first` to `last`, in order, as UTC datetimes."""
    found = offered_instants(
        hours=hours, rules=rules, first=first, last=last, now=now, holidays=holidays, taken=taken
    )
    return [moment(instant) for instant in found]


def offered_instants(
    *,
    hours: Hours,
    rules: Rules,
    first: date,
    last: date,
    now: datetime,
    holidays: Sequence[Holiday] = (),
    taken: Taken | None = None,
    zone: ZoneInfo | None = None,
) -> list[int]:
    """As `offered`, in microseconds since 2000.

    `first`, `last` and the horizon are local dates of `zone`, the hours' own unless said. Weekdays' capacity,
    limits per day and holidays always go by the hours' own zone.
    """
    taken = taken or Taken()
    zone = zone or hours.zone
    today = now.astimezone(zone).date()
    first, last = max(first, today - DAY), min(last, rules.last_date(today))
    if first > last:
        return []
    late = last + timedelta(days=2 + (rules.duration + rules.between) // 1440)
    shut = closed(holidays, zone=hours.zone, first=first - 2 * DAY, last=late) if holidays else Covered()
    dates, pieces = _candidates(hours, zone, first, last, late, rules.duration * MINUTE)
    room = _Room(taken, shut, rules, dates)
    earliest, step, occupies = micros(now) + rules.how_soon * MINUTE, rules.step * MINUTE, rules.occupies
    found: list[int] = []
    for low, high, day, grid in pieces:
        obstacles = room.obstacles_on(day)
        if obstacles is not None:
            at = grid if grid == low >= earliest else _on_grid(grid, step, not_before=max(low, earliest))
            _walk(found, at, high, step, occupies, obstacles)
    return found


@lru_cache(maxsize=256)  # the same hours are asked about the same dates again and again
def _candidates(
    hours: Hours, zone: ZoneInfo, first: date, last: date, late: date, lasts: int
) -> tuple[LocalDates, Sequence[Piece]]:
    """Rules 1 to 3, without what anybody has booked: the hours' local dates about `first` to `late`, and the
    candidates that begin on `zone`'s dates `first` to `last` and last so long (microseconds)."""
    early = first - ENDLESS * DAY - 2 * DAY
    dates = LocalDates.of(hours.zone, first=early, last=late)
    there = dates if zone is hours.zone else LocalDates.of(zone, first=early, last=late)
    asked = there.time_of(first=first, last=last)
    return dates, list(_pieces(hours.openings(first=early, last=late), dates, lasts, asked))


def _pieces(openings: Covered, dates: LocalDates, lasts: int, asked: Covered) -> Iterator[Piece]:
    """The candidates of each opening, in order."""
    shorter = lasts - 1
    for opens, closes in zip(openings.starts, openings.ends, strict=True):
        stop = closes - shorter  # they begin before this, to end by closing
        for since, until in asked.between(opens, stop):
            yield from _dated(opens, max(opens, since), min(stop, until), dates)


def _dated(opens: int, low: int, high: int, dates: LocalDates) -> Iterator[Piece]:
    """Candidates of an opening cut into local dates. Each date of a long one begins its own grid."""
    opened_on = dates.date_of(opens)
    for begin, end, day in dates.pieces(low, high):
        endless = opened_on is not None and (day - opened_on).days >= ENDLESS
        yield begin, end, day, dates.began(begin) if endless else opens


def _on_grid(grid: int, step: int, *, not_before: int) -> int:
    """The first instant of the grid that is not before another."""
    return grid + max(0, -(-(not_before - grid) // step)) * step


def _walk(found: list[int], at: int, stop: int, step: int, occupies: int, obstacles: Covered) -> None:
    """Rules 4 and 5: add the candidates from `at` to before `stop` for which nothing covers any of
    [start, start + what it occupies), gap by gap.

    Of the stretches that end after a candidate the first begins first; so it alone decides.
    """
    starts, ends = obstacles.starts, obstacles.ends
    place = bisect_right(ends, at)
    while at < stop:
        clear_until = starts[place] - occupies + 1
        if at < clear_until:
            clear = range(at, clear_until if clear_until < stop else stop, step)
            found += clear
            at += len(clear) * step
        else:
            at -= (at - ends[place]) // step * step  # the first of the grid that is not before the end
        while ends[place] <= at:
            place += 1


class _Room:
    """Rules 4 to 6: what is in the way of one more on a date, and whether the date has reached a limit."""

    def __init__(self, taken: Taken, shut: Covered, rules: Rules, dates: LocalDates) -> None:
        self._taken, self._shut, self._rules = taken, shut, rules
        self._where: dict[int, Covered] = {}
        seats = taken.seats
        self._limits = [
            (limit, seats.per_date(dates, kind=kind))
            for limit, kind in ((rules.per_day, 0), (rules.own_per_day, rules.kind))
            if limit
        ]

    def obstacles_on(self, day: date) -> Covered | None:
        """The last of them is `NEVER`; None where there is no place on that date at all."""
        if self._limits and any(count[day] >= limit for limit, count in self._limits):
            return None
        capacity = self._rules.capacity_on(day)
        if capacity <= 0:
            return None
        found = self._where.get(capacity)
        if found is None:
            full = self._taken.seats.full(capacity)
            found = self._where[capacity] = overlaid([*self._taken.blocked, self._shut, full, NEVER])
        return found


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
