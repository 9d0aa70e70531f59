"""What the owners of the stand-ins' calendars do alike: moving series, and refusals in the page's words."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from calendar_sandbox.faults import BadInput, Fault, Forbidden, Gone, ServerFault, Stale
from calendar_sandbox.week.owner import Occurrence, When, instant


class Shift:
    """A series moved as a whole, by wall-clock time in its own zone."""

    def __init__(self, old: Occurrence, when: When, zone: tzinfo) -> None:
        self.zone = zone
        self.by = self.wall(when.start) - self.wall(old.start)
        self.days = (self.wall(when.start).date() - self.wall(old.start).date()).days
        self.length = when.end - when.start

    def wall(self, moment: date) -> datetime:
        if not isinstance(moment, datetime):
            return datetime.combine(moment, time())
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def later(self, moment: date) -> date:
        if not isinstance(moment, datetime):
            return moment + timedelta(days=self.days)
        if moment.tzinfo is None:
            return moment + self.by
        return (self.wall(moment) + self.by).replace(tzinfo=self.zone)


def meets(one: Occurrence, first: datetime, last: datetime, zone: ZoneInfo) -> bool:
    """Say whether an occurrence lies in [first, last)."""
    starts, ends = instant(one.start, zone), instant(one.end, zone)
    return starts < last and (ends > first or starts == ends >= first)


def nobody_asked() -> BadInput:
    """Say why an event cannot be answered."""
    return BadInput(
        "Nobody has asked for an answer to this event.",
        "You are not one of its guests, so nothing was changed.",
        "Delete the event instead.",
    )


def fault_of(status: int, message: str, *, organizer_only: bool = False) -> Fault:
    """A refusal of the API by its status. `organizer_only`: the event belongs to somebody else."""
    if status == 412:
        return Stale.event()
    if status in (404, 410):
        return Gone.event()
    said = (message, "Nothing was changed.")
    if organizer_only:
        return Forbidden(*said, "Answer the invitation, or play the owner who organizes the event.")
    if status == 403:
        return Forbidden(*said, "Choose another calendar, or play the owner who may do this.")
    if status >= 500:
        return ServerFault(*said, "Try again.")
    return BadInput(*said, "Correct it and save again.")
