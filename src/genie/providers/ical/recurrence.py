"""The occurrences of a rule inside a span, found there: what came before is counted, not walked through.

A rule is a row of periods (days, weeks, months or years, INTERVAL apart), and each period gives its own
occurrences without looking at another. So the first one of a span is found by division. COUNT alone asks
for the past: it is turned into the last occurrence, once (`last_of`). See docs/decisions/0085.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from genie.core.errors import Malformed
from genie.providers.ical.rules import Rule, rule_of, wall_until

BUDGET = 250_000
"""Candidate days that counting a rule's occurrences may take: nearly 700 years of a daily rule."""

OCCURRENCES = 1_000
"""Occurrences of one event that are mirrored; a window holds some months, a daily event 400."""

LAST_YEAR = 2_300
"""Where counting ends: no window reaches beyond it."""

LENGTHS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}
"""Days of a period."""

NEVER, FAR = datetime.min, datetime.max  # noqa: DTZ901 -- wall times


class Exhausted(Malformed):
    """The rule needs more work than any real event does."""


def occurrences(
    text: str, first: datetime, last: datetime, *, zone: tzinfo, since: datetime | None = None
) -> Iterator[datetime]:
    """Wall times in `zone` at which the rule `text` occurs, in order, from `since` to `last`, both included.

    `first` is the event's own start (naive), before which nothing occurs; `since` is `first` if not given.
    Raises Malformed for a rule that makes no sense or repeats more often than daily, Exhausted for one whose
    occurrences cannot be counted.
    """
    rule = rule_of(text, first)
    low = first if since is None else max(first, since)
    if rule.until:
        last = min(last, wall_until(rule.until, zone))
    if rule.count is not None:
        last = min(last, last_of(text, first))
    number, end = period_at(rule, first, low), last.toordinal()
    if rule.steps:
        yield from stepped(rule, begin_of(rule, first, number), low, last)
        return
    while (begin := begin_of(rule, first, number)) <= end:
        for moment in moments_of(rule, begin):
            if low <= moment <= last:
                yield moment
        number += 1


def stepped(rule: Rule, begin: int, low: datetime, last: datetime) -> Iterator[datetime]:
    """The same of a rule whose days or weeks are all alike, as most are, in half the time."""
    period = datetime.combine(date.fromordinal(begin), time())
    ahead = timedelta(days=LENGTHS[rule.freq] * rule.interval)
    while True:
        for step in rule.steps:
            moment = period + step
            if moment > last:
                return
            if moment >= low:
                yield moment
        period += ahead


@lru_cache(maxsize=4_000)
def last_of(text: str, first: datetime) -> datetime:
    """The last occurrence of a rule with COUNT: before all time if it has none, after all if far away."""
    rule = rule_of(text, first)
    left, rate = rule.count or 0, rate_of(rule)
    if not left:
        return NEVER
    number, budget = 0, BUDGET
    try:
        while (begin := begin_of(rule, first, number)) < date(LAST_YEAR, 1, 1).toordinal():
            found = [moment for moment in moments_of(rule, begin) if moment >= first]
            if left <= len(found):
                return found[left - 1]
            left -= len(found)
            skipped = (left - 1) // rate if rate else 0
            left -= skipped * rate
            number += 1 + skipped
            budget -= LENGTHS[rule.freq]
            if budget < 0:
                raise Exhausted("This event repeats by a rule that cannot be followed.")
    except (OverflowError, ValueError):  # the end of the calendar
        pass
    return FAR


# --- periods: dates are ordinals (days since year 1)


def period_at(rule: Rule, first: datetime, low: datetime) -> int:
    """The number of the last period that begins no later than `low`."""
    if rule.freq == "YEARLY":
        ahead = low.year - first.year
    elif rule.freq == "MONTHLY":
        ahead = 12 * (low.year - first.year) + low.month - first.month
    else:
        ahead = (low.toordinal() - begin_of(rule, first, 0)) // LENGTHS[rule.freq]
    return ahead // rule.interval


def begin_of(rule: Rule, first: datetime, number: int) -> int:
    """The first day of a period; weeks begin on the rule's own weekday (WKST)."""
    steps = number * rule.interval
    if rule.freq == "DAILY":
        return first.toordinal() + steps
    if rule.freq == "WEEKLY":
        return first.toordinal() - (first.weekday() - rule.week_start) % 7 + 7 * steps
    year, month = divmod(12 * first.year + first.month - 1 + steps, 12)
    if rule.freq == "YEARLY":
        year, month = first.year + steps, 0
    return date(year, month + 1, 1).toordinal()


def moments_of(rule: Rule, begin: int) -> list[datetime]:
    """What one period gives, in order; of the first one also what lies before the event's start."""
    days = DAYS_OF[rule.freq](rule, begin)
    moments = [datetime.combine(date.fromordinal(day), clock) for day in days for clock in rule.times]
    if not rule.positions:
        return moments
    return [moments[place] for place in places(rule.positions, len(moments))]


def places(positions: tuple[int, ...], count: int) -> list[int]:
    """BYSETPOS as indexes, those that there are, each once, in order."""
    found = {position - 1 if position > 0 else count + position for position in positions}
    return sorted(place for place in found if 0 <= place < count)


def days_of_day(rule: Rule, begin: int) -> list[int]:
    return [begin] if fits(rule, begin) else []


def days_of_week(rule: Rule, begin: int) -> list[int]:
    days = [begin + ahead for ahead in rule.week]
    return [day for day in days if fits(rule, day)] if rule.months or rule.month_days else days


