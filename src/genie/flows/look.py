"""Look at a link's event by id: the only way a change comes in.

A page, a webhook or a refused write only says *look* (SYNC.md, *Reads*).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from genie.core.errors import Gone
from genie.flows.absorb import absorb
from genie.flows.vanish import vanish
from genie.providers.port import CalendarProvider
from genie.store.models import EventLink


def look(*, link_id: UUID, provider: CalendarProvider, now: datetime) -> str:
    """Read the event, reconcile, and return its version ("" when it is gone). Raises ProviderFault."""
    link = EventLink.objects.select_related("calendar").get(id=link_id)
    try:
        event = provider.get(link.calendar.remote_id, link.remote_id)
    except Gone:
        vanish(link_id=link_id, provider=provider, now=now)
        return ""
    absorb(link_id=link_id, version=link.version, event=event, now=now)
    return event.version
