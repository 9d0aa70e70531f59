"""Notice when a calendar and we write one event in turns: another tool knows better (SYNC.md, *Deciding*)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from genie.store.models import EventLink

WITHIN = timedelta(hours=1)
LIMIT = 4
"""So many alternations within the hour are a person who changes their mind; more are two machines."""
IN_TURNS = (
    "This event was changed here and on the calendar in turns, again and again within an hour. Something "
    "else may be writing it too: another program, or a rule on the calendar. It is left alone for an hour; "
    "find out what it is, then press Retry."
)

Side = Literal["here", "there"]


def alternate(link: EventLink, side: Side, now: datetime) -> bool:
    """Note, unsaved, whose turn it was. False: they have alternated too often. The first turn is theirs."""
    turns = [turn for turn in link.turns if datetime.fromisoformat(turn[1]) > now - WITHIN]
    while turns and turns[0][0] == "here":
        turns.pop(0)
    if (turns[-1][0] if turns else "here") != side:
        turns.append([side, now.isoformat()])
    link.turns = turns
    return len(turns) - 1 <= LIMIT


def leave_alone(link: EventLink, now: datetime) -> None:
    """Put it aside, unsaved, with its reason; it is tried again by itself when the hour is over."""
    link.state, link.reason = EventLink.State.PARKED, IN_TURNS
    link.attempts, link.next_attempt = 0, now + WITHIN
    link.version += 1
