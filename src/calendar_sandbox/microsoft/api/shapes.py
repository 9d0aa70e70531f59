"""What a client may send: names, types and choices of Graph's entities, read as leniently as Graph does.

Names are case-sensitive, choices are not. What Graph only answers (bodyPreview, type, …) is taken and
ignored. Shapes after the v1.0 metadata of microsoftgraph/msgraph-metadata.
"""

from __future__ import annotations

from typing import Any

from calendar_sandbox.microsoft import errors

Shape = dict[str, Any]

CHOICES: dict[str, tuple[str, ...]] = {
    "importance": ("low", "normal", "high"),
    "sensitivity": ("normal", "personal", "private", "confidential"),
    "freeBusyStatus": ("unknown", "free", "tentative", "busy", "oof", "workingElsewhere"),
    "bodyType": ("text", "html"),
    "attendeeType": ("required", "optional", "resource"),
    "responseType": (
        "none",
        "organizer",
        "tentativelyAccepted",
        "accepted",
        "declined",
        "notResponded",
    ),
    "calendarColor": (
        "auto",
        "lightBlue",
        "lightGreen",
        "lightOrange",
        "lightGray",
        "lightYellow",
        "lightTeal",
        "lightPink",
        "lightBrown",
        "lightRed",
        "maxColor",
    ),
    "onlineMeetingProviderType": ("unknown", "teamsForBusiness", "skypeForBusiness", "skypeForConsumer"),
    "locationType": (
        "default",
        "conferenceRoom",
        "homeAddress",
        "businessAddress",
        "geoCoordinates",
        "streetAddress",
        "hotel",
        "restaurant",
        "localBusiness",
        "postalAddress",
    ),
    "locationUniqueIdType": ("unknown", "locationStore", "directory", "private", "bing"),
}
ANY = "any"  # read elsewhere, or only ever answered

EMAIL: Shape = {"name": "string", "address": "string"}
RECIPIENT: Shape = {"emailAddress": EMAIL}
MOMENT: Shape = {"dateTime": "string", "timeZone": "string"}
LOCATION: Shape = {
    "displayName": "string",
    "locationEmailAddress": "string",
    "locationType": "locationType",
    "locationUri": "string",
    "uniqueId": "string",
    "uniqueIdType": "locationUniqueIdType",
    "address": {
        "city": "string",
        "countryOrRegion": "string",
        "postalCode": "string",
        "state": "string",
        "street": "string",
    },
    "coordinates": ANY,
}
ATTENDEE: Shape = {
    "emailAddress": EMAIL,
    "type": "attendeeType",
    "status": {"response": "responseType", "time": "string"},
    "proposedNewTime": ANY,
}
EVENT: Shape = {
    "subject": "string",
    "body": {"contentType": "bodyType", "content": "string"},
    "start": MOMENT,
    "end": MOMENT,
    "location": LOCATION,
    "locations": [LOCATION],
    "attendees": [ATTENDEE],
    "recurrence": ANY,
    "isAllDay": "boolean",
    "isReminderOn": "boolean",
    "reminderMinutesBeforeStart": "integer",
    "importance": "importance",
    "sensitivity": "sensitivity",
    "showAs": "freeBusyStatus",
    "categories": ["string"],
    "responseRequested": "boolean",
    "allowNewTimeProposals": "boolean",
    "hideAttendees": "boolean",
    "isOnlineMeeting": "boolean",
    "onlineMeetingProvider": "onlineMeetingProviderType",
    "transactionId": "string",
    "singleValueExtendedProperties": [{"id": "string", "value": "string"}],
}
ONLY_ANSWERED = frozenset(
    (
        "id",
        "bodyPreview",
        "changeKey",
        "createdDateTime",
        "lastModifiedDateTime",
        "hasAttachments",
        "iCalUId",
        "isCancelled",
        "isDraft",
        "isOrganizer",
        "onlineMeeting",
        "onlineMeetingUrl",
        "organizer",
        "originalEndTimeZone",
        "originalStart",
        "originalStartTimeZone",
        "responseStatus",
        "seriesMasterId",
        "type",
        "webLink",
        "attachments",
        "calendar",
        "extensions",
        "instances",
        "multiValueExtendedProperties",
    )
)
CALENDAR: Shape = {
    "name": "string",
    "color": "calendarColor",
    "hexColor": "string",
    "defaultOnlineMeetingProvider": "onlineMeetingProviderType",
    "isDefaultCalendar": "boolean",
}
CALENDAR_ONLY_ANSWERED = frozenset(
    (
        "id",
        "allowedOnlineMeetingProviders",
        "canEdit",
        "canShare",
        "canViewPrivateItems",
        "changeKey",
        "isRemovable",
        "isTallyingResponses",
        "owner",
    )
)
SUBSCRIPTION: Shape = {
    "changeType": "string",
    "notificationUrl": "string",
    "lifecycleNotificationUrl": "string",
    "resource": "string",
    "expirationDateTime": "string",
    "clientState": "string",
    "includeResourceData": "boolean",
    "latestSupportedTlsVersion": "string",
    "notificationQueryOptions": "string",
    "encryptionCertificate": "string",
    "encryptionCertificateId": "string",
}
SUBSCRIPTION_ONLY_ANSWERED = frozenset(("id", "applicationId", "creatorId", "notificationUrlAppId"))
SCHEDULE: Shape = {
    "schedules": ["string"],
    "startTime": MOMENT,
    "endTime": MOMENT,
    "availabilityViewInterval": "integer",
}
ACCEPTANCE: Shape = {"comment": "string", "sendResponse": "boolean"}
RESPONSE: Shape = {**ACCEPTANCE, "proposedNewTime": ANY}
CANCELLATION: Shape = {"comment": "string"}
ACTIONS = ("schedule", "acceptance", "response", "cancellation")

