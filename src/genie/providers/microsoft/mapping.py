"""Graph's events to ours and back; no I/O. Payloads go no further than this file.

Names and meanings: learn.microsoft.com/graph/api/resources/event.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from genie.core.errors import Malformed
from genie.core.event import Busy, BusyKind, EventContent, When
from genie.core.saying import zone_of
from genie.providers.microsoft.body import as_html, as_text, changed
from genie.providers.port import CalendarInfo, Changed, EventIdentity, RemoteEvent, Window
from genie.providers.zone_names import iana, windows

Event = Mapping[str, Any]

PROPERTY = "String {3f0a6a6e-6f2c-4c57-9a3c-1f0b7f6e9d21} Name scheduleGenieKey"
"""Our single-value extended property. The GUID is this product's own and never changes: it is how events that
were made are found again."""
OUR_KEY = re.compile(r"([0-9a-f]{32})\.([1-9][0-9]{0,8})(?:\.[0-9a-z]*)?", re.IGNORECASE)
OUR_TRANSACTION = re.compile(r"genie-([0-9a-f]{32})-([1-9][0-9]{0,8})", re.IGNORECASE)

EXPAND = f"singleValueExtendedProperties($filter=id eq '{PROPERTY}')"
HINT_FIELDS = (
    "id,changeKey,iCalUId,transactionId,type,seriesMasterId,start,end,isAllDay,showAs,isCancelled,responseStatus,"
    "originalStartTimeZone"
)
"""What a list is asked for: enough to see which event is in which version and what time it takes."""
FROM_MASTER = ("showAs", "isCancelled", "responseStatus", "isAllDay", "originalStartTimeZone", "changeKey")
"""What an occurrence has from its series, where a delta gives nothing but its times."""

SERIES = "seriesMaster"
INSTANCES = ("occurrence", "exception")
NEVER_BUSY = ("free", "workingElsewhere")
"""Who works elsewhere works: Outlook's own scheduling shows that time as one to meet in."""

HIDDEN = "This account may not see what this event says any more, so it cannot change it."
ANOTHER_ORGANISES = "Another person organises this event now, so only they can change it."
READ_ONLY = "This account may only read this calendar."
MIDNIGHT = "T00:00:00"
ZONES_APART = timedelta(hours=3)
"""Two sets of zone rules differ by an hour or two, and by whole quarters."""


# --- identity


def transaction_of(identity: EventIdentity) -> str:
    """With it a repeated creation answers with the event made first. Lists show it, unlike the property."""
    return f"genie-{identity.key}-{identity.generation}"


def property_of(identity: EventIdentity, made_by: str) -> dict[str, str]:
    """`made_by` tells the request that made an event from its repetitions, whose answers look the same."""
    return {"id": PROPERTY, "value": f"{identity.key}.{identity.generation}.{made_by}"}


def bearers_of(key: str) -> str:
    """A filter for the events that bear our key, of any generation."""
    return f"singleValueExtendedProperties/Any(ep: ep/id eq '{PROPERTY}' and startswith(ep/value,'{key}.'))"


def identity_of(event: Event) -> EventIdentity | None:
    """Our key in the event; copies made by hand keep it, too."""
    return identity_of_property(event) or _identity(OUR_TRANSACTION, event.get("transactionId"))


def identity_of_property(event: Event) -> EventIdentity | None:
    return _identity(OUR_KEY, _our_property(event))


def was_made_by(event: Event, made_by: str) -> bool:
    return _our_property(event).rpartition(".")[2] == made_by


def _our_property(event: Event) -> str:
    for one in event.get("singleValueExtendedProperties") or ():
        if str(one.get("id") or "").lower() == PROPERTY.lower():
            return str(one.get("value") or "")
    return ""


def _identity(shape: re.Pattern[str], value: object) -> EventIdentity | None:
    match = shape.fullmatch(str(value or ""))
    return EventIdentity(match[1].lower(), int(match[2])) if match else None


def version_of(event: Event) -> str:
    """The changeKey, which the ETag wraps."""
    return str(event.get("changeKey") or "") or _unwrapped(etag_of(event))


def etag_of(event: Event) -> str:
    return str(event.get("@odata.etag") or "")


