"""An event before it is written: what the body may say, what Google makes of it, what it refuses."""

from __future__ import annotations

import base64
import re
from typing import Any

from calendar_sandbox.google import errors, recurrence, times
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.state import Calendar, Resource, World

CLIENT_ID = re.compile(r"[a-v0-9]{5,1024}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")

READ_ONLY = (
    "kind",
    "etag",
    "id",
    "htmlLink",
    "created",
    "updated",
    "creator",
    "organizer",
    "iCalUID",
    "recurringEventId",
    "originalStartTime",
    "hangoutLink",
    "locked",
    "eventType",
    "privateCopy",
    "attendeesOmitted",
    "gadget",
    "birthdayProperties",
)
DEFAULTS: dict[str, Any] = {
    "transparency": "opaque",
    "visibility": "default",
    "guestsCanInviteOthers": True,
    "guestsCanModify": False,
    "guestsCanSeeOtherGuests": True,
    "anyoneCanAddSelf": False,
    "endTimeUnspecified": False,
    "privateCopy": False,
    "locked": False,
}
CHOICES = {
    "status": ("confirmed", "tentative", "cancelled"),
    "transparency": ("opaque", "transparent"),
    "visibility": ("default", "public", "private", "confidential"),
    "eventType": ("birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation"),
}
ANSWERS = ("needsAction", "declined", "tentative", "accepted")
EVENT_COLOURS = {str(number) for number in range(1, 12)}

LONGEST = {"summary": 1024, "location": 1024, "description": 8192}  # characters; the rest is cut off
LONGEST_KEY, LONGEST_VALUE = 44, 1024  # of extended properties: longer keys are dropped, values cut
MOST_PROPERTIES = 300
MOST_REMINDERS, LATEST_REMINDER = 5, 40_320  # minutes: four weeks


# --- the three ways to a draft ---------------------------------------------------------------------------


def new(call: Call, calendar: Calendar, *, imported: bool) -> Resource:
    """The draft of a new event: its names, people and defaults, with what the body says."""
    body, world = call.body, call.world
    draft = {name: value for name, value in body.items() if name not in READ_ONLY and value is not None}
    draft["id"], draft["iCalUID"] = _names(world, calendar, body, imported=imported)
    draft["eventType"] = body.get("eventType") or "default"
    if body.get("privateCopy"):
        draft["privateCopy"] = True
    if draft["eventType"] == "birthday":
        draft["birthdayProperties"] = {"type": "birthday"}
    draft["creator"] = {"email": call.account.email}
    draft["organizer"] = organizer(calendar)
    if imported and (given := body.get("organizer")) and given.get("email"):
        draft["organizer"] = {name: given[name] for name in ("email", "displayName") if given.get(name)}
    draft["kind"], draft["created"] = "calendar#event", whole_seconds(world)
    return _extras(call, draft, {})


def merged(call: Call, current: Resource) -> Resource:
    """The draft of a patch: objects are merged, lists replaced, nulls remove."""
    body = {name: value for name, value in call.body.items() if name not in READ_ONLY}
    return _extras(call, _merge(current, body), current)


def replaced(call: Call, current: Resource) -> Resource:
    """The draft of an update: what the body does not say is gone."""
    draft = {name: current[name] for name in READ_ONLY if name in current}
    for name, value in call.body.items():
        if name not in READ_ONLY and value is not None:
            draft[name] = value
    draft.setdefault("sequence", current.get("sequence", 0))
    return _extras(call, draft, current)


def _merge(current: Resource, patch: Resource) -> Resource:
    made = dict(current)
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        elif isinstance(value, dict):
            below = made.get(name)
            made[name] = _merge(below if isinstance(below, dict) else {}, value)
        else:
            made[name] = value
    return made


