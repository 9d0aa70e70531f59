"""How fast one account may be asked from here: a bucket that fills evenly and is emptied by requests.

Services count per account and minute or so. Each process keeps its own count, so several together may
still be told to slow down; then the answer's fault puts them off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Condition, Lock
from typing import Protocol

from genie.core.errors import Transient

FORGET_ABOVE = 10_000
"""So many accounts' buckets are kept; then all begin anew, full."""


class Pace:
    """Buckets by account. Holds no more than half a minute's allowance, so no minute sees 1.5 of them."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic, *, who: str = "The service") -> None:
        """`who` allows only so much, in sentences for people."""
        self._ticks = ticks
        self._who = who
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
                    f"{self._who} allows only so many requests a minute for one account; the next ones wait.",
                    retry_after=(units - left) * 60 / per_minute,
                )
            self._buckets[account] = (left - units, now)


class AtOnce(Protocol):
    """So many requests at once for one account, whoever makes them; who finds no place waits for one."""

    def __call__(self, account: str, *, most: int, patience: float) -> AbstractContextManager[None]:
        """Held while a request is under way. Raises Transient after `patience` seconds without a place.

        A wait is as short as the requests before are, each with its own time limit.
        """


class Places:
    """`AtOnce` for one process alone; what counts over all of them needs something they share."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._taken: dict[str, int] = {}

    @contextmanager
    def place(self, account: str, *, most: int, patience: float) -> Iterator[None]:
        with self._changed:
            if not self._changed.wait_for(lambda: self._taken.get(account, 0) < most, timeout=patience):
                raise no_place(most)
            self._taken[account] = self._taken.get(account, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                left = self._taken.pop(account) - 1
                if left:
                    self._taken[account] = left
                self._changed.notify_all()


def no_place(most: int) -> Transient:
    return Transient(
        f"The service takes only {most} request{'s' if most > 1 else ''} at once for one account."
    )


def number(text: str, usual: float) -> float:
    """An operator's number; where it is none, what is usual."""
    try:
        return float(text)
    except ValueError:
        return usual