def _unwrapped(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def is_removed(event: Event) -> bool:
    return "@removed" in event


def is_stub(event: Event) -> bool:
    """An occurrence in a delta: its id, its series and its times, nothing else."""
    return event.get("type") in INSTANCES and "showAs" not in event


def series_of(event: Event) -> str:
    """The id of the series this is an occurrence of, or nothing."""
    return str(event.get("seriesMasterId") or "") if event.get("type") in INSTANCES else ""


def is_series(event: Event) -> bool:
    return event.get("type") == SERIES or bool(event.get("recurrence"))


def completed(stub: Event, master: Event) -> Event:
    """An occurrence of which only the times were given, as its series is."""
    known = {name: master[name] for name in FROM_MASTER if name in master}
    return {**known, "changeKey": version_of(master), **stub}


# --- reading


def when_of(event: Event, usual: str = "") -> When:
    """No zone: all times are asked for in UTC, so what zone an owner chose is not seen (*outlook.timezone*).

    Whole days are given as midnights, whatever zone they were entered in. They are taken as days in the zone
    the event was made in, else in `usual` (the operator's), else in UTC. Raises Malformed.
    """
    start, end = _instant(event.get("start")), _instant(event.get("end"))
    if not event.get("isAllDay"):
        return When(start, end)
    if any((moment.hour, moment.minute, moment.second) != (0, 0, 0) for moment in (start, end)):
        return When(start, end, "", all_day=True)  # given as instants
    made_in = iana(str(event.get("originalStartTimeZone") or ""))
    name = made_in if made_in not in ("", "UTC") else usual
    zone = zone_of(name)
    if zone is None:
        return When(start, end, "UTC", all_day=True)
    return When(start.replace(tzinfo=zone), end.replace(tzinfo=zone), name, all_day=True)


def _instant(moment: Any) -> datetime:
    """A `dateTimeTimeZone`: a wall time without offset, and the zone it is in. Raises Malformed."""
    if not isinstance(moment, Mapping):
        raise Malformed("This event has no beginning or no end.")
    zone = iana(str(moment.get("timeZone") or "UTC"))
    try:
        read = datetime.fromisoformat(moment["dateTime"])
        if read.tzinfo is None:
            read = read.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
        return read.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError) as fault:
        raise Malformed("This event's date or time cannot be read.") from fault


def content_of(event: Event, usual: str = "") -> EventContent:
    """Raises Malformed."""
    when = when_of(event, usual)
    cancelled = bool(event.get("isCancelled")) or own_answer(event) == "declined"
    if is_redacted(event):
        return EventContent(when, None, None, None, cancelled)
    location, body = event.get("location") or {}, event.get("body")
    title, place = str(event.get("subject") or ""), str(location.get("displayName") or "")
    return EventContent(when, title, place, None if body is None else text_of(body), cancelled)


def text_of(body: Mapping[str, Any]) -> str:
    said = str(body.get("content") or "")
    return as_text(said) if str(body.get("contentType") or "html").lower() == "html" else said


def is_redacted(event: Event) -> bool:
    """A private event on somebody else's calendar, of which this account may only see the time."""
    return is_private(event) and event.get("body") is None


def is_private(event: Event) -> bool:
    return event.get("sensitivity") in ("private", "confidential")


def has_text(event: Event) -> bool:
    return bool(str((event.get("body") or {}).get("content") or "").strip())


def hides(calendar: Event, event: Event) -> bool:
    """Whether a calendar shows no texts of this event to the account, or might not: one that it may not
    change does not say how much it shows."""
    if is_private(event) and calendar.get("canViewPrivateItems") is False:
        return True
    return calendar.get("canEdit") is False


def veiled(event: Event) -> Event:
    return {**event, "body": None}


def own_answer(event: Event) -> str:
    """What the calendar's owner answered, in the words of *responseStatus*."""
    return str((event.get("responseStatus") or {}).get("response") or "none")


def busy_kind(event: Event) -> BusyKind | None:
    """How the event takes time; None if it takes none: free, elsewhere, cancelled, declined."""
    shown, answer = event.get("showAs"), own_answer(event)
    if shown in NEVER_BUSY or event.get("isCancelled") or answer == "declined":
        return None
    if shown == "oof":
        return BusyKind.OUT_OF_OFFICE
    if answer == "notResponded":
        return BusyKind.UNANSWERED
    if shown == "tentative" or answer == "tentativelyAccepted":
        return BusyKind.TENTATIVE
    return BusyKind.BUSY


def busy_of(event: Event, window: Window, usual: str = "") -> tuple[Busy, ...]:
    """The time it takes within the window: once, since Graph expands series itself. Raises Malformed."""
    when, kind = when_of(event, usual), busy_kind(event)
    if kind is None or when.end <= when.start or not touches(when, window):
        return ()
    return (Busy(when.start, when.end, kind, when.all_day),)


def touches(when: When, window: Window) -> bool:
    return when.start < window.end and max(when.end, when.start) > window.start


def hint_of(event: Event, window: Window, usual: str = "") -> Changed:
    """The event as a page mentions it. An occurrence goes without UID and key, so that it is never taken for
    one of ours by them."""
    problem = ""
    busy: tuple[Busy, ...] = ()
    try:
        busy = busy_of(event, window, usual)
    except Malformed as fault:
        problem = str(fault)
    part = bool(series_of(event))
    uid = "" if part else str(event.get("iCalUId") or "")
    identity = None if part else identity_of(event)
    return Changed(str(event["id"]), version_of(event), uid, identity, busy, problem)


def remote_of(
    event: Event,
    usual: str = "",
    occurrences: tuple[Busy, ...] = (),
    identity: EventIdentity | None = None,
) -> RemoteEvent:
    """The event as it is read by id. `identity` is what is known of it from elsewhere: the answer of a write
    does not have our property. Raises Malformed."""
    return RemoteEvent(
        id=str(event["id"]),
        version=version_of(event),
        content=content_of(event, usual),
        uid=str(event.get("iCalUId") or ""),
        identity=identity or identity_of(event),
        stamp=stamp_of(event, "lastModifiedDateTime"),
        recurring=is_series(event),
        occurrences=occurrences,
        read_only_why=read_only_why(event),
    )


