"""The fields of every resource of the Calendar API, to check bodies and to answer in part.

The table is Google's discovery document in short (a test holds it to the one in google-api-python-client):
`name` is a text, `name:int`, `name:bool`, `name:any` say otherwise, `name:[T]` is a list, `name:{T}` a map.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from calendar_sandbox.google import errors

TABLE = """
Calendar: autoAcceptInvitations:bool conferenceProperties:ConferenceProperties dataOwner description etag
    id kind labelProperties:LabelProperties location summary timeZone workingHours:Calendar.workingHours
Calendar.workingHours: availableTimes:[Calendar.workingHours.availableTimes] workingHoursEnabled:bool
Calendar.workingHours.availableTimes: dayOfWeek periodEnd:int periodStart:int
CalendarList: etag items:[CalendarListEntry] kind nextPageToken nextSyncToken
CalendarListEntry: accessRole autoAcceptInvitations:bool backgroundColor colorId
    conferenceProperties:ConferenceProperties dataOwner defaultReminders:[EventReminder] deleted:bool
    description etag foregroundColor hidden:bool id kind location
    notificationSettings:CalendarListEntry.notificationSettings primary:bool selected:bool summary
    summaryOverride timeZone
CalendarListEntry.notificationSettings: notifications:[CalendarNotification]
CalendarNotification: method type
Channel: address expiration id kind params:{str} payload:bool resourceId resourceUri token type
ColorDefinition: background foreground
Colors: calendar:{ColorDefinition} event:{ColorDefinition} kind updated
ConferenceData: conferenceId conferenceSolution:ConferenceSolution createRequest:CreateConferenceRequest
    entryPoints:[EntryPoint] notes parameters:ConferenceParameters signature
ConferenceParameters: addOnParameters:ConferenceParametersAddOnParameters
ConferenceParametersAddOnParameters: parameters:{str}
ConferenceProperties: allowedConferenceSolutionTypes:[str]
ConferenceRequestStatus: statusCode
ConferenceSolution: iconUri key:ConferenceSolutionKey name
ConferenceSolutionKey: type
CreateConferenceRequest: conferenceSolutionKey:ConferenceSolutionKey requestId
    status:ConferenceRequestStatus
EntryPoint: accessCode entryPointFeatures:[str] entryPointType label meetingCode passcode password pin
    regionCode uri
Error: domain reason
Event: anyoneCanAddSelf:bool attachments:[EventAttachment] attendees:[EventAttendee] attendeesOmitted:bool
    birthdayProperties:EventBirthdayProperties colorId conferenceData:ConferenceData created
    creator:Event.person description end:EventDateTime endTimeUnspecified:bool etag eventLabelId eventType
    extendedProperties:Event.extendedProperties focusTimeProperties:EventFocusTimeProperties
    gadget:Event.gadget guestsCanInviteOthers:bool guestsCanModify:bool guestsCanSeeOtherGuests:bool
    hangoutLink htmlLink iCalUID id kind location locked:bool organizer:Event.person
    originalStartTime:EventDateTime outOfOfficeProperties:EventOutOfOfficeProperties privateCopy:bool
    recurrence:[str] recurringEventId reminders:Event.reminders sequence:int source:Event.source
    start:EventDateTime status summary transparency updated visibility
    workingLocationProperties:EventWorkingLocationProperties
Event.person: displayName email id self:bool
Event.extendedProperties: private:{str} shared:{str}
Event.gadget: display height:int iconLink link preferences:{str} title type width:int
Event.reminders: overrides:[EventReminder] useDefault:bool
Event.source: title url
EventAttachment: fileId fileUrl iconLink mimeType title
EventAttendee: additionalGuests:int asyncOperation comment displayName email id optional:bool
    organizer:bool resource:bool responseStatus self:bool
EventBirthdayProperties: contact customTypeName type
EventDateTime: date dateTime timeZone
EventFocusTimeProperties: autoDeclineMode chatStatus declineMessage
EventLabel: backgroundColor id name
EventOutOfOfficeProperties: autoDeclineMode declineMessage
EventReminder: method minutes:int
EventWorkingLocationProperties: customLocation:EventWorkingLocationProperties.customLocation
    homeOffice:any officeLocation:EventWorkingLocationProperties.officeLocation type
EventWorkingLocationProperties.customLocation: label
EventWorkingLocationProperties.officeLocation: buildingId deskId floorId floorSectionId label
Events: accessRole defaultReminders:[EventReminder] description etag items:[Event] kind nextPageToken
    nextSyncToken summary timeZone updated
FreeBusyCalendar: busy:[TimePeriod] errors:[Error]
FreeBusyGroup: calendars:[str] errors:[Error]
FreeBusyRequest: calendarExpansionMax:int groupExpansionMax:int items:[FreeBusyRequestItem] timeMax
    timeMin timeZone
