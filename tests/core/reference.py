"""The slot rules once more, minute by minute: slow, and plain enough to be read as right.

Everything is a whole minute here, counted since 2000. A wall time becomes an instant by walking: it is the
first minute at which the clocks of the zone show that time or a later one. That is the first of two, and
the first after a gap, with no arithmetic of offsets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def minute(moment):
    return (moment - EPOCH) // timedelta(minutes=1)


@lru_cache(maxsize=200_000)
def local(number: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(minutes=number)).astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=20_000)
def instant(day: date, wall, zone: ZoneInfo) -> int:
    wanted = datetime.combine(day, wall)
    number = minute(wanted.replace(tzinfo=UTC)) - 26 * 60
    while local(number, zone) < wanted:
        number += 1
    return number


@dataclass(frozen=True)
class Seat:
    """An appointment or a hold; minutes kept free after it, number of its kind, what that allows at once."""

    start: datetime
    end: datetime
    between: int = 0
    kind: int = 0
    most: int = 0

    @property
    def minutes(self):
        return range(minute(self.start), minute(self.end) + self.between)


def offered(*, hours, rules, first, last, now, holidays=(), blocked=(), seats=(), zone=None):
    """As core.availability.offered_instants, in datetimes; `blocked` are (start, end) datetimes."""
    here, zone = hours.zone, zone or hours.zone
    day, openings = first - 9 * DAY, []
    while day <= last + 4 * DAY:
        for opens, closes in hours.on(day):
            closing = day if closes > opens else day + DAY
            openings.append((instant(day, opens, here), instant(closing, closes, here)))
        day += DAY
    is_open = {number for start, end in openings for number in range(start, end)}
    shut = {number for start, end in blocked for number in range(minute(start), minute(end))}
    running = defaultdict(list)
    for seat in seats:
        for number in seat.minutes:
            running[number].append(seat.most)
    per_date = Counter(local(minute(seat.start), here).date() for seat in seats)
    own_per_date = Counter(
        local(minute(seat.start), here).date() for seat in seats if seat.kind == rules.kind
    )
    today = now.astimezone(zone).date()
    found, grid, opened_on, midnight_of = [], None, None, None
    for number in sorted(is_open):
        on = local(number, here).date()
        if number - 1 not in is_open:
            grid, opened_on = number, on
        elif (on - opened_on).days >= 7 and on != midnight_of:
            grid = number
        midnight_of = on
        asked = local(number, zone).date()
        if (
            first <= asked <= last
            and (number - grid) % rules.step == 0
            and all(n in is_open for n in range(number, number + rules.duration))
            and all(
                n not in shut and _has_room(running[n], rules, on) and not _is_holiday(n, holidays, here)
                for n in range(number, number + rules.duration + rules.between)
            )
            and (rules.per_day == 0 or per_date[on] < rules.per_day)
            and (rules.own_per_day == 0 or own_per_date[on] < rules.own_per_day)
            and EPOCH + timedelta(minutes=number) >= now + timedelta(minutes=rules.how_soon)
            and asked <= rules.last_date(today)
        ):
            found.append(EPOCH + timedelta(minutes=number))
    return found


def _has_room(running, rules, on):
    """One more among those that run in a minute: within what the module, its kind and each of them allow."""
    count = len(running) + 1
    allowed = [rules.capacity_by_weekday.get(on.weekday(), rules.capacity)]
    allowed += [limit for limit in (rules.own_capacity, *running) if limit]
    return count <= min(allowed)


def _is_holiday(number, holidays, zone):
    on = local(number, zone).date()
    return any(
        holiday.date_in(on.year) == on
        and (holiday.start is None or number >= instant(on, holiday.start, zone))
        and (holiday.end is None or number < instant(on, holiday.end, zone))
        for holiday in holidays
    )
