"""Have a schedule read a remote calendar for busy time; nothing is ever written there."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from genie.store import jobs
from genie.store.models import AvailabilityCalendar, RemoteCalendar, RemoteKey, Schedule
from genie.store.queries.drains import nudged


class CannotRead(Exception):
    """This calendar cannot be read for the schedule now; the message says why and what to do."""


def add_availability_calendar(
    *, schedule: Schedule, key: RemoteKey, remote_id: str, now: datetime
) -> AvailabilityCalendar:
    """The entry (the one that is there, if it was added before); the calendar is read at once.

    Key and schedule belong to one company. Raises CannotRead.
    """
    with transaction.atomic():
        # the key's row is locked so that it cannot be deleted while it becomes used
        held = RemoteKey.objects.select_for_update(no_key=True).get(id=key.id, company_id=schedule.company_id)
        if held.state != RemoteKey.State.ACTIVE:
            raise CannotRead(
                f"The key of {held.label} needs re-authorization, so its calendars cannot be read. "
                "Open Remote Authorization and press Re-authorize beside it first."
            )
        calendar = RemoteCalendar.objects.filter(key=held, remote_id=remote_id).first()
        if calendar is None:
            raise CannotRead(
                "This calendar is not in the account's list any more. "
                "Press Show Calendars to list them again."
            )
        return added(schedule=schedule, calendar=calendar, now=now)


def added(*, schedule: Schedule, calendar: RemoteCalendar, now: datetime) -> AvailabilityCalendar:
    """The entry, and a wake-up for the first read. Call INSIDE a transaction."""
    entry, _ = AvailabilityCalendar.objects.get_or_create(
        schedule=schedule, calendar=calendar, defaults={"added_at": now}
    )
    RemoteCalendar.objects.filter(id=calendar.id).update(nudged_at=nudged(now), next_attempt=None)
    jobs.wake_calendar(calendar.id)
    return entry