def _extras(call: Call, draft: Resource, current: Resource) -> Resource:
    """Attachments and conferences count only for a client that says it knows them."""
    knows = {
        "attachments": bool(call.flag("supportsAttachments")),
        "conferenceData": call.text("conferenceDataVersion") == "1",
        "eventLabelId": call.text("eventLabelVersion") == "1",
    }
    for name, known in knows.items():
        if not known:
            draft.pop(name, None)
            if name in current:
                draft[name] = current[name]
    request = draft.get("conferenceData", {}).get("createRequest")
    if request and "conferenceId" not in draft["conferenceData"]:
        draft["conferenceData"], draft["hangoutLink"] = _meeting(call.world, request)
    elif "conferenceData" not in draft:
        draft.pop("hangoutLink", None)
    return draft


def _meeting(world: World, request: Resource) -> tuple[Resource, str]:
    letters = world.letters(10, "abcdefghijklmnopqrstuvwxyz")
    code = f"{letters[:3]}-{letters[3:7]}-{letters[7:]}"
    url = f"https://meet.google.com/{code}"
    made = {
        "createRequest": request | {"status": {"statusCode": "success"}},
        "entryPoints": [{"entryPointType": "video", "uri": url, "label": url.removeprefix("https://")}],
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "conferenceId": code,
    }
    return made, url


# --- names and people ------------------------------------------------------------------------------------


def _names(world: World, calendar: Calendar, body: Resource, *, imported: bool) -> tuple[str, str]:
    """The id and iCalUID of a new event; one of them may be the client's."""
    given, uid = body.get("id"), body.get("iCalUID")
    if imported and not uid:
        raise errors.required("Missing iCalUID.")
    if given is not None:
        if not CLIENT_ID.fullmatch(given):
            raise errors.invalid("Invalid resource id value.")
        if uid and uid != f"{given}@google.com":
            raise errors.invalid("Only one of id and iCalUID can be given.")
        return given, f"{given}@google.com"
    if uid:
        return id_for(uid), uid
    while (made := world.letters(26)) in calendar.events:
        pass
    return made, f"{made}@google.com"


def id_for(uid: str) -> str:
    """The id of an event that came with a UID of its own, as `_60q30c1g60o30e1i60o4ac1g60rj8gpl88`."""
    name = uid.removesuffix("@google.com")
    if name != uid and CLIENT_ID.fullmatch(name):
        return name
    return f"_{base64.b32hexencode(uid.encode()).decode().rstrip('=').lower()}"


def organizer(calendar: Calendar) -> Resource:
    """The organizer of an event is the calendar it is made on."""
    return {"email": calendar.id} | ({} if calendar.primary else {"displayName": calendar.summary})


def whole_seconds(world: World) -> str:
    return f"{world.stamp()[:19]}.000Z"


# --- checks ----------------------------------------------------------------------------------------------


def settled(draft: Resource, calendar: Calendar) -> Resource:
    """The draft as it will lie: times in UTC, defaults left out, texts cut. Raise Refusal if it cannot be."""
    made: Resource = {"status": "confirmed", "sequence": 0}
    made |= {name: value for name, value in draft.items() if value not in (None, [], {})}
    for name, choices in CHOICES.items():
        if made.get(name, choices[0]) not in choices:
            raise errors.invalid(f"Invalid value for: {name}: {made[name]!r}.", location=name)
    if "recurringEventId" in made:
        made.pop("recurrence", None)
    _times(made, calendar)
    for name, longest in LONGEST.items():
        if name in made:
            made[name] = made[name][:longest]
    if "attendees" in made:
        made["attendees"] = [_guest(guest) for guest in made["attendees"]]
    made["reminders"] = _reminders(made.get("reminders") or {"useDefault": True})
    if "extendedProperties" in made:
        made["extendedProperties"] = _properties(made["extendedProperties"])
    if made.get("colorId", "1") not in EVENT_COLOURS:
        raise errors.invalid("Invalid color id.", location="colorId")
    _source(made)
    _kind(made, calendar)
    return {
        name: value
        for name, value in made.items()
        if value not in (None, [], {}) and not (name in DEFAULTS and value == DEFAULTS[name])
    }


