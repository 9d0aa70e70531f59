"""**Get real-time Calendar updates**: may changes made in the linked calendar flow back?"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from genie.flows.decide import let_go
from genie.store import jobs
from genie.store.models import Connection, RemoteCalendar
from genie.store.queries.drains import nudged


def set_realtime(*, company_id: int, connection_id: int, on: bool, now: datetime) -> Connection:
    """Switching on has the calendar read and a channel opened at once, switching off has it stopped.

    Raises Connection.DoesNotExist unless it is linked.
    """
    with transaction.atomic():
        connection = (
            Connection.objects.select_for_update(of=("self",))
            .select_related("calendar", "module")
            .get(id=connection_id, module__company_id=company_id, state=Connection.State.LINKED)
        )
        if connection.realtime == on:
            return connection
        connection.realtime = on
        connection.save(update_fields=["realtime"])
        if not on:
            let_go(connection=connection, now=now)
        if on:
            RemoteCalendar.objects.filter(id=connection.calendar_id).update(nudged_at=nudged(now))
        jobs.wake_calendar(connection.calendar_id)
    return connection
