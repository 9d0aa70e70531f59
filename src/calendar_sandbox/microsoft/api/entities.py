"""Entities as Graph answers them: events of each kind, calendars, people."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from urllib.parse import quote

from calendar_sandbox.microsoft import times
from calendar_sandbox.microsoft.api import bodies
from calendar_sandbox.microsoft.api.call import Call
from calendar_sandbox.microsoft.recurrence import Occurrence
from calendar_sandbox.microsoft.state import Account, Calendar, Resource, StoredEvent, occurrence_ids

NEVER = "0001-01-01T00:00:00Z"
NO_MEETING = {
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "onlineMeetingUrl": None,
    "onlineMeeting": None,
}
# What an event is without anybody having said so
USUAL: Resource = {
    "transactionId": None,
    "originalStartTimeZone": "UTC",
    "originalEndTimeZone": "UTC",
    "reminderMinutesBeforeStart": 15,
    "isReminderOn": True,
    "hasAttachments": False,
    "subject": "",
    "bodyPreview": "",
    "importance": "normal",
    "sensitivity": "normal",
    "isAllDay": False,
    "isCancelled": False,
    "isOrganizer": True,
    "responseRequested": True,
    "showAs": "busy",
    "allowNewTimeProposals": True,
    "isDraft": False,
    "hideAttendees": False,
    "categories": [],
    "responseStatus": {"response": "organizer", "time": NEVER},
    "body": {"contentType": "html", "content": ""},
    "location": {
        "displayName": "",
        "locationType": "default",
        "uniqueIdType": "unknown",
        "address": {},
        "coordinates": {},
    },
    "locations": [],
    "recurrence": None,
    "attendees": [],
    **NO_MEETING,
}
STUB = ("id", "type", "seriesMasterId", "start", "end")


def etag(stored: StoredEvent) -> str:
    return f'W/"{stored.resource["changeKey"]}"'


def event(
    call: Call,
    calendar: Calendar,
    stored: StoredEvent,
    *,
    master: StoredEvent | None = None,
    occurrence: Occurrence | None = None,
) -> Resource:
    """An event as this caller sees it: a stored one, or an occurrence of a stored master.

    `master` belongs to an exception, which inherits from it.
    """
    of_series = master or stored
    known = USUAL | (of_series.resource if master else {}) | stored.resource
    kind, event_id = stored.kind, call.ids(stored)
    if occurrence is not None:
        kind = "occurrence"
        event_id = occurrence_ids(stored, occurrence.day)[1 if call.immutable else 0]
        known = known | span(occurrence)
    day = occurrence.day if occurrence else stored.original
    if day:
        known = known | {"recurrence": None, "iCalUId": _uid_of(known["iCalUId"], day)}
    known = _hidden(call, calendar, known)
    zone, all_day = call.zone, bool(known["isAllDay"])
    said: Resource = {
        "@odata.etag": etag(stored),
        "id": event_id,
        "type": kind,
        "seriesMasterId": call.ids(of_series) if day else None,
    }
    said |= {name: known[name] for name in KNOWN if name in known}
    said |= {name: times.shown(known[name], zone, all_day=all_day) for name in ("start", "end")}
    said["body"] = _body(call, known["body"])
    said["organizer"] = _organizer(call, calendar, known)
    said["webLink"] = (
        f"{call.world.root_url}/owa/?itemid={quote(event_id, safe='')}&exvsurl=1&path=/calendar/item"
    )
    if day:
        said["originalStart"] = _original(of_series, day)
    return said


KNOWN = (
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "transactionId",
    "originalStartTimeZone",
    "originalEndTimeZone",
    "iCalUId",
    "reminderMinutesBeforeStart",
    "isReminderOn",
    "hasAttachments",
    "subject",
    "bodyPreview",
    "importance",
    "sensitivity",
    "isAllDay",
    "isCancelled",
    "isOrganizer",
    "responseRequested",
    "showAs",
    "onlineMeetingUrl",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "onlineMeeting",
    "allowNewTimeProposals",
    "isDraft",
    "hideAttendees",
    "responseStatus",
    "location",
    "locations",
    "recurrence",
    "attendees",
)


def stub(said: Resource) -> Resource:
    """What a delta tells of an occurrence."""
    return {"@odata.etag": said["@odata.etag"]} | {name: said[name] for name in STUB}


def span(occurrence: Occurrence) -> Resource:
    moments = {"start": occurrence.start, "end": occurrence.end}
    return {
        name: {"dateTime": times.wall_text(moment.replace(tzinfo=None)), "timeZone": "UTC"}
        for name, moment in moments.items()
    }


def _original(master: StoredEvent, day: str) -> str:
    """When the rule wants the occurrence to begin."""
    start = times.read_wall(master.resource["start"]["dateTime"])
    zone = str(master.resource.get("originalStartTimeZone") or "UTC")
    if master.resource.get("isAllDay"):
        return f"{day}T00:00:00Z"
    clock = times.to_wall(start.replace(tzinfo=UTC), zone).time()
    wall = times.read_wall(f"{day}T{clock.isoformat(timespec='seconds')}")
    return times.offset_text(times.from_wall(wall, zone))


def _uid_of(uid: str, day: str) -> str:
    """An occurrence's iCalUId has its day in it, in hex."""
    year, month, number = (int(part) for part in day.split("-"))
    return f"{uid[:32]}{year:04X}{month:02X}{number:02X}{uid[40:]}"


