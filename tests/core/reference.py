"""The slot rules once more, minute by minute: slow, and plain enough to be read as right.

Everything is a whole minute here, counted since 2000. A wall time becomes an instant by walking: it is the
first minute at which the clocks of the zone show that time or a later one. That is the first of two, and
the first after a gap, with no arithmetic of offsets.
"""

from __future__ import annotations

from collections import Counter
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


def offered(*, hours, rules, first, last, now, holidays=(), blocked=(), appointments=()):
    """As core.availability.offered; `blocked` and `appointments` are (start, end) datetimes."""
    zone = hours.zone
    day, openings = first - 9 * DAY, []
    while day <= last + 4 * DAY:
        for opens, closes in hours.on(day):
            closing = day if closes > opens else day + DAY
            openings.append((instant(day, opens, zone), instant(closing, closes, zone)))
        day += DAY
    is_open = {number for start, end in openings for number in range(start, end)}
    shut = {number for start, end in blocked for number in range(minute(start), minute(end))}
    occupied = Counter()
    for start, end in appointments:
        occupied.update(range(minute(start), minute(end) + rules.between))
    per_date = Counter(local(minute(start), zone).date() for start, _ in appointments)
    closed = {h.date_in(year) for h in holidays for year in range(first.year - 1, last.year + 2)}
    today = now.astimezone(zone).date()
    found, grid, opened_on, midnight_of = [], None, None, None
    for number in sorted(is_open):
        on = local(number, zone).date()
        if number - 1 not in is_open:
            grid, opened_on = number, on
        elif (on - opened_on).days >= 7 and on != midnight_of:
            grid = number
        midnight_of = on
        if (
            first <= on <= last
            and (number - grid) % rules.step == 0
            and all(n in is_open for n in range(number, number + rules.duration))
            and _fits(number, rules, shut, occupied, closed, on, zone)
            and (rules.per_day == 0 or per_date[on] < rules.per_day)
            and EPOCH + timedelta(minutes=number) >= now + timedelta(minutes=rules.how_soon)
            and on <= rules.last_date(today)
        ):
            found.append(EPOCH + timedelta(minutes=number))
    return found


def _fits(number, rules, shut, occupied, closed, on, zone):
    capacity = rules.capacity_by_weekday.get(on.weekday(), rules.capacity)
    return all(
        n not in shut and occupied[n] + 1 <= capacity and local(n, zone).date() not in closed
        for n in range(number, number + rules.duration + rules.between)
    )
