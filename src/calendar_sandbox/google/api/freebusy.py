"""freebusy.query: when calendars are busy. What cannot be told of one calendar stands with it, in a 200."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from calendar_sandbox.google import errors, times
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.api.reading import bounds
from calendar_sandbox.google.api.series import expanded
from calendar_sandbox.google.recurrence import split_id
from calendar_sandbox.google.state import Calendar, Resource, World

MOST_CALENDARS = 50
LONGEST = timedelta(days=92)  # "past roughly three months", as clients met it; the reference gives no number
NEVER_BUSY = ("workingLocation", "birthday")

Span = tuple[datetime, datetime]


def query(call: Call) -> Resource:
    first, last = (_moment(call, name) for name in ("timeMin", "timeMax"))
    if last <= first:
        raise errors.time_range_empty("timeMax")
    if last - first > LONGEST:
        raise errors.calendar_says("timeRangeTooLong", "The requested time range is too long.")
    zone = times.known_zone(call.body.get("timeZone") or "UTC", what="query")
    most = call.body.get("calendarExpansionMax") or MOST_CALENDARS
    if most > MOST_CALENDARS:
        raise errors.invalid(f"calendarExpansionMax is at most {MOST_CALENDARS}.")
    asked = [str(item.get("id") or "") for item in call.body.get("items") or ()]
    found = {}
    for number, calendar_id in enumerate(dict.fromkeys(asked)):
        if number >= most:
            found[calendar_id] = _failed("tooManyCalendarsRequested")
        else:
            found[calendar_id] = _one(call, calendar_id, first, last, zone)
    shown = {"timeMin": _shown(first), "timeMax": _shown(last)}
    return {"kind": "calendar#freeBusy", **shown, "calendars": found}


def _moment(call: Call, name: str) -> datetime:
    text = call.body.get(name)
    if not text:
        raise errors.required(f"Missing {name} parameter.")
    try:
        return times.parse_instant(text)
    except (ValueError, OverflowError):
        raise errors.bad_request() from None


def _shown(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _failed(reason: str) -> Resource:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


def _one(call: Call, calendar_id: str, first: datetime, last: datetime, zone: str) -> Resource:
    calendar = call.world.calendar_of(call.account, calendar_id)
    if calendar is None or not call.reaches(calendar):
        return _failed("notFound")
    spans = [
        (max(begin, first), min(end, last))
        for begin, end in busy_spans(call.world, calendar, first, last)
        if begin < last and end > first
    ]
    return {
        "busy": [
            {"start": times.in_zone(begin, zone), "end": times.in_zone(end, zone)}
            for begin, end in _joined(spans)
        ]
    }


def busy_spans(world: World, calendar: Calendar, first: datetime, last: datetime) -> Iterator[Span]:
    """The times that block, in no order; some may lie outside."""
    for stored in calendar.events.values():
        resource = stored.resource
        if stored.deleted or not _blocks(resource, calendar):
            continue
        if "recurrence" not in resource:
            yield bounds(stored, calendar.time_zone)
            continue
        taken = {split_id(one)[1] for one in calendar.by_series.get(stored.id, ())}
        for one in expanded(world, stored):
            begin = one.start.at(calendar.time_zone)
            if begin >= last:
                break
            if one.suffix not in taken and (end := one.end.at(calendar.time_zone)) > first:
                yield begin, end


def _blocks(resource: Resource, calendar: Calendar) -> bool:
    if resource.get("transparency") == "transparent" or resource.get("eventType") in NEVER_BUSY:
        return False
    return not any(
        guest["email"].lower() == calendar.id.lower() and guest["responseStatus"] == "declined"
        for guest in resource.get("attendees", ())
    )


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > begin:
            joined.append((begin, end))
    return joined
