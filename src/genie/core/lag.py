"""How long changes took, as counts below fixed bounds: what half of them, or 95 %, stayed below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BOUNDS: Sequence[float] = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
"""Seconds. Bucket n holds what took less than bound n and not less than the one before; the last is open."""


def stayed_below(counts: Mapping[int, int], share: float) -> int | None:
    """The first bucket with which at least that share (0 to 1) of all is counted; None where nothing is."""
    wanted, seen = sum(counts.values()) * share, 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen and seen >= wanted:
            return bucket
    return None


def said_bound(bucket: int) -> str:
    """*within 2 s*, *within 5 min*; of the last bucket *only after more than 1 h*."""
    if bucket >= len(BOUNDS):
        return f"only after more than {_said(BOUNDS[-1])}"
    return f"within {_said(BOUNDS[bucket])}"


def _said(seconds: float) -> str:
    for size, word in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds != 60:
            return f"{seconds / size:g} {word}"
    return f"{seconds:g} s"
