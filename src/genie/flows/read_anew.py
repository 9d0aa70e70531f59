"""Have calendars read in full, over new channels, as soon as may be: what was known of them may differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F

from genie.store import jobs
from genie.store.models import Channel, EventLink, RemoteCalendar
from genie.store.queries.drains import nudged


def read_anew(*, calendar_ids: Sequence[int], now: datetime) -> None:
    """What is read is compared, and where nothing moved nobody is told. What is owed goes on as well. Call it
    inside the transaction that gives the reason."""
    RemoteCalendar.objects.filter(id__in=calendar_ids).update(
        next_attempt=None,
        attempts=0,
        nudged_at=nudged(now),
        cursor="",
        version=F("version") + 1,
        push_next_attempt=None,
        push_attempts=0,
    )
    channels = Channel.objects.filter(calendar__in=calendar_ids)
    channels.filter(state=Channel.State.ASKED).delete()
    channels.update(state=Channel.State.CLOSING)
    EventLink.objects.filter(calendar_id__in=calendar_ids, state=EventLink.State.OWES_PUSH).update(
        next_attempt=None
    )
    for calendar_id in calendar_ids:
        jobs.wake_calendar(calendar_id)
