"""Release a hold: whoever leaves the form gives the slot back at once."""

from __future__ import annotations

from datetime import datetime

from genie.store.models import Hold


def release_hold(*, module_id: int, visitor: str, start: datetime) -> bool:
    """Whether there was one. Only the hold of that `start`: another page may hold another slot by now."""
    gone, _ = Hold.objects.filter(module=module_id, visitor=visitor, start=start).delete()
    return gone > 0