def _times(made: Resource, calendar: Calendar) -> None:
    recurring = "recurrence" in made
    start, end = (
        times.parse_when(made.get(name) or {}, what=name, zone=calendar.time_zone, recurring=recurring)
        for name in ("start", "end")
    )
    if start.all_day != end.all_day:
        raise errors.invalid("Start and end times must either both be date or both be dateTime.")
    if start.date is not None and end.date is not None:
        empty = end.date <= start.date
    else:
        empty = end.at("UTC") < start.at("UTC")
    if empty:
        raise errors.time_range_empty()
    made["start"], made["end"] = start.as_kept(), end.as_kept()
    if recurring:
        recurrence.check(made["recurrence"], start)


def _guest(guest: Resource) -> Resource:
    email = str(guest.get("email") or "").strip()
    if not EMAIL.fullmatch(email):
        raise errors.invalid("Invalid attendee email.")
    answer = guest.get("responseStatus") or "needsAction"
    if answer not in ANSWERS:
        raise errors.invalid(f"Invalid value for: responseStatus: {answer!r}.")
    kept = ("displayName", "comment", "additionalGuests", "optional", "resource")
    made = {name: guest[name] for name in kept if guest.get(name)}
    return made | {"email": email, "responseStatus": answer}


def _reminders(given: Resource) -> Resource:
    overrides = given.get("overrides") or []
    if not overrides:
        return {"useDefault": bool(given.get("useDefault", False))}
    if given.get("useDefault"):
        raise errors.calendar_says(
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides at the same time.",
        )
    if len(overrides) > MOST_REMINDERS:
        raise errors.invalid(f"More than {MOST_REMINDERS} reminders.")
    for one in overrides:
        if one.get("method") not in ("email", "popup"):
            raise errors.invalid("Invalid reminder method.")
        if not 0 <= one.get("minutes", -1) <= LATEST_REMINDER:
            raise errors.invalid("Invalid reminder minutes.")
    return {"useDefault": False, "overrides": overrides}


def _properties(given: Resource) -> Resource:
    """Keys that are too long are dropped without a word, values are cut (guide "Extended properties")."""
    made = {}
    for side in ("private", "shared"):
        said = {
            name: value[:LONGEST_VALUE]
            for name, value in (given.get(side) or {}).items()
            if value is not None and len(name) <= LONGEST_KEY
        }
        if len(said) > MOST_PROPERTIES:
            raise errors.invalid(f"More than {MOST_PROPERTIES} {side} extended properties.")
        if said:
            made[side] = said
    return made


def _source(made: Resource) -> None:
    url = made.get("source", {}).get("url", "https://")
    if not url.startswith(("https://", "http://")):
        raise errors.invalid("Invalid source url.")


def _kind(made: Resource, calendar: Calendar) -> None:
    """The rules of event types (guide "Manage focus time, out of office, and working location")."""
    kind = made["eventType"]
    if kind == "default":
        return
    if kind == "fromGmail":
        raise errors.calendar_says("eventTypeRestriction", "Events from Gmail cannot be created.")
    if not calendar.primary:
        raise errors.calendar_says("eventTypeRestriction", "This event type is for primary calendars only.")
    if "attendees" in made:
        raise errors.calendar_says("eventTypeRestriction", "This event type cannot have attendees.")
    whole_days = "date" in made["start"]
    if kind in ("outOfOffice", "focusTime") and whole_days:
        name = f"malformed{kind[0].upper()}{kind[1:]}Event"
        raise errors.calendar_says(name, "An event of this type cannot be an all-day event.")
    if kind == "workingLocation" and not made.get("workingLocationProperties", {}).get("type"):
        raise errors.calendar_says(
            "malformedWorkingLocationEvent", "A working location event needs workingLocationProperties.type."
        )
    if kind == "birthday" and not whole_days:
        raise errors.calendar_says("malformedBirthdayEvent", "A birthday is an all-day event.")
