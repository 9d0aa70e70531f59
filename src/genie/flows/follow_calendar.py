"""Follow a calendar that goes on under another id at its provider, as some do soon after they were made.

Told by its name alone it might be another one. What proves it is an event of ours that stands there under the
id it had: else the calendar is gone, and a person decides.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from genie.core.errors import CalendarGone, Gone, Malformed
from genie.flows.read_anew import read_anew
from genie.providers.port import CalendarInfo, CalendarProvider
from genie.store.models import EventLink, RemoteCalendar
from genie.store.queries.remote_calendars import unused

WITNESSES = 3
"""So many of our events are looked for in a calendar of the same name."""


def follow_calendar(*, calendar: RemoteCalendar, provider: CalendarProvider, now: datetime) -> bool:
    """Call when the provider does not know the calendar's id any more. True if it goes on under another one:
    then it is read anew. Raises ProviderFault."""
    listed = provider.calendars()
    if any(info.id == calendar.remote_id for info in listed):
        return False
    links = EventLink.objects.filter(calendar=calendar).exclude(state=EventLink.State.ENDED)
    theirs = links.exclude(remote_id="").order_by("-appointment__start")
    witnesses = list(theirs.values_list("remote_id", flat=True)[:WITNESSES])
    for info in listed:
        if info.name[:250] == calendar.name and any(_has(provider, info, one) for one in witnesses):
            return _go_on(calendar, info, now)
    return False


def _has(provider: CalendarProvider, info: CalendarInfo, event_id: str) -> bool:
    try:
        provider.get(info.id, event_id)
    except (Gone, CalendarGone):
        return False
    except Malformed:
        return True
    return True


@transaction.atomic
def _go_on(calendar: RemoteCalendar, info: CalendarInfo, now: datetime) -> bool:
    """False if that calendar is in use already, for something else."""
    unused().filter(key=calendar.key, remote_id=info.id).delete()
    if RemoteCalendar.objects.filter(key=calendar.key, remote_id=info.id).exists():
        return False
    RemoteCalendar.objects.filter(id=calendar.id).update(remote_id=info.id, may_write=info.may_write)
    read_anew(calendar_ids=[calendar.id], now=now)
    return True