def read_only_why(event: Event) -> str:
    if event.get("isOrganizer") is False:
        return ANOTHER_ORGANISES
    return HIDDEN if is_redacted(event) else ""


def stamp_of(event: Event, name: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(event[name])
    except (KeyError, TypeError, ValueError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


# --- writing


def written(identity: EventIdentity, content: EventContent, made_by: str = "") -> dict[str, Any]:
    """A new event: no attendees, so nobody is mailed; the mailbox's own reminder and colour."""
    return {
        "transactionId": transaction_of(identity),
        "singleValueExtendedProperties": [property_of(identity, made_by)],
        "subject": content.title or "",
        "location": {"displayName": content.place or ""},
        "body": {"contentType": "html", "content": as_html(content.description or "")},
        "showAs": "busy",
        **times(content.when),
    }


def edited(event: Event, content: EventContent, usual: str = "") -> dict[str, Any]:
    """What a patch has to say so that the fields that flow are as in `content`; nothing where they are.

    A series keeps its time, hidden texts and texts that are None stay as they are. Raises Malformed.
    """
    present = content_of(event, usual)
    patch: dict[str, Any] = {}
    if not is_series(event) and not present.when.same_instants(content.when):
        patch |= times(content.when)
    if present.title is not None and content.title not in (None, present.title):
        patch["subject"] = content.title
    if present.place is not None and content.place not in (None, present.place):
        patch["location"] = {"displayName": content.place}
    if present.description is not None and content.description not in (None, present.description):
        patch |= _with_text(event.get("body") or {}, str(content.description))
    return patch


def _with_text(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Only the lines that differ are changed: the rest of an owner's HTML, and a meeting in it, stay."""
    there = str(body.get("content") or "")
    if str(body.get("contentType") or "html").lower() != "html":
        return {"body": {"contentType": "text", "content": text}} if there != text else {}
    written = changed(there, text)
    return {"body": {"contentType": "html", "content": written}} if written != there else {}


def times(when: When, *, exact: bool = False) -> dict[str, Any]:
    """Start and end in the appointment's own zone, by its Windows name; in UTC where that would be unclear,
    or when `exact`."""
    zone, name = (None, "") if exact else _zone_for(when)
    return {
        "isAllDay": when.all_day,
        "start": _moment(when.start, zone, name, when.all_day),
        "end": _moment(when.end, zone, name, when.all_day),
    }


def _zone_for(when: When) -> tuple[ZoneInfo | None, str]:
    """A zone in which both ends are one clear wall time, also by the rules its Windows name stands for."""
    zone = zone_of(when.zone)
    name = windows(when.zone, when.start.year) if zone else ""
    if when.all_day:
        return zone, name  # the days count, whatever it is called
    if zone is None or not name:
        return None, ""
    theirs = ZoneInfo(iana(name))
    for moment in (when.start, when.end):
        local = moment.astimezone(zone)
        if local.fold or _twice(local) or local.utcoffset() != moment.astimezone(theirs).utcoffset():
            return None, ""
    return zone, name


def _twice(local: datetime) -> bool:
    """A wall time that the clocks show a second time."""
    return local.utcoffset() != local.replace(fold=1).utcoffset()


def _moment(moment: datetime, zone: ZoneInfo | None, name: str, whole_day: bool) -> dict[str, str]:
    local = moment.astimezone(zone or UTC)
    said = f"{local:%Y-%m-%d}{MIDNIGHT}" if whole_day else f"{local:%Y-%m-%dT%H:%M:%S}"
    return {"dateTime": said, "timeZone": name or "UTC"}


def is_off_by_zone_rules(event: Event, wanted: When) -> bool:
    """Whether an event that was just written stands at another instant than it was asked for, because the
    service has other rules for the zone."""
    there = when_of(event)
    shift = there.start - wanted.start
    if not shift or shift != there.end - wanted.end or there.all_day or wanted.all_day:
        return False
    return abs(shift) <= ZONES_APART and not shift % timedelta(minutes=15)


# --- calendars


def calendar_of(entry: Mapping[str, Any], own: Collection[str]) -> CalendarInfo:
    """A calendar of the account's list; `own` are the account's addresses, in lower case."""
    owner = entry.get("owner") or {}
    name, address = str(entry.get("name") or entry["id"]), str(owner.get("address") or "")
    if address and address.lower() not in own and owner.get("name"):
        name = f"{name} ({owner['name']})"
    may_write = bool(entry.get("canEdit"))
    return CalendarInfo(
        id=str(entry["id"]),
        name=name,
        may_write=may_write,
        color=str(entry.get("hexColor") or ""),
        primary=bool(entry.get("isDefaultCalendar")),
        why_not="" if may_write else READ_ONLY,
    )