SHAPES: dict[str, tuple[Shape, frozenset[str]]] = {
    "event": (EVENT, ONLY_ANSWERED),
    "calendar": (CALENDAR, CALENDAR_ONLY_ANSWERED),
    "subscription": (SUBSCRIPTION, SUBSCRIPTION_ONLY_ANSWERED),
    "schedule": (SCHEDULE, frozenset()),
    "acceptance": (ACCEPTANCE, frozenset()),
    "response": (RESPONSE, frozenset()),
    "cancellation": (CANCELLATION, frozenset()),
}


def checked(given: dict[str, Any], sort: str) -> dict[str, Any]:
    """A body with what counts of it, choices in Graph's spelling. Raise Refusal for what Graph refuses."""
    shape, ignored = SHAPES[sort]
    made = {}
    actions = {name.lower(): name for name in shape} if sort in ACTIONS else {}
    for name, value in given.items():
        known = actions.get(name.lower(), name)  # parameters of actions are written in any case
        if "@" in name or name in ignored:
            continue
        if known not in shape:
            raise errors.unknown_property(name, sort)
        made[known] = None if value is None else _checked(value, shape[known])
    return made


def _checked(value: Any, wanted: Any) -> Any:
    if wanted == ANY:
        return value
    if isinstance(wanted, list):
        if not isinstance(value, list):
            raise errors.bad_literal(value, "Collection")
        return [_checked(item, wanted[0]) for item in value]
    if isinstance(wanted, dict):
        return _object(value, wanted)
    return _plain(value, wanted)


def _object(value: Any, shape: Shape) -> Any:
    if not isinstance(value, dict):
        raise errors.bad_literal(value, "ComplexType")
    made = {}
    for name, item in value.items():
        if "@" in name:
            continue
        if name not in shape:
            raise errors.unknown_property(name, "ComplexType")
        made[name] = None if item is None else _checked(item, shape[name])
    return made


def _plain(value: Any, wanted: str) -> Any:
    if wanted == "boolean":
        if value in ("true", "false"):  # python-o365 writes it so, and Graph takes it
            return value == "true"
        if not isinstance(value, bool):
            raise errors.bad_literal(value, "Edm.Boolean")
        return value
    if wanted == "integer":
        if not isinstance(value, int) or isinstance(value, bool):
            raise errors.bad_literal(value, "Edm.Int32")
        return value
    if not isinstance(value, str):
        raise errors.bad_literal(value, "Edm.String")
    if wanted == "string":
        return value
    for choice in CHOICES[wanted]:
        if choice.lower() == value.lower():
            return choice
    raise errors.bad_literal(value, f"microsoft.graph.{wanted}")
