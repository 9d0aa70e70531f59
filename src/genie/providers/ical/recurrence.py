"""The occurrences of a rule inside a span, with a bound on the work a rule may cause.

dateutil steps through every candidate day until it finds a match, for ever if a rule never matches
(`BYMONTH=2;BYMONTHDAY=30`). Each candidate here costs from a budget, so one event cannot hold a worker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from dateutil.rrule import rrule, rrulestr

from genie.core.errors import Malformed

BUDGET = 250_000
"""Candidate days of one event: nearly 700 years of a daily rule."""

OCCURRENCES = 1_000
"""Occurrences of one event that are mirrored; a window holds some months, a daily event 400."""

TOO_OFTEN = re.compile(r"FREQ=(SECONDLY|MINUTELY|HOURLY)", re.IGNORECASE)
UNTIL = re.compile(r"UNTIL=([0-9]{8})(T[0-9]{6})?(Z)?", re.IGNORECASE)


class Exhausted(Malformed):
    """The rule needs more work than any real event does."""


class Candidates(tuple[int, ...]):
    """The months of a rule, which dateutil asks for once per candidate day: here the asking is counted."""

    left: int

    def __contains__(self, month: object) -> bool:
        self.left -= 1
        if self.left < 0:
            raise Exhausted("This event repeats by a rule that cannot be followed.")
        return super().__contains__(month)


def occurrences(rule: str, first: datetime, last: datetime, *, zone: tzinfo) -> Iterator[datetime]:
    """Wall times in `zone` at which `rule` occurs, from `first` (naive, the event's own start) up to `last`.

    Raises Malformed for a rule that makes no sense or repeats more often than daily, Exhausted for one that
    cannot be followed.
    """
    if TOO_OFTEN.search(rule):
        raise Malformed("This event repeats more often than once a day, which cannot be shown here.")
    try:
        for number, moment in enumerate(bounded(rule, first, zone)):
            if moment > last:
                return
            if number > BUDGET:
                raise Exhausted("This event repeats by a rule that cannot be followed.")
            yield moment
    except (ArithmeticError, LookupError, TypeError, ValueError) as fault:  # dateutil's, while it steps
        raise Malformed("This event repeats by a rule that makes no sense.") from fault


def bounded(rule: str, first: datetime, zone: tzinfo) -> rrule:
    """dateutil's rule, counting its candidates."""
    text = UNTIL.sub(lambda match: f"UNTIL={wall_until(match, zone)}", rule)
    made = rrulestr(text, dtstart=first)
    if not isinstance(made, rrule):
        raise Malformed("This event repeats by a rule that makes no sense.")
    counted = Candidates(getattr(made, "_bymonth", None) or range(1, 13))
    counted.left = BUDGET
    made._bymonth = counted  # type: ignore[attr-defined]
    return made


def wall_until(match: re.Match[str], zone: tzinfo) -> str:
    """UNTIL as wall time of the event's zone; a mere date counts to its end."""
    day, time, utc = match.groups()
    if not time:
        return f"{day}T235959"
    moment = datetime.strptime(day + time.upper(), "%Y%m%dT%H%M%S")  # noqa: DTZ007 -- wall time, maybe
    if utc:
        moment = moment.replace(tzinfo=UTC).astimezone(zone)
    return f"{moment:%Y%m%dT%H%M%S}"
