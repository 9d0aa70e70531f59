"""Sweep: wake whatever is owed or stale and has no wake-up waiting. A lost job costs one interval."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from genie.flows import deliver
from genie.store import jobs
from genie.store.models import Hold
from genie.store.queries import drains
from genie.store.queries.channels import Addresses

LEEWAY = timedelta(minutes=1)
"""An expired hold counts no more, but is kept so long: another machine's clock may be slower."""


def sweep(*, now: datetime, thorough: bool = True, addresses: Addresses = drains.NO_PUSH) -> int:
    """How many wake-ups were enqueued. `thorough` also finds looks that a crash left behind, and channels,
    and takes expired holds away.

    `addresses`: the kinds that push here (`registry.pushing`).
    """
    if thorough:
        Hold.objects.filter(expires_at__lte=now - LEEWAY).delete()
    with transaction.atomic():
        calendars = drains.to_drain(now, thorough=thorough, addresses=addresses) - _waiting_calendars()
        for calendar_id in sorted(calendars):
            jobs.wake_calendar(calendar_id)
        messages = set(deliver.due(now=now)) - _waiting_messages()
        for message_id in sorted(messages):
            jobs.wake_message(message_id)
    return len(calendars) + len(messages)


def _waiting_calendars() -> set[int]:
    return {int(value) for value in _arguments(jobs.DRAIN, "calendar_id")}


def _waiting_messages() -> set[UUID]:
    return {UUID(value) for value in _arguments(jobs.DELIVER, "message_id")}


def _arguments(task: str, name: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT args ->> %s FROM procrastinate_jobs WHERE status = 'todo' AND task_name = %s",
            [name, task],
        )
        return [str(row[0]) for row in cursor.fetchall()]
