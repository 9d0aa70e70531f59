"""Look at a link's event by id: the only way a change comes in.

A page, a webhook or a refused write only says *look* (SYNC.md, *Reads*).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from genie.core.errors import Gone
from genie.flows.absorb import absorb, still_followed
from genie.flows.vanish import vanish
from genie.providers.port import CalendarProvider


def look(*, link_id: UUID, provider: CalendarProvider, now: datetime, version: int | None = None) -> str:
    """Read the event, reconcile, and return its version ("" when it is gone).

    `version`: the link's, where the caller has acted on it already. Raises ProviderFault, and Overtaken when
    another worker moved the link on, or ended it.
    """
    link = still_followed(link_id, version)
    try:
        event = provider.get(link.calendar.remote_id, link.remote_id)
    except Gone:
        vanish(link_id=link_id, provider=provider, now=now, version=link.version)
        return ""
    absorb(link_id=link_id, version=link.version, event=event, now=now)
    return event.version
