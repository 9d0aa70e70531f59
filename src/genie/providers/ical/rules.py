"""What an RRULE says (RFC 5545, 3.3.10), with what it leaves out taken from the event's own start."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache

from genie.core.errors import Malformed

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = {
    *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "RSCALE", "SKIP"),
    *(
        "BYMONTH",
        "BYMONTHDAY",
        "BYYEARDAY",
        "BYWEEKNO",
        "BYDAY",
        "BYSETPOS",
        "BYHOUR",
        "BYMINUTE",
        "BYSECOND",
    ),
}
LONGEST = 2_000
"""Characters of a rule; a real one has less than 200."""
MOST_TIMES = 1_440
"""Times of day at which one rule occurs: once a minute is more often than any event."""
UNTIL = re.compile(r"(\d{8})(T\d{6})?(Z)?")
BYDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
NO_SENSE = "This event repeats by a rule that makes no sense."
TOO_OFTEN = "This event repeats more often than once a day, which cannot be shown here."


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule made whole by the event's start. Weekdays are 0 (Monday) to 6; empty: no such limit.

    Of `month_days`, `year_days`, `weeks` and `positions` the negative ones count from the end. Without
    `month_days`, `year_days`, `weeks` and weekdays, a rule of months and years means `own_day`.
    """

    freq: str
    interval: int
    count: int | None
    until: str
    """As written, "" if there is none: what it means depends on the event's zone (`wall_until`)."""
    week_start: int
    months: frozenset[int]
    month_days: tuple[int, ...]
    year_days: tuple[int, ...]
    weeks: frozenset[int]
    weekdays: frozenset[int]
    week: tuple[int, ...]
    """The same, as days after the week's first; all seven where there is no such limit."""
    nth: frozenset[tuple[int, int]]
    """(which one, weekday): (-1, 4) is the last Friday, of the month or of the year."""
    positions: tuple[int, ...]
    times: tuple[time, ...]
    own_day: int
    steps: tuple[timedelta, ...]
    """How long after a day or week begins the rule occurs, where that is the same in each; else empty."""


@lru_cache(maxsize=4_000)
def rule_of(text: str, first: datetime) -> Rule:
    """The rule of an event that starts at `first` (wall time). Raises Malformed.

    Remembered: a calendar is read again and again, and its rules stay the same.
    """
    parts = parts_of(text)
    freq = parts.get("FREQ", "")
    if freq in ("SECONDLY", "MINUTELY", "HOURLY"):
        raise Malformed(TOO_OFTEN)
    if freq not in FREQUENCIES or parts.get("RSCALE", "GREGORIAN") != "GREGORIAN":
        raise Malformed(NO_SENSE)
    if parts.get("SKIP", "OMIT") != "OMIT":
        raise Malformed("This event repeats by a rule that moves missing days, which cannot be shown here.")
    plain, nth = weekdays_of(parts.get("BYDAY", ""), ordinals=freq in ("MONTHLY", "YEARLY"))
    months = frozenset(numbers(parts, "BYMONTH", 1, 12))
    month_days = tuple(numbers(parts, "BYMONTHDAY", 1, 31, from_end=True))
    year_days = tuple(numbers(parts, "BYYEARDAY", 1, 366, from_end=True)) if freq == "YEARLY" else ()
    weeks = frozenset(numbers(parts, "BYWEEKNO", 1, 53, from_end=True)) if freq == "YEARLY" else frozenset()
    says_days = bool(month_days or year_days or plain or nth)
    if not says_days and (freq == "WEEKLY" or weeks):
        plain = frozenset([first.weekday()])
    if freq == "YEARLY" and not (says_days or weeks or months):
        months = frozenset([first.month])
    week_start = weekday(parts.get("WKST", "MO"))
    week = tuple(sorted((one - week_start) % 7 for one in plain or range(7)))
    positions = tuple(numbers(parts, "BYSETPOS", 1, 366, from_end=True))
    times = times_of(parts, first)
    limited = bool(months or month_days or positions or (freq == "DAILY" and plain))
    return Rule(
        freq=freq,
        interval=number(parts, "INTERVAL", 1, 10_000) or 1,
        count=number(parts, "COUNT", 0, 10_000_000),
        until=parts.get("UNTIL", ""),
        week_start=week_start,
        months=months,
        month_days=month_days,
        year_days=year_days,
        weeks=weeks,
        weekdays=plain,
        week=week,
        nth=nth,
        positions=positions,
        times=times,
        own_day=first.day,
        steps=() if limited else steps_of(freq, week, times),
    )