def _body(call: Call, kept: Resource) -> Resource:
    if call.text_bodies:
        return {"contentType": "text", "content": bodies.as_text(kept["content"])}
    return dict(kept)


def _organizer(call: Call, calendar: Calendar, known: Resource) -> Resource:
    if known.get("organizer"):
        return dict(known["organizer"])
    owner = call.world.accounts[calendar.owner]
    return {"emailAddress": mail_address(owner)}


def _hidden(call: Call, calendar: Calendar, known: Resource) -> Resource:
    """What somebody who was given less sees of an event."""
    role = call.role(calendar)
    private = known["sensitivity"] in ("private", "confidential")
    bare = {"body": USUAL["body"], "bodyPreview": "", "attendees": [], "categories": []}
    if private and role not in ("owner", "delegateWithPrivateEventAccess"):
        return (
            known | bare | {"subject": "Private Appointment", "location": USUAL["location"], "locations": []}
        )
    if role == "limitedRead":
        return known | bare
    return known


def mail_address(account: Account) -> Resource:
    return {"name": account.name, "address": account.mail}


def calendar(call: Call, found: Calendar) -> Resource:
    """A calendar as the mailbox of the path has it on its list."""
    entry = call.entry(found)
    owner = call.world.accounts[found.owner]
    own = found.owner == call.account.oid
    role = call.role(found)
    mine = found.default and found.owner == call.mailbox.oid
    providers = [] if owner.personal else ["teamsForBusiness"]
    return {
        "id": entry.id,
        "name": entry.name,
        "color": entry.color,
        "hexColor": entry.hex_color,
        "isDefaultCalendar": mine,
        "changeKey": entry.change_key,
        "canShare": own,
        "canViewPrivateItems": own or role == "delegateWithPrivateEventAccess",
        "canEdit": call.world.may_write(call.account, found),
        "allowedOnlineMeetingProviders": providers,
        "defaultOnlineMeetingProvider": "teamsForBusiness" if providers else "unknown",
        "isTallyingResponses": own,
        "isRemovable": not mine,
        "owner": mail_address(owner),
    }


def user(call: Call) -> Resource:
    found = call.mailbox
    return {
        "businessPhones": [],
        "displayName": found.name,
        "givenName": found.given_name,
        "jobTitle": None,
        "mail": found.mail,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None if found.personal else found.language,
        "surname": found.surname,
        "userPrincipalName": found.upn,
        "id": found.id,
    }


def settings(call: Call) -> Resource:
    zone = times.windows_name(call.mailbox.time_zone)
    return {
        "timeZone": zone,
        "dateFormat": "M/d/yyyy",
        "timeFormat": "h:mm tt",
        "language": {"locale": call.mailbox.language, "displayName": call.mailbox.language},
        "workingHours": working_hours(zone),
    }


def working_hours(zone: str) -> dict[str, Any]:
    return {
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": zone},
    }
