"""Spans of time, and the two questions slots ask of many of them: what is covered, where is it crowded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000
"""Microseconds. Inside the slot rules an instant is an int, microseconds since 1970: exact and quick."""


def micros(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970, UTC."""
    return (moment - EPOCH) // MICROSECOND


def moment(instant: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
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
    """Merged stretches: in order, none touching the next. `starts` and `ends` in microseconds since 1970."""

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
        """The merged stretches that share time with [start, end), whole, in order."""
        first, past = bisect_right(self.ends, start), bisect_left(self.starts, end)
        return list(zip(self.starts[first:past], self.ends[first:past], strict=True))

    def stretches(self) -> list[tuple[int, int]]:
        return list(zip(self.starts, self.ends, strict=True))


def merge(spans: Iterable[Span]) -> Covered:
    """The time covered by any of `spans`."""
    return Covered.by((micros(span.start), micros(span.end)) for span in spans)


def crowded(stretches: Iterable[tuple[int, int]], *, at_least: int) -> Covered:
    """Where at least that many of the (start, end) stretches run at once: one sweep over their edges."""
    edges: list[tuple[int, int]] = []
    for start, end in stretches:
        if end > start:
            edges += [(start, 1), (end, -1)]
    edges.sort()  # an end before a start at the same instant: half-open stretches do not meet
    running, since, found = 0, 0, []
    for instant, step in edges:
        before, running = running, running + step
        if before < at_least <= running:
            since = instant
        elif running < at_least <= before:
            found.append((since, instant))
    return Covered.by(found)
