"""How fast one account may be asked from here: a bucket that fills evenly and is emptied by requests.

Google counts per account, project and minute. Each process keeps its own count, so several together may
still be told to slow down; then the answer's fault puts them off.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from genie.core.errors import Transient

FORGET_ABOVE = 10_000
"""So many accounts' buckets are kept; then all begin anew, full."""


class Pace:
    """Buckets by account. Holds no more than half a minute's allowance, so no minute sees 1.5 of them."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._lock = Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, account: str, units: int, *, per_minute: float) -> None:
        """Raises Transient when the allowance is used up. `per_minute` 0: no limit."""
        if per_minute <= 0:
            return
        most, now = max(per_minute / 2, units), self._ticks()
        with self._lock:
            if len(self._buckets) > FORGET_ABOVE:
                self._buckets.clear()
            left, at = self._buckets.get(account, (most, now))
            left = min(most, left + (now - at) * per_minute / 60)
            if left < units:
                self._buckets[account] = (left, now)
                raise Transient(
                    "Google allows only so many requests a minute for one account; the next ones wait.",
                    retry_after=(units - left) * 60 / per_minute,
                )
            self._buckets[account] = (left - units, now)


PACE = Pace()