def steps_of(freq: str, week: tuple[int, ...], times: tuple[time, ...]) -> tuple[timedelta, ...]:
    days = {"DAILY": (0,), "WEEKLY": week}.get(freq, ())
    return tuple(
        timedelta(days=day, hours=clock.hour, minutes=clock.minute, seconds=clock.second)
        for day in days
        for clock in times
    )


def parts_of(text: str) -> dict[str, str]:
    if len(text) > LONGEST:
        raise Malformed(NO_SENSE)
    parts = {}
    for part in filter(None, text.upper().strip().strip(";").split(";")):
        name, equals, value = part.partition("=")
        if not equals or name.strip() not in PARTS:
            raise Malformed(NO_SENSE)
        parts[name.strip()] = value.strip()
    return parts


def number(parts: dict[str, str], name: str, low: int, high: int) -> int | None:
    return one_number(parts[name], low, high) if name in parts else None


def one_number(value: str, low: int, high: int) -> int:
    digits = value.removeprefix("+")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 8 or not low <= int(digits) <= high:
        raise Malformed(NO_SENSE)
    return int(digits)


def numbers(
    parts: dict[str, str], name: str, low: int, high: int, *, from_end: bool = False
) -> Iterable[int]:
    """The part's numbers, each once, in order."""
    found = set()
    for value in filter(None, (one.strip() for one in parts.get(name, "").split(","))):
        backwards = from_end and value.startswith("-")
        found.add(-one_number(value[1:], max(low, 1), high) if backwards else one_number(value, low, high))
    return sorted(found)


def weekday(value: str) -> int:
    if value not in WEEKDAYS:
        raise Malformed(NO_SENSE)
    return WEEKDAYS.index(value)


def weekdays_of(text: str, *, ordinals: bool) -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
    """BYDAY: whole weekdays, and those that are counted. By days and weeks nothing is there to count."""
    plain, nth = set(), set()
    for value in filter(None, (one.strip() for one in text.split(","))):
        match = BYDAY.fullmatch(value)
        which = int(match[1] or 0) if match else 99
        if match is None or abs(which) > 53 or (match[1] and not which):
            raise Malformed(NO_SENSE)
        if which and ordinals:
            nth.add((which, weekday(match[2])))
        else:
            plain.add(weekday(match[2]))
    return frozenset(plain), frozenset(nth)


def times_of(parts: dict[str, str], first: datetime) -> tuple[time, ...]:
    """The times of day, in order; the event's own unless the rule names others."""
    hours = numbers(parts, "BYHOUR", 0, 23) or [first.hour]
    minutes = numbers(parts, "BYMINUTE", 0, 59) or [first.minute]
    seconds = [min(second, 59) for second in numbers(parts, "BYSECOND", 0, 60)] or [first.second]
    found = sorted({time(h, m, s) for h in hours for m in minutes for s in seconds})
    if len(found) > MOST_TIMES:
        raise Malformed(TOO_OFTEN)
    return tuple(found)


def wall_until(text: str, zone: tzinfo) -> datetime:
    """UNTIL as wall time of the event's zone; a mere date counts to its end. Raises Malformed."""
    match = UNTIL.fullmatch(text)
    if match is None:
        raise Malformed(NO_SENSE)
    day, clock, utc = match.groups()
    try:
        moment = datetime.strptime(day + (clock or "T235959"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 -- wall time
        if clock and utc:
            moment = moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    except (OverflowError, ValueError) as fault:
        raise Malformed(NO_SENSE) from fault
    return moment
