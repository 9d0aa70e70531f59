"""Forget the counts of single quarters, once no page shows them; their sums are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from genie.store import counts

KEPT = timedelta(days=2)


def forget_counts(*, now: datetime) -> None:
    """Add counts older than two days to the totals and delete them."""
    counts.fold(before=now - KEPT)
