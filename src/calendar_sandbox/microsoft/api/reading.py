"""Reading events: one, a list, a series' instances, a calendar view."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from calendar_sandbox.microsoft import errors, recurrence, times
from calendar_sandbox.microsoft.api import entities, odata
from calendar_sandbox.microsoft.api.call import Answer, Call
from calendar_sandbox.microsoft.recurrence import Occurrence
from calendar_sandbox.microsoft.state import (
    Calendar,
    Resource,
    StoredEvent,
    exceptions_in,
    shape_of,
)

OCCURRENCE_ID = re.compile(r"(.+)FRAAI(\d{4})(\d\d)(\d\d)(EAAA=|EA=)")
LONGEST_VIEW = 1825  # days: five years
ALSO = "id type seriesMasterId start end body organizer webLink originalStart singleValueExtendedProperties"
PROPERTIES = frozenset((*entities.KNOWN, *ALSO.split()))


@dataclass(frozen=True)
class Found:
    """An event of a calendar: a stored one, or an occurrence of the stored `master` (then `stored` is it)."""

    calendar: Calendar
    stored: StoredEvent
    master: StoredEvent | None = None  # of an exception
    occurrence: Occurrence | None = None

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Start and end as instants."""
        if self.occurrence is None and self.master is None:
            return bounds_of(self.stored)
        inherited = self.master.resource if self.master else {}
        resource = inherited | self.stored.resource
        if self.occurrence is None:
            return times.bounds(resource)
        span = {
            name: {"dateTime": times.wall_text(moment.replace(tzinfo=None))}
            for name, moment in (("start", self.occurrence.start), ("end", self.occurrence.end))
        }
        return times.bounds(resource | span)

    def shown(self, call: Call) -> Resource:
        return entities.event(
            call, self.calendar, self.stored, master=self.master, occurrence=self.occurrence
        )


def bounds_of(stored: StoredEvent) -> tuple[datetime, datetime]:
    """Start and end of an event that inherits nothing; worked out once."""
    if "bounds" not in stored.known:
        stored.known["bounds"] = times.bounds(stored.resource)
    found: tuple[datetime, datetime] = stored.known["bounds"]
    return found


def find(call: Call, event_id: str) -> Found:
    """The event of an id of either kind. Raise Refusal when it is not there, or not to be seen."""
    if not event_id.endswith("=") or "/" in event_id:
        raise errors.malformed_id()
    found = _stored(call, event_id) or _occurrence(call, event_id)
    if found is None or call.world.entry_of(call.mailbox, found.calendar) is None:
        raise errors.item_not_found()
    if "calendar" in call.args and call.calendar() is not found.calendar:
        same_mailbox = call.calendar().owner == found.calendar.owner
        if call.owner or not (call.world.finds_anywhere and same_mailbox):
            raise errors.item_not_found()
    call.must_see_details(found.calendar)
    return found


def _stored(call: Call, event_id: str) -> Found | None:
    hit = call.world.find_event(event_id)
    if hit is None:
        return None
    calendar, stored = hit
    return Found(calendar, stored, calendar.events.get(stored.series) if stored.series else None)


def _occurrence(call: Call, event_id: str) -> Found | None:
    parts = OCCURRENCE_ID.fullmatch(event_id)
    if parts is None or _is_gone(call, event_id):
        return None
    tail = "AEAAA=" if parts[5] == "EAAA=" else "AEA="
    hit = call.world.find_event(f"{parts[1]}{tail}")
    if hit is None or hit[1].kind != "seriesMaster":
        return None
    calendar, master = hit
    occurrence = recurrence.occurrence_on(shape_of(master), "-".join(parts.group(2, 3, 4)))
    return Found(calendar, master, occurrence=occurrence) if occurrence else None


def _is_gone(call: Call, event_id: str) -> bool:
    """Say whether the occurrence of this id was deleted."""
    calendar_key, key = call.world.places.get(event_id, ("", ""))
    calendar = call.world.calendars.get(calendar_key)
    stored = calendar.events.get(key) if calendar else None
    return stored is not None and stored.deleted


def events_of(call: Call, calendar: Calendar) -> dict[str, StoredEvent]:
    """What lies in the calendar, or lay in it a few changes ago."""
    if not call.changes_ago:
        return calendar.events
    return call.world.as_it_was(calendar, call.changes_ago, within=call.within)[0]


def expanded(
    calendar: Calendar,
    events: dict[str, StoredEvent],
    master: StoredEvent,
    since: datetime,
    until: datetime,
) -> list[Found]:
    """What a series has in a window: occurrences by the rule, and exceptions where they were put."""
    others = exceptions_in(events, calendar, master.immutable_id)
    days = {other.original for other in others}
    found = [
        Found(calendar, master, occurrence=one)
        for one in recurrence.occurrences(shape_of(master), since, until)
        if one.day not in days
    ]
    for other in others:
        exception = Found(calendar, other, master)
        if not other.deleted and recurrence.overlaps(*exception.bounds, since, until):
            found.append(exception)
    return found


