"""Seats of a slot: which lane an appointment takes so that no two of one lane overlap.

A database constraint stands behind this: live appointments of one lane may not overlap. As long as at
most `capacity` spans overlap anywhere, `capacity` lanes are enough (interval graphs are perfect), but only
if earlier ones may change lanes: `assign` colours anew, in order of start, which is always enough.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import TypeVar

Id = TypeVar("Id", bound=Hashable)


def free_lane(
    taken: Sequence[tuple[datetime, datetime, int]], start: datetime, end: datetime, capacity: int
) -> int | None:
    """The lowest lane not taken by an overlapping (start, end, lane), or None."""
    used = {lane for began, ended, lane in taken if began < end and start < ended}
    return next((lane for lane in range(capacity) if lane not in used), None)


def most_at_once(spans: Iterable[tuple[datetime, datetime]]) -> int:
    """How many of the half-open spans overlap where most do."""
    # at the same instant ends come first: touching spans do not overlap
    edges = sorted(edge for start, end in spans for edge in ((start, 1), (end, -1)))
    return max(accumulate(step for _, step in edges), default=0)


def has_room(
    start: datetime, end: datetime, *, most: int, others: Iterable[tuple[datetime, datetime, int | None]]
) -> bool:
    """May one more run in [start, end), so that never more than `most` run at once?

    The third value of another is how many may run at once while *it* runs, None for no limit of its own.
    """
    met = [(max(began, start), min(ended, end), own) for began, ended, own in others]

    def running(low: datetime, high: datetime) -> int:
        inside = ((max(began, low), min(ended, high)) for began, ended, _ in met)
        return 1 + most_at_once((began, ended) for began, ended in inside if began < ended)

    limits = [(start, end, most), *met]
    return all(limit is None or low >= high or running(low, high) <= limit for low, high, limit in limits)


def assign(spans: Mapping[Id, tuple[datetime, datetime]], count: int) -> dict[Id, int]:
    """A lane below `count` for every half-open span. Raises ValueError where more than `count` overlap."""
    lanes: dict[Id, int] = {}
    free = list(range(count))  # a heap: lowest lane first
    ending: list[tuple[datetime, int]] = []
    for key, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        while ending and ending[0][0] <= start:
            heapq.heappush(free, heapq.heappop(ending)[1])
        if not free:
            raise ValueError(f"more than {count} overlap at {start}")
        lanes[key] = heapq.heappop(free)
        heapq.heappush(ending, (end, lanes[key]))
    return lanes
