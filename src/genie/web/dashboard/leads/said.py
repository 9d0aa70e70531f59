"""What the pages say of an appointment: how it stands, and its history in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from genie.core.appointment import State
from genie.core.saying import said_day, said_span
from genie.providers.registry import kind_of
from genie.store.models import Appointment, Change, Connection, EventLink, RemoteCalendar, RemoteKey

FIELDS = {"title": "Title", "place": "Place", "notes": "Notes"}
TIMES = {
    "booked": ("Booked for {}", "new"),
    "asked": ("Asked the customer to accept {}", "new"),
    "kept": ("Time kept as it was: not moved to {}", "old"),
}
"""What is said of a time, and in which half of the line it stands."""
SHORT = 120
"""Characters of a text that are shown within a sentence."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an appointment and its event stand to each other. `tone`: good, warn, bad or off.

    The sentence is `before`, the calendar's name, `after`; `since` is the moment it speaks of.
    """

    tone: str
    before: str
    calendar: str = ""
    after: str = ""
    since: datetime | None = None
    reason: str = ""
    link_to_retry: bool = False


def standing(appointment: Appointment, link: EventLink | None, connection: Connection | None) -> Standing:
    """In step, waiting, or in need of a person; with the true reason."""
    if link is None:
        return _without_event(appointment, connection)
    calendar = link.calendar
    parked = link.state == EventLink.State.PARKED
    if trouble := link.reason if parked else _trouble(calendar):
        return Standing("bad", "not in step with", calendar.name, reason=trouble, link_to_retry=parked)
    return _with_event(link, calendar)


def _with_event(link: EventLink, calendar: RemoteCalendar) -> Standing:
    if link.held_at or link.question_at:
        held = ("changed on", calendar.name, "; held until somebody decides", link.held_at)
        asked = ("moved on", calendar.name, "; the customer is asked", link.question_at)
        return Standing("warn", *(held if link.held_at else asked))
    if link.state == EventLink.State.MISSING:
        return Standing("warn", "its event is gone from", calendar.name, since=link.missing_since)
    if link.state == EventLink.State.OWES_PUSH:
        return Standing("warn", "waiting to be sent to", calendar.name, reason=link.reason)
    if link.reason:
        return Standing("warn", "not read yet from", calendar.name, reason=link.reason)
    if not link.connection.realtime:
        return Standing(
            "good", "sent to", calendar.name, "; changes made there do not come back", calendar.last_out_at
        )
    return Standing("good", "in step with", calendar.name, since=_looked_at(calendar))


def _without_event(appointment: Appointment, connection: Connection | None) -> Standing:
    if appointment.state == State.CANCELLED:
        return Standing("off", "no event on a calendar")
    if connection is None:
        return Standing("off", "no calendar is linked")
    if connection.staff_id != appointment.staff_id:  # the module's, since their own was unlinked
        return Standing("off", "not on", connection.calendar.name, "; it is sent there when it changes")
    return Standing("off", "not on", connection.calendar.name, "; it was booked before that was linked")


def _trouble(calendar: RemoteCalendar) -> str:
    if calendar.key.state == RemoteKey.State.NEEDS_REAUTHORIZATION:
        return f"The access to {calendar.key.label} has ended; it needs re-authorization."
    return calendar.trouble if calendar.state == RemoteCalendar.State.PARKED else ""


def _looked_at(calendar: RemoteCalendar) -> datetime | None:
    return max(filter(None, [calendar.read_at, calendar.last_out_at]), default=None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history: what happened, by whom or what, from where; `note` says more."""

    number: int
    at: datetime
    what: str
    by: str
    where: str
    note: str = ""
    lost: bool = False
    restores: int | None = None
    """The number of the line whose lost value this took up."""
    restored_by: int | None = None


def line_of(change: Change, *, zone: str, kinds: Mapping[str, str], now: datetime) -> Line:
    """A change in words. `kinds` is the provider kind of each calendar, by name; times are said in `zone`."""
    what = _what(change, zone, now)
    if change.lost:
        what = f"Not taken: {what[0].lower()}{what[1:]}"
    by, where = _who(change, kinds)
    later = getattr(change, "restored_by", None) if change.lost else None
    return Line(
        change.pk,
        change.at,
        what,
        by,
        where,
        change.note,
        change.lost,
        restores=change.restores_id,
        restored_by=later.pk if later else None,
    )


def sentence(line: Line) -> str:
    """*Moved from Tue 3 Mar, 10:00–11:00 to 11:00–12:00 by Front desk (the calendar)*."""
    return f"{line.what} by {line.by} ({line.where})"


def _what(change: Change, zone: str, now: datetime) -> str:
    if change.field in TIMES:
        words, end = TIMES[change.field]
        return words.format(said_times(getattr(change, end), zone, now))
    if change.field == "when":
        return _moved(change, zone, now)
    if change.field == "staff":
        return f"Handed over from {change.old} to {change.new}" if change.old else f"Given to {change.new}"
    if change.field == "state":
        return "Cancelled" if change.new == State.CANCELLED else "Restored"
    if change.field == "attention":
        return f"Flagged: {change.new}" if change.new else "Flag taken away"
    return _text_changed(FIELDS.get(change.field, change.field.capitalize()), change.old, change.new)


def _moved(change: Change, zone: str, now: datetime) -> str:
    before, after = _span(change.old), _span(change.new)
    if before is None or after is None:
        return f"Moved to {said_times(change.new, zone, now)}"
    was = said_span(*before, zone, now=now, place=False)
    becomes = said_span(*after, zone, now=now, place=False)
    day = said_day(after[0], zone, now=now)
    if said_day(before[0], zone, now=now) == day:
        becomes = becomes.removeprefix(f"{day}, ")
    return f"Moved from {was} to {becomes}"


def _text_changed(name: str, old: str, new: str) -> str:
    if not old:
        return f"{name} set to “{shortened(new)}”"
    if not new:
        return f"{name} removed (it was “{shortened(old)}”)"
    return f"{name} changed from “{shortened(old)}” to “{shortened(new)}”"


def _calendar_name(kind: str | None) -> str:
    return kind_of(kind).calendar_name if kind else "connected calendar"


def _who(change: Change, kinds: Mapping[str, str]) -> tuple[str, str]:
    if change.origin == Change.Origin.CALENDAR:
        return change.by or "the calendar", _calendar_name(kinds.get(change.by))
    if change.origin == Change.Origin.CUSTOMER:
        return change.by or "the customer", "customer, online"
    if change.origin == Change.Origin.PERSON:
        name = change.by or (change.user.name if change.user else "") or "somebody"
        return name, "in the dashboard"
    if change.lost:
        return change.by or "the dashboard", "changed here"
    return change.by or "Schedule Genie", "by itself"


def said_times(text: str, zone: str, now: datetime) -> str:
    """`start/end` as the history keeps it, in words; the text itself if it is not that."""
    span = _span(text)
    return said_span(*span, zone, now=now, place=False) if span else text


def _span(text: str) -> tuple[datetime, datetime] | None:
    try:
        start, end = map(datetime.fromisoformat, text.split("/"))
    except ValueError:
        return None
    return (start, end) if start.tzinfo and end.tzinfo else None


def shortened(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= SHORT else f"{one_line[: SHORT - 1]}…"