def view(calendar: Calendar, events: dict[str, StoredEvent], since: datetime, until: datetime) -> list[Found]:
    """All that lies in a window, by time."""
    found = []
    for stored in events.values():
        if stored.deleted or stored.series:
            continue
        if stored.kind == "seriesMaster":
            found += expanded(calendar, events, stored, since, until)
        elif recurrence.overlaps(*bounds_of(stored), since, until):
            found.append(Found(calendar, stored))
    return sorted(found, key=lambda one: (one.bounds, one.stored.immutable_id))


def window(call: Call) -> tuple[datetime, datetime]:
    """The window of startDateTime and endDateTime; without an offset they are in the preferred zone."""
    if not call.text("startDateTime") or not call.text("endDateTime"):
        raise errors.no_window()
    try:
        since, until = (times.parse_instant(call.text(name)) for name in ("startDateTime", "endDateTime"))
    except ValueError:
        raise errors.bad("ErrorInvalidParameter", "The time window cannot be read.") from None
    if until < since:
        raise errors.bad("ErrorInvalidParameter", "The end of the time window lies before its start.")
    if (until - since).days > LONGEST_VIEW:
        raise errors.bad("ErrorCalendarViewRangeTooBig", "The requested view range is too big: 1825 days.")
    return since, until


# --- methods ---------------------------------------------------------------------------------------------


def get(call: Call) -> Answer:
    found = find(call, call.args["event"])
    said = odata.with_properties(found.shown(call), _extended(found), odata.expanded(call))
    said = odata.selected(call, said, PROPERTIES)
    context = f"{call.events_context(found.calendar)}/$entity"
    return Answer({"@odata.context": context} | said, headers={"ETag": said["@odata.etag"]})


def listed(call: Call) -> Answer:
    """The single events and masters of a calendar, newest first."""
    calendar = call.calendar()
    call.must_see_details(calendar)
    events = events_of(call, calendar)
    found = [Found(calendar, one) for one in events.values() if not one.deleted and not one.series]
    found.sort(key=lambda one: one.stored.resource["createdDateTime"], reverse=True)
    return _answered(call, calendar, found, "events")


def instances(call: Call) -> Answer:
    master = find(call, call.args["event"])
    if master.stored.kind != "seriesMaster" or master.occurrence:
        raise errors.bad("ErrorInvalidRequest", "Instances are of a recurring series only.")
    since, until = window(call)
    events = events_of(call, master.calendar)
    found = expanded(master.calendar, events, master.stored, since, until)
    return _answered(call, master.calendar, sorted(found, key=lambda one: one.bounds), "instances")


def calendar_view(call: Call) -> Answer:
    calendar = call.calendar()
    call.must_see_details(calendar)
    since, until = window(call)
    if "singlevalueextendedproperties" in call.text("$filter").lower():
        raise errors.server_error(500)  # as it does, says msgraph-sdk-dotnet #2375
    return _answered(call, calendar, view(calendar, events_of(call, calendar), since, until), "calendarView")


def count(call: Call) -> Answer:
    calendar = call.calendar()
    call.must_see_details(calendar)
    alive = [one for one in events_of(call, calendar).values() if not one.deleted and not one.series]
    return Answer(text=str(len(alive)))


def calendar_of(call: Call) -> Answer:
    """The calendar an event lies in."""
    found = find(call, call.args["event"])
    own = f"users('{call.mailbox.id}')"
    context = call.context(f"{own}/events('{call.args['event']}')/calendar/$entity")
    return Answer({"@odata.context": context} | entities.calendar(call, found.calendar))


def _extended(found: Found) -> dict[str, str]:
    return (found.master.extended if found.master else {}) | found.stored.extended


def _answered(call: Call, calendar: Calendar, found: list[Found], what: str) -> Answer:
    wanted, text = odata.expanded(call), call.text("$filter")
    zone = call.zone
    rows = [odata.Row(partial(one.shown, call), _extended(one)) for one in found]
    if text:
        test = odata.filtering(text)
        rows = [row for row, utc in zip(rows, _in_utc(rows, zone), strict=True) if test(utc)]
    page, said = odata.paged(call, odata.ordered(call, rows))
    value = [
        odata.selected(call, odata.with_properties(row.said, row.extended, wanted), PROPERTIES)
        for row in page
    ]
    return Answer({"@odata.context": call.events_context(calendar, what)} | said | {"value": value})


def _in_utc(rows: list[odata.Row], zone: str) -> list[odata.Row]:
    """Rows with their times in UTC, for filters."""
    if zone in times.UTC_NAMES:
        return rows
    return [odata.Row(partial(_moved_to_utc, row, zone), row.extended) for row in rows]


def _moved_to_utc(row: odata.Row, zone: str) -> Resource:
    walls = {name: times.read_wall(row.said[name]["dateTime"]) for name in ("start", "end")}
    moved = {name: times.from_wall(wall, zone).replace(tzinfo=None) for name, wall in walls.items()}
    return row.said | {name: {"dateTime": times.wall_text(wall)} for name, wall in moved.items()}
