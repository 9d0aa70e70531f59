"""Spans of time, and the two questions slots ask of many of them: what is covered, where is it crowded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts from there as well: its binary timestamps are instants of ours as they come."""
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000
"""Microseconds. Inside the slot rules an instant is an int, microseconds since 2000: exact and quick."""
UNIX = 946_684_800
"""Seconds from 1970 to the epoch."""


def micros(moment: datetime) -> int:
    """An aware datetime as microseconds since 2000, UTC."""
    return (moment - EPOCH) // MICROSECOND


def moment(instant: int) -> datetime:
    """The aware UTC datetime of microseconds since 2000."""
    return EPOCH + timedelta(microseconds=instant)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of time between two instants. Raises ValueError if naive, empty or backwards."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("a Span needs aware datetimes")
        if self.end.astimezone(UTC) <= self.start.astimezone(UTC):
            raise ValueError("a Span ends after it starts")


@dataclass(frozen=True, slots=True)
class Covered:
    """Time that is covered: the union of [starts[i], ends[i]), both in order, in microseconds since 2000.

    `by` merges, so that no stretch touches the next; those of `overlaid` and `crowded` may overlap.
    """

    starts: Sequence[int] = ()
    ends: Sequence[int] = ()

    @classmethod
    def by(cls, stretches: Iterable[tuple[int, int]]) -> Covered:
        """Merge (start, end) in microseconds, in any order; what touches is one, what is empty is dropped."""
        starts: list[int] = []
        ends: list[int] = []
        for start, end in sorted(stretches):
            if end <= start:
                continue
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            else:
                starts.append(start)
                ends.append(end)
        return cls(starts, ends)

    def between(self, start: int, end: int) -> list[tuple[int, int]]:
        """The stretches that share time with [start, end), whole, in order."""
        first, past = bisect_right(self.ends, start), bisect_left(self.starts, end)
        return list(zip(self.starts[first:past], self.ends[first:past], strict=True))

    def stretches(self) -> list[tuple[int, int]]:
        return list(zip(self.starts, self.ends, strict=True))


def merge(spans: Iterable[Span]) -> Covered:
    """The time covered by any of `spans`."""
    return Covered.by((micros(span.start), micros(span.end)) for span in spans)


def overlaid(parts: Iterable[Covered]) -> Covered:
    """The time covered by any of them, without merging: `crowded` by at least one, two quick sorts."""
    starts: list[int] = []
    ends: list[int] = []
    for part in parts:
        starts += part.starts
        ends += part.ends
    return Covered(sorted(starts), sorted(ends))


def crowded(starts: Iterable[int], ends: Iterable[int], *, at_least: int) -> Covered:
    """Where at least that many stretches run at once; start and end of each in microseconds, none empty.

    With n starts behind an instant, and fewer than n + 1 - `at_least` ends, that many run. So the n-th start
    opens a crowd that lasts until the (n + 1 - `at_least`)-th end, whichever stretches these belong to.
    """
    begun = islice(sorted(starts), at_least - 1, None)
    pairs = [(start, end) for start, end in zip(begun, sorted(ends), strict=False) if start < end]
    return Covered([start for start, _ in pairs], [end for _, end in pairs])


def shared(one: Covered, other: Covered) -> Covered:
    """The time covered by both."""
    return Covered.by(
        (max(start, low), min(end, high))
        for start, end in one.stretches()
        for low, high in other.between(start, end)
    )
