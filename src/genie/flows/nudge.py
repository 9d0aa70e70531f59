"""Nudge a calendar: something may differ there. That is all a webhook, or a person who waits, can say."""

from __future__ import annotations

from datetime import datetime

from django.db import OperationalError, connection, transaction

from genie.store import jobs
from genie.store.models import RemoteCalendar
from genie.store.queries.drains import nudged


def nudge(*, calendar_id: int, now: datetime, pushed: bool = False) -> None:
    """Have the calendar read. Many nudges before one read cost one wake-up: whoever answers the first looks
    again when another came meanwhile (`pull`), and a wake-up that was lost is made up for by the sweep.

    Answers in any case: while somebody holds the calendar's row for long, the nudge is left to a worker.
    `pushed`: a channel told it, so its messages do come through.
    """
    try:
        with transaction.atomic():
            _nudge(calendar_id, now, pushed)
    except OperationalError:  # the row did not come free
        with transaction.atomic():
            jobs.nudge_later(calendar_id)


def _nudge(calendar_id: int, now: datetime, pushed: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '200ms'")
    row = RemoteCalendar.objects.filter(id=calendar_id)
    # locked, so that no read ends between this look and the nudge: the wake-up would be lost
    calendar = row.select_for_update(no_key=True).only("nudged_at", "read_at").first()
    if calendar is None:
        return
    row.update(nudged_at=nudged(now), **({"push_late_at": None} if pushed else {}))
    if not _is_unanswered(calendar):
        jobs.wake_calendar(calendar_id)


def _is_unanswered(calendar: RemoteCalendar) -> bool:
    if calendar.nudged_at is None:
        return False
    return calendar.read_at is None or calendar.nudged_at > calendar.read_at
