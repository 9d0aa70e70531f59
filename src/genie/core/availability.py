"""Which starts a module offers: the slot rules 1 to 8, pure.

Instants are microseconds since 1970 inside (core/spans). Everything that blocks (busy time, time off,
holidays, and time in which appointments fill the capacity) becomes one kind of thing, merged stretches;
the grid of candidate starts is then walked gap by gap. Zones are asked per date, never per slot.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from genie.core.holidays import Holiday, closed
from genie.core.hours import DAY, Hours, LocalDates
from genie.core.spans import MINUTE, Covered, Span, crowded, micros, moment

ENDLESS = 7
"""Dates. An opening that ran on so long has no beginning to speak of: its grid begins anew at midnight."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A module's settings; minutes, unless said otherwise. Raises ValueError for a step not above 0."""

    duration: int
    between: int = 0
    start_every: int | None = None
    capacity: int = 1
    capacity_by_weekday: Mapping[int, int] = field(default_factory=dict)  # 0 = Monday
    per_day: int = 0  # 0 = no limit
    how_soon: int = 0
    horizon_days: int | None = None
    horizon_months: int | None = None

    def __post_init__(self) -> None:
        if self.duration <= 0 or self.step <= 0 or self.between < 0:
            raise ValueError("duration and start times are above 0 minutes, time between is not below 0")

    @property
    def step(self) -> int:
        return self.duration + self.between if self.start_every is None else self.start_every

    def last_date(self, today: date) -> date:
        """The last local date of the horizon, itself bookable; with both kinds set, the nearer one."""
        days = date.max if self.horizon_days is None else today + timedelta(days=self.horizon_days)
        months = date.max if self.horizon_months is None else _months_later(today, self.horizon_months)
        return min(days, months)

    def capacity_on(self, day: date) -> int:
        return self.capacity_by_weekday.get(day.weekday(), self.capacity)


@dataclass(frozen=True, slots=True)
class Taken:
    """What stands in the way.

    `blocked` is busy time and time off. The spans of `appointments` are the live ones' own start and end,
    without the time between. `holds` are slots being filled in: they take a seat just as appointments do.
    """

    blocked: Sequence[Covered] = ()
    appointments: Sequence[Span] = ()
    holds: Sequence[Span] = ()


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
    taken = taken or Taken()
    today = now.astimezone(hours.zone).date()
    first, last = max(first, today - DAY), min(last, rules.last_date(today))
    if first > last:
        return []
    reach = timedelta(days=2 + (rules.duration + rules.between) // 1440)
    dates = LocalDates.of(hours.zone, first=first - ENDLESS * DAY - DAY, last=last + reach)
    openings = hours.openings(first=first - ENDLESS * DAY - DAY, last=last + reach)
    shut = closed(holidays, zone=hours.zone, first=first - DAY, last=last + reach)
    seats = _Seats(taken, rules, dates)
    occupied = (rules.duration + rules.between) * MINUTE
    found: list[int] = []
    for piece in _pieces(openings, dates, rules, now):
        capacity = rules.capacity_on(piece.date)
        if not first <= piece.date <= last or not seats.free_on(piece.date):
            continue
        obstacles = [*taken.blocked, shut, seats.full(capacity)]
        found.extend(_clear_starts(piece, obstacles, occupied=occupied, step=rules.step * MINUTE))
    return [moment(instant) for instant in found]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Candidates of one opening on one local date: from `at` in steps, while before `stop`."""

    date: date
    at: int
    stop: int


def _pieces(openings: Covered, dates: LocalDates, rules: Rules, now: datetime) -> Iterator[_Piece]:
    """Rules 1, 2, 3 and the minimum notice of 7: each opening's grid, cut into local dates."""
    earliest = micros(now) + rules.how_soon * MINUTE
    step = rules.step * MINUTE
    for opens, closes in openings.stretches():
        last_start = closes - rules.duration * MINUTE
        opened_on = dates.date_of(opens)
        for low, high, day in dates.pieces(opens, last_start + 1):
            endless = opened_on is not None and (day - opened_on).days >= ENDLESS
            grid = low if endless else opens
            yield _Piece(day, _on_grid(grid, step, not_before=max(low, earliest)), high)


def _on_grid(grid: int, step: int, *, not_before: int) -> int:
    """The first instant of the grid that is not before another."""
    return grid + max(0, -(-(not_before - grid) // step)) * step


def _clear_starts(piece: _Piece, obstacles: Sequence[Covered], *, occupied: int, step: int) -> Iterator[int]:
    """Rules 4 and 5: the candidates whose [start, start + occupied) meets no obstacle, gap by gap."""
    at = piece.at
    if at >= piece.stop:
        return
    until = piece.stop - 1 + occupied
    inside = [stretch for covered in obstacles for stretch in covered.between(at, until)]
    for start, end in sorted(inside):
        clear_until = min(piece.stop, start - occupied + 1)
        yield from range(at, clear_until, step)
        at = _on_grid(at, step, not_before=max(end, at))
    yield from range(at, piece.stop, step)


class _Seats:
    """Rules 5 and 6: where a capacity is used up, and the dates that have reached their limit."""

    def __init__(self, taken: Taken, rules: Rules, dates: LocalDates) -> None:
        together = [*taken.appointments, *taken.holds]
        between = rules.between * MINUTE
        self._occupied = [(micros(span.start), micros(span.end) + between) for span in together]
        self._full: dict[int, Covered] = {}
        self._per_day = rules.per_day
        # a hold is a promise for that date: it counts, or the limit would be passed when it is kept
        self._on = (
            Counter(dates.date_of(start) for start, _ in self._occupied) if rules.per_day else Counter()
        )

    def free_on(self, day: date) -> bool:
        return not self._per_day or self._on[day] < self._per_day

    def full(self, capacity: int) -> Covered:
        """Where that many seats are taken at once. With no seat at all, that is always."""
        if capacity <= 0:
            return ALWAYS
        if capacity not in self._full:
            self._full[capacity] = crowded(self._occupied, at_least=capacity)
        return self._full[capacity]


ALWAYS = Covered(
    (micros(datetime.min.replace(tzinfo=UTC)),),
    (micros(datetime.max.replace(tzinfo=UTC)),),
)


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
