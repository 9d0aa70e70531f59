"""Measure a drain: how long changes took to get through, and how many requests it made.

Counted in memory, kept with one statement when the drain is over (decision 0100). Figures for people: what a
worker that dies has counted is lost, and nothing of the sync waits for it or fails with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import DatabaseError

from genie.providers.counting import Requests
from genie.providers.registry import ProviderSettings
from genie.store import counts
from genie.store.counts import Took
from genie.store.models import EventLink, RemoteCalendar, SyncCount

log = logging.getLogger(__name__)


@dataclass
class _Measured:
    """What one drain has counted. `began`, and the times in `through`, are the settings' ticks."""

    noticed_at: datetime | None
    began: float
    ticks: Callable[[], float]
    requests: Requests = field(default_factory=Requests)
    through: list[tuple[SyncCount.What, datetime | None, float]] = field(default_factory=list)


_now: ContextVar[_Measured | None] = ContextVar("measured", default=None)


@contextmanager
def measured(
    *, calendar: RemoteCalendar, settings: ProviderSettings, now: datetime
) -> Iterator[ProviderSettings]:
    """Count what happens inside, on this calendar; a provider opened with the settings given is counted."""
    here = _Measured(calendar.noticed_at, settings.ticks(), settings.ticks)
    before = _now.set(here)
    try:
        yield replace(settings, requests=here.requests)
    finally:
        _now.reset(before)
    _keep(here, calendar, now)


def sent(link: EventLink) -> None:
    """Call where the answer to a link's write is kept, before it is said that nothing is owed."""
    here = _now.get()
    if here and link.owed_at:
        here.through.append((SyncCount.What.OUT, link.owed_at, here.ticks()))


def taken_in() -> None:
    """Call where a change made on the calendar has changed something here."""
    here = _now.get()
    if here:
        here.through.append((SyncCount.What.IN, here.noticed_at, here.ticks()))


def _keep(here: _Measured, calendar: RemoteCalendar, now: datetime) -> None:
    requests, end = here.requests, here.ticks()
    every: dict[str, int] = {
        SyncCount.What.ASKED: requests.asked,
        SyncCount.What.THROTTLED: requests.throttled,
        SyncCount.What.FAILED: requests.failed,
    }
    counted = {what: count for what, count in every.items() if count}
    took = [Took(what, since, end - at if since else at - here.began) for what, since, at in here.through]
    if not counted and not took:
        return
    try:
        counts.keep(calendar=calendar, took=took, counted=counted, now=now)
    except DatabaseError:
        log.warning("calendar %s: what was counted could not be kept", calendar.pk, exc_info=True)
