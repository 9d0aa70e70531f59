"""From what a client sends to what is stored: times, bodies, places, guests, rules."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from calendar_sandbox.microsoft import errors, recurrence, times
from calendar_sandbox.microsoft.api import bodies, odata
from calendar_sandbox.microsoft.api.entities import NEVER, NO_MEETING, USUAL
from calendar_sandbox.microsoft.state import Resource

LONGEST_SUBJECT = 255
SHAPE = ("start", "end", "isAllDay", "recurrence")
PLAIN = (
    "importance",
    "sensitivity",
    "showAs",
    "isReminderOn",
    "reminderMinutesBeforeStart",
    "responseRequested",
    "allowNewTimeProposals",
    "hideAttendees",
    "categories",
)
PROPERTY = re.compile(
    r"(String|Integer|Boolean|Double|SystemTime|Long|CLSID|Binary|Short|Currency|Float)"
    r" (\{[0-9a-f-]{36}\} (Name|Id) \S.*|0x[0-9a-f]+)",
    re.IGNORECASE,
)


def shaped(asked: Resource, before: Resource) -> Resource:
    """The fields of an event after a body; `before` are those it had, or nothing for a new one.

    Raise Refusal for what Exchange refuses. Only what was sent, and what follows from it, is returned.
    """
    made: Resource = {name: asked[name] for name in PLAIN if name in asked and asked[name] is not None}
    if "subject" in asked:
        subject = (asked["subject"] or "").replace("\r", " ").replace("\n", " ")
        if len(subject) > LONGEST_SUBJECT:
            raise errors.property_failed("The subject is longer than 255 characters.")
        made["subject"] = subject
    if "body" in asked:
        made |= _body(asked["body"] or {})
    made |= _places(asked)
    if "attendees" in asked:
        made["attendees"] = _guests(asked["attendees"] or [], before.get("attendees", []))
    if asked.get("isOnlineMeeting"):
        made |= NO_MEETING | {
            "isOnlineMeeting": True,
            "onlineMeetingProvider": asked.get("onlineMeetingProvider") or "teamsForBusiness",
        }
    if set(asked) & set(SHAPE) or not before:
        made |= _times(asked, before)
    return made


def properties(asked: Resource) -> dict[str, str]:
    """The extended properties of a body, by id. Raise Refusal for ids Exchange cannot read."""
    found = {}
    for one in asked.get("singleValueExtendedProperties") or []:
        if not PROPERTY.fullmatch((one.get("id") or "").strip()):
            raise errors.bad("ErrorInvalidExtendedProperty", "The extended property's id cannot be read.")
        found[odata.property_key(one["id"])] = one.get("value") or ""
    return found


def _body(given: Resource) -> Resource:
    html = bodies.kept(given.get("contentType") or "text", given.get("content") or "")
    return {"body": {"contentType": "html", "content": html}, "bodyPreview": bodies.preview(html)}


def _places(asked: Resource) -> Resource:
    """`location` and `locations` follow each other."""
    if "location" not in asked and "locations" not in asked:
        return {}
    places = [_place(one) for one in asked.get("locations") or [] if one]
    if asked.get("location") and asked["location"].get("displayName") and not places:
        places = [_place(asked["location"])]
    if not places:
        return {"location": USUAL["location"], "locations": []}
    first = places[0] if len(places) == 1 else {"displayName": "; ".join(p["displayName"] for p in places)}
    location = {"locationType": "default", "address": {}, "coordinates": {}} | first
    location |= {"uniqueId": location["displayName"], "uniqueIdType": "private"}
    return {"location": location, "locations": places}


def _place(given: Resource) -> Resource:
    name = given.get("displayName") or ""
    usual = {
        "displayName": name,
        "locationType": "default",
        "uniqueId": name,
        "uniqueIdType": "private",
    }
    return usual | {key: value for key, value in given.items() if value is not None}


def _guests(given: list[Resource], before: list[Resource]) -> list[Resource]:
    answered = {one["emailAddress"]["address"].lower(): one["status"] for one in before}
    made = []
    for one in given:
        mail = (one.get("emailAddress") or {}).get("address") or ""
        if "@" not in mail:
            raise errors.bad("ErrorInvalidRecipients", "At least one recipient is not valid.")
        made.append(
            {
                "type": one.get("type") or "required",
                "status": answered.get(mail.lower(), {"response": "none", "time": NEVER}),
                "emailAddress": {"name": one["emailAddress"].get("name") or mail, "address": mail},
            }
        )
    return made


def _times(asked: Resource, before: Resource) -> Resource:
    """Start, end, zone and rule, held against each other as Exchange does."""
    all_day = asked.get("isAllDay")
    all_day = bool(before.get("isAllDay")) if all_day is None else all_day
    start, zone = _moment(asked, before, "start", "originalStartTimeZone")
    end, end_zone = _moment(asked, before, "end", "originalEndTimeZone")
    if all_day:
        _hold_whole_days(start, end)
    rule: Any = asked["recurrence"] if "recurrence" in asked else before.get("recurrence")
    if rule is not None:
        given = dict(rule)
        if "recurrence" not in asked and "start" in asked:
            given["range"] = given["range"] | {"startDate": str(start.date())}  # the series moves along
        rule = recurrence.checked(given, start, zone)
        length = end - start
        start = datetime.combine(recurrence.first_day(rule, start), start.time())
        end = start + length
    made = {"isAllDay": all_day, "recurrence": rule}
    made |= {"originalStartTimeZone": zone, "originalEndTimeZone": end_zone}
    moments = {"start": (start, zone), "end": (end, end_zone)}
    for name, (wall, place) in moments.items():
        kept = wall if all_day else times.from_wall(wall, place).replace(tzinfo=None)
        made[name] = {"dateTime": times.wall_text(kept), "timeZone": "UTC"}
    if made["end"]["dateTime"] < made["start"]["dateTime"]:
        raise errors.end_before_start()
    return made


def _moment(asked: Resource, before: Resource, name: str, zone_name: str) -> tuple[datetime, str]:
    """A start or end as wall time and zone: what was sent, or what was there."""
    if asked.get(name) is not None:
        return times.parse_when(asked[name], what=name)
    if name not in before:
        raise errors.property_failed(f"The required property {name} is missing.")
    zone = str(before.get(zone_name) or "UTC")
    wall = times.read_wall(before[name]["dateTime"])
    return (wall if before.get("isAllDay") else times.to_wall(wall.replace(tzinfo=UTC), zone)), zone


def _hold_whole_days(start: datetime, end: datetime) -> None:
    for name, wall in (("Start", start), ("End", end)):
        if wall.time() != times.midnight(wall.date()).time():
            raise errors.property_failed(
                f"The Event.{name} property for an all-day event needs to be set to midnight."
            )
    if end - start < times.DAY:
        raise errors.property_failed("The duration of an event marked as All day must be at least 24 hours.")