def days_of_month(rule: Rule, begin: int) -> list[int]:
    """BYMONTHDAY and BYDAY both given: the days that are both (Friday the 13th)."""
    there = date.fromordinal(begin)
    if rule.months and there.month not in rule.months:
        return []
    length = monthrange(there.year, there.month)[1]
    whole_year = rule.freq == "YEARLY" and not rule.months
    scope = (date(there.year, 1, 1).toordinal(), year_length(there.year)) if whole_year else (begin, length)
    by_weekday = bool(rule.weekdays or rule.nth)
    if rule.month_days:
        numbers = {day if day > 0 else length + 1 + day for day in rule.month_days}
        days = [begin + day - 1 for day in sorted(numbers) if 1 <= day <= length]
    elif by_weekday:
        days = list(range(begin, begin + length))
    else:
        days = [begin + rule.own_day - 1] if rule.own_day <= length else []
    return [day for day in days if is_weekday(rule, day, scope)] if by_weekday else days


def days_of_year(rule: Rule, begin: int) -> list[int]:
    year = date.fromordinal(begin).year
    length = year_length(year)
    if rule.year_days or rule.weeks or not (rule.months or rule.month_days):
        return [day for day in range(begin, begin + length) if fits_year(rule, day, (begin, length))]
    months = sorted(rule.months or range(1, 13))
    return [day for month in months for day in days_of_month(rule, date(year, month, 1).toordinal())]


DAYS_OF = {"DAILY": days_of_day, "WEEKLY": days_of_week, "MONTHLY": days_of_month, "YEARLY": days_of_year}


def fits(rule: Rule, day: int) -> bool:
    """Whether a day passes BYMONTH, BYMONTHDAY and the weekdays."""
    if rule.weekdays and (day - 1) % 7 not in rule.weekdays:
        return False
    if not rule.months and not rule.month_days:
        return True
    there = date.fromordinal(day)
    if rule.months and there.month not in rule.months:
        return False
    length = monthrange(there.year, there.month)[1]
    return not rule.month_days or there.day in rule.month_days or there.day - length - 1 in rule.month_days


def fits_year(rule: Rule, day: int, scope: tuple[int, int]) -> bool:
    """The same, for the parts that only a year has; `scope` is the year's first day and length."""
    begin, length = scope
    ahead = day - begin
    if rule.year_days and ahead + 1 not in rule.year_days and ahead - length not in rule.year_days:
        return False
    if rule.weeks and rule.weeks.isdisjoint(week_of(day, rule.week_start)):
        return False
    if not is_weekday(rule, day, scope):
        return False
    there = date.fromordinal(day)
    if rule.months and there.month not in rule.months:
        return False
    last = monthrange(there.year, there.month)[1]
    return not rule.month_days or there.day in rule.month_days or there.day - last - 1 in rule.month_days


def is_weekday(rule: Rule, day: int, scope: tuple[int, int]) -> bool:
    """Whether BYDAY means this day; ordinals are counted in `scope`, a first day and a length."""
    if not rule.weekdays and not rule.nth:
        return True
    weekday, (begin, length) = (day - 1) % 7, scope
    if weekday in rule.weekdays:
        return True
    forward, backward = (day - begin) // 7 + 1, -((begin + length - 1 - day) // 7 + 1)
    return (forward, weekday) in rule.nth or (backward, weekday) in rule.nth


def week_of(day: int, week_start: int) -> tuple[int, int]:
    """The number of the day's week, from the beginning and from the end of the year the week belongs to: the
    one that holds four of its days (RFC 5545, BYWEEKNO)."""
    begin = day - ((day - 1) % 7 - week_start) % 7
    year = date.fromordinal(begin + 3).year
    number = (begin - first_week(year, week_start)) // 7
    return number + 1, number - (first_week(year + 1, week_start) - first_week(year, week_start)) // 7


@lru_cache(maxsize=1_000)
def first_week(year: int, week_start: int) -> int:
    fourth = date(year, 1, 4).toordinal()
    return fourth - ((fourth - 1) % 7 - week_start) % 7


def year_length(year: int) -> int:
    return 366 if isleap(year) else 365


# --- counting


def rate_of(rule: Rule) -> int:
    """How many occurrences each period after the first gives, 0 if not always so many."""
    days = days_each(rule)
    count = days * len(rule.times)
    return len(places(rule.positions, count)) if rule.positions else count


def days_each(rule: Rule) -> int:
    if rule.freq in ("DAILY", "WEEKLY"):
        limited = rule.months or rule.month_days or (rule.freq == "DAILY" and rule.weekdays)
        return 0 if limited else len(rule.weekdays) or 1
    if rule.freq == "MONTHLY":
        return 0 if rule.months else days_each_month(rule)
    if rule.year_days or rule.weeks or not (rule.months or rule.month_days):
        return 0
    scoped = rule.months or not rule.nth
    return (len(rule.months) or 12) * days_each_month(rule) if scoped else 0


def days_each_month(rule: Rule) -> int:
    """Days that every month has, and that are never the same one twice: the 1st to 28th, or the 1st to 4th of
    a weekday, all counted from the same end."""
    if rule.weekdays or (rule.nth and rule.month_days):
        return 0
    if rule.nth:
        ordinals = [which for which, _ in rule.nth]
        return len(rule.nth) if same_end(ordinals, 4) else 0
    if rule.month_days:
        return len(rule.month_days) if same_end(list(rule.month_days), 28) else 0
    return 1 if rule.own_day <= 28 else 0


def same_end(numbers: list[int], most: int) -> bool:
    return all(0 < number <= most for number in numbers) or all(-most <= number < 0 for number in numbers)
