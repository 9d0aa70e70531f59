"""How often something may be done: at most so many times within so long; several such rules at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RULE = re.compile(r"(\d{1,6})/(\d{1,4})([mhd])")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `times` in any stretch of time as long as `within`: a window that slides."""

    times: int
    within: timedelta

    def __post_init__(self) -> None:
        if self.times < 1 or not timedelta(0) < self.within <= LONGEST:
            raise ValueError("a limit is at least once, within at most 31 days")


def limits_of(rules: Iterable[str]) -> tuple[Limit, ...]:
    """From rules such as `10/10m` and `30/1d`; `off` alone is no limit. Raises ValueError naming the rule."""
    given = list(rules)
    if given == ["off"]:
        return ()
    found = []
    for rule in given:
        match = RULE.fullmatch(rule)
        if match is None:
            raise ValueError(f"{rule!r} is no limit")
        try:
            found.append(Limit(int(match[1]), int(match[2]) * UNITS[match[3]]))
        except ValueError as fault:
            raise ValueError(f"{rule!r}: {fault}") from None
    return tuple(found)


def longest(limits: Iterable[Limit]) -> timedelta:
    """How far back any of them looks."""
    return max((limit.within for limit in limits), default=timedelta(0))


def wait(earlier: Sequence[datetime], limits: Iterable[Limit], now: datetime) -> timedelta | None:
    """How long until one more is allowed, after those at `earlier`; None: now."""
    waits = []
    for limit in limits:
        recent = sorted(moment for moment in earlier if moment > now - limit.within)
        if len(recent) >= limit.times:
            waits.append(recent[-limit.times] + limit.within - now)
    return max(waits, default=None)
