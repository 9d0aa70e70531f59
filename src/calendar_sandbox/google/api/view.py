"""What an account sees of an event: in its time zone, with `self` marked, without what is not for it."""

from __future__ import annotations

import base64
from typing import Any

from calendar_sandbox.google import times
from calendar_sandbox.google.api.call import Call, hidden
from calendar_sandbox.google.recurrence import Instance
from calendar_sandbox.google.state import Calendar, Resource, StoredEvent

# What stays of an event whose details are hidden
BUSY_ONLY = (
    "kind",
    "etag",
    "id",
    "status",
    "created",
    "updated",
    "start",
    "end",
    "recurrence",
    "recurringEventId",
    "originalStartTime",
    "transparency",
    "iCalUID",
    "sequence",
    "eventType",
)


def event(
    call: Call,
    calendar: Calendar,
    resource: Resource,
    *,
    role: str,
    zone: str,
    most_guests: int = 0,
) -> Resource:
    """The event as an answer."""
    if hidden(resource, role, calendar, call.account):
        shown = {name: resource[name] for name in BUSY_ONLY if name in resource} | {"visibility": "private"}
    else:
        shown = dict(resource)
        shown["htmlLink"] = link(call, calendar, resource["id"])
        for name in ("creator", "organizer"):
            if name in shown:
                shown[name] = _with_self(shown[name], calendar)
        if "attendees" in shown:
            shown |= _guests(shown, calendar, most_guests)
    for name in ("start", "end", "originalStartTime"):
        if name in shown:
            shown[name] = moment(shown[name], zone)
    return shown


def instance(master: Resource, one: Instance) -> Resource:
    """An instance that nobody changed, as if it were stored."""
    made = {name: value for name, value in master.items() if name != "recurrence"}
    made["id"] = f"{master['id']}_{one.suffix}"
    made["start"], made["end"] = one.start.as_kept(), one.end.as_kept()
    made["recurringEventId"] = master["id"]
    made["originalStartTime"] = one.start.as_kept()
    return made


def tombstone(resource: Resource, zone: str) -> Resource:
    """What a sync says of an event that is gone."""
    kept = ("kind", "etag", "id", "recurringEventId")
    shown = {name: resource[name] for name in kept if name in resource} | {"status": "cancelled"}
    if "originalStartTime" in resource:
        shown["originalStartTime"] = moment(resource["originalStartTime"], zone)
    return shown


def gone_instance(stored: StoredEvent, one: Instance, zone: str) -> Resource:
    """The tombstone of an instance that its series does not have any more."""
    return {
        "kind": "calendar#event",
        "etag": stored.resource["etag"],
        "id": f"{stored.id}_{one.suffix}",
        "status": "cancelled",
        "recurringEventId": stored.id,
        "originalStartTime": moment(one.start.as_kept(), zone),
    }


def moment(kept: dict[str, Any], zone: str) -> dict[str, Any]:
    """A stored time in the zone of the answer; the zone it was written in stays beside it."""
    if "date" in kept:
        return {"date": kept["date"]}
    return {"dateTime": times.shown(kept["dateTime"], zone), "timeZone": kept["timeZone"]}


def link(call: Call, calendar: Calendar, event_id: str) -> str:
    eid = base64.urlsafe_b64encode(f"{event_id} {calendar.id}".encode()).decode().rstrip("=")
    return f"{call.world.root_url}/calendar/event?eid={eid}"


def _with_self(person: Resource, calendar: Calendar) -> Resource:
    return person | {"self": True} if person.get("email", "").lower() == calendar.id.lower() else person


def _guests(shown: Resource, calendar: Calendar, most: int) -> Resource:
    organizer = shown.get("organizer", {}).get("email", "").lower()
    guests = []
    for guest in shown["attendees"]:
        marked = dict(guest)
        if guest["email"].lower() == organizer:
            marked["organizer"] = True
        if guest["email"].lower() == calendar.id.lower():
            marked["self"] = True
        guests.append(marked)
    if most and len(guests) > most:
        return {"attendees": [guest for guest in guests if guest.get("self")], "attendeesOmitted": True}
    return {"attendees": guests}
