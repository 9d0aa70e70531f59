"""When to try again: exponential backoff with full jitter; the randomness is passed in."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(minutes=15)


def next_attempt(
    *, attempts: int, now: datetime, jitter: float, retry_after: float | None = None
) -> datetime:
    """The earliest next try after `attempts` failures in a row (1 = the first just failed).

    `jitter` is uniform in [0, 1). `retry_after` (seconds) is the provider's wish and a floor. At least
    half a second passes, so that a storm of retries never spins.
    """
    ceiling: timedelta = min(LONGEST, FIRST * 2 ** min(attempts - 1, 16))
    wait = max(timedelta(seconds=0.5), ceiling * jitter)
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=min(retry_after, 86_400)))
    return now + wait
