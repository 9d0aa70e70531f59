"""When so much changes on a calendar at once that it is more likely an accident (SYNC.md, *Safety*)."""

from __future__ import annotations

from datetime import timedelta

WITHIN = timedelta(hours=1)
"""Deletions and moves are counted over a sliding hour, however many reads they arrive in."""
MANY, SHARE = 5, 0.2
"""More than so many, and more than this share of a calendar's appointments still to come …"""
FEW, OF_FEW = 10, 2
"""… or of fewer than FEW more than OF_FEW."""


def too_many(*, changed: int, of: int) -> bool:
    """Are `changed` deletions and moves too many, `of` all the appointments that were still to come?

    One or two never are, even if there are no others: whoever tries things out moves both of two visits.
    """
    return (changed > MANY and changed > SHARE * of) or (of < FEW and changed > OF_FEW)