FreeBusyRequestItem: id
FreeBusyResponse: calendars:{FreeBusyCalendar} groups:{FreeBusyGroup} kind timeMax timeMin
LabelProperties: eventLabels:[EventLabel]
Setting: etag id kind value
Settings: etag items:[Setting] kind nextPageToken nextSyncToken
TimePeriod: end start
"""

PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "any": (object,)}
Fields = dict[str, str]


def _read(table: str) -> dict[str, Fields]:
    shapes: dict[str, Fields] = {}
    for word in table.split():
        if word.endswith(":"):
            shapes[word[:-1]] = {}
        else:
            name, _, kind = word.partition(":")
            shapes[next(reversed(shapes))][name] = kind or "str"
    return shapes


SHAPES = _read(TABLE)


# --- bodies ----------------------------------------------------------------------------------------------


def checked(body: Any, kind: str, path: str = "") -> Any:
    """Return a request's body without the fields that are not of its kind, which Google ignores too.

    Nulls stay: in a patch they remove. Raise Refusal when a value is of the wrong type.
    """
    if body is None:
        return None
    if kind.startswith("["):
        if not isinstance(body, list):
            raise errors.invalid(f"Invalid value for: {path or 'body'}: a list is expected.")
        return [checked(item, kind[1:-1], path) for item in body]
    if kind.startswith("{") or kind in SHAPES:
        if not isinstance(body, dict):
            raise errors.invalid(f"Invalid value for: {path or 'body'}: an object is expected.")
        kinds = _kinds(body, kind)
        return {
            name: checked(value, kinds[name], f"{path}.{name}".lstrip("."))
            for name, value in body.items()
            if name in kinds
        }
    return _plain(body, kind, path)


def _kinds(body: dict[str, Any], kind: str) -> Fields:
    return dict.fromkeys(body, kind[1:-1]) if kind.startswith("{") else SHAPES[kind]


def _plain(value: Any, kind: str, path: str) -> Any:
    if kind == "str" and type(value) in (int, float):  # Google takes numbers for texts
        return str(value)
    if kind == "int" and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if not isinstance(value, PLAIN[kind]) or (kind == "int" and isinstance(value, bool)):
        raise errors.invalid(f"Invalid value for: {path}: {value!r} is not a {kind}.")
    return value


# --- partial answers -------------------------------------------------------------------------------------

Mask = dict[str, Any]  # field to mask of what is below; empty: all of it


@lru_cache(maxsize=200)
def mask_of(text: str, kind: str) -> Mask:
    """Read the parameter `fields`, as in `nextPageToken,items(id,start/dateTime)`.

    Raise Refusal for one that cannot be read, or names a field the resource does not have.
    """
    letters = iter(_words(text))
    try:
        mask, closed = _group(letters)
    except (StopIteration, ValueError):
        raise _invalid_selection(text) from None
    if closed:
        raise _invalid_selection(text)
    _check_names(mask, kind)
    return mask


def _invalid_selection(name: str) -> errors.Refusal:
    return errors.Refusal(400, "invalidParameter", f"Invalid field selection {name}", location="fields")


def _words(text: str) -> Iterator[str]:
    word = ""
    for letter in text:
        if letter in ",()/":
            if word:
                yield word
            word = ""
            yield letter
        elif not letter.isspace():
            word += letter
    if word:
        yield word


def _group(words: Iterator[str]) -> tuple[Mask, bool]:
    """Read names up to the end or to a closing bracket; say which it was."""
    mask: Mask = {}
    word = next(words)
    while True:
        if word in ",()/":
            raise ValueError(word)
        here, below = mask.setdefault(word, {}), word
        word = next(words, "")
        while word == "/":
            below = next(words)
            if below in ",()/":
                raise ValueError(below)
            here = here.setdefault(below, {})
            word = next(words, "")
        if word == "(":
            inner, closed = _group(words)
            if not closed:
                raise ValueError("(")
            here.update(inner)
            word = next(words, "")
        if word in ("", ")"):
            return mask, word == ")"
        if word != ",":
            raise ValueError(word)
        word = next(words)


def _check_names(mask: Mask, kind: str) -> None:
    kind = kind.strip("[]")
    for name, below in mask.items():
        if name == "*":
            continue
        if kind.startswith("{"):
            _check_names(below, kind[1:-1])
        elif kind in SHAPES and name in SHAPES[kind]:
            _check_names(below, SHAPES[kind][name])
        elif kind != "any":
            raise _invalid_selection(name)


def masked(value: Any, mask: Mask) -> Any:
    """Return the part of an answer that the mask names."""
    if not mask or ("*" in mask and not mask["*"]):
        return value
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    every = mask.get("*")
    return {
        name: masked(item, mask.get(name, every) or {})
        for name, item in value.items()
        if name in mask or every is not None
    }
