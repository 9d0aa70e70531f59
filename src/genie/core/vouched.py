"""Which of the starts that another system offers can be had here: rules 7 and 8, and the seats (rule 10).

The other system answers in place of rules 1 to 6: hours, grid, closing and busy time are its own affair. What
is kept here is what only we know: how soon and how far, who has booked, and what is being filled in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from genie.core.availability import Rules, Seats
from genie.core.spans import MINUTE, Covered, micros, moment, overlaid


def vouched_instants(
    *,
    starts: Iterable[int],
    rules: Rules,
    seats: Seats,
    first: date,
    last: date,
    now: datetime,
    zone: ZoneInfo,
    hours_zone: ZoneInfo,
    blocked: Sequence[Covered] = (),
) -> list[int]:
    """The starts that stay, in order; microseconds since 2000, as the seats are.

    Dates and the horizon are local to `zone`, weekdays' capacity to `hours_zone`. `blocked`: what goes on
    standing in the way all the same, such as what takes the time of a person.
    """
    earliest = micros(now) + rules.how_soon * MINUTE
    last = min(last, rules.last_date(now.astimezone(zone).date()))
    fulls: dict[int, Covered] = {}
    found = []
    for start in sorted(set(starts)):
        at = moment(start)
        if start < earliest or not first <= at.astimezone(zone).date() <= last:
            continue
        capacity = rules.capacity_on(at.astimezone(hours_zone).date())
        if capacity <= 0:
            continue
        if capacity not in fulls:
            taken = overlaid([seats.full(capacity), *blocked])
            fulls[capacity] = Covered.by(zip(taken.starts, taken.ends, strict=True))
        if not meets(fulls[capacity], start, start + rules.occupies):
            found.append(start)
    return found


def meets(covered: Covered, low: int, high: int) -> bool:
    """Whether merged stretches cover any of [low, high)."""
    place = bisect_right(covered.ends, low)
    return place < len(covered.starts) and covered.starts[place] < high
