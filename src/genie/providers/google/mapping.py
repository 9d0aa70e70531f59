"""Google's events to ours and back; no I/O. Payloads go no further than this file.

Names and meanings: developers.google.com/workspace/calendar/api/v3/reference/events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from genie.core.errors import Malformed
from genie.core.event import Busy, BusyKind, EventContent, When
from genie.core.saying import zone_of
from genie.providers.google.text import as_description, as_text
from genie.providers.port import CalendarInfo, Changed, EventIdentity, RemoteEvent, Window

Event = Mapping[str, Any]

KEY = "scheduleGenieKey"
GENERATION = "scheduleGenieGeneration"
OUR_ID = re.compile(r"genie([0-9a-f]{32})g([1-9][0-9]{0,8})")
OUR_KEY = re.compile(r"[0-9a-f]{32}")

HINT_FIELDS = (
    "id,etag,status,iCalUID,recurringEventId,start,end,transparency,eventType,"
    "attendees(self,responseStatus),extendedProperties/private"
)
"""What a page is asked for: enough to see which event is in which version and what time it takes."""
FIELDS = (
    f"{HINT_FIELDS},summary,location,description,updated,visibility,locked,organizer(email,self),recurrence"
)
"""What an event is asked for."""
CALENDAR_FIELDS = "id,summary,summaryOverride,accessRole,backgroundColor,timeZone,primary,deleted"

NEVER_BUSY = ("birthday", "workingLocation")
"""Days and places, not time: Google keeps both transparent (its guide to event types)."""

ANOTHER_ORGANISES = "Another person organises this event now, so only they can change it."
LOCKED = "Google does not let anybody change this event."
HIDDEN = "This account may not see what this event says any more, so it cannot change it."
READ_ONLY = "This account may only read this calendar."
FREE_BUSY_ONLY = "This account may only see when this calendar is busy."
WRITERS = ("writer", "writerWithoutPrivateAccess", "owner")


# --- identity


def id_of(identity: EventIdentity) -> str:
    """Our event's id: base32hex characters, and never the same for two generations."""
    return f"genie{identity.key}g{identity.generation}"


def uid_of(identity: EventIdentity) -> str:
    """The iCalUID that Google gives an event of this id."""
    return f"{id_of(identity)}@google.com"


def identity_of(event: Event) -> EventIdentity | None:
    """Our key in the event: its property first, which a copy keeps under a new id."""
    private = _private(event)
    key, generation = private.get(KEY, ""), private.get(GENERATION, "")
    if OUR_KEY.fullmatch(key) and generation.isdecimal() and len(generation) < 10:
        return EventIdentity(key, int(generation))
    return identity_of_id(str(event.get("id", "")))


def identity_of_id(event_id: str) -> EventIdentity | None:
    match = OUR_ID.fullmatch(event_id)
    return EventIdentity(match[1], int(match[2])) if match else None


def version_of(event: Event) -> str:
    return str(event.get("etag", "")).removeprefix("W/").strip('"')


def is_cancelled(event: Event) -> bool:
    """Deleted, in Google's words. What its owner declined is not."""
    return event.get("status") == "cancelled"


def series_of(event: Event) -> str:
    """The id of the recurring event this is an instance of, or nothing."""
    return str(event.get("recurringEventId") or "")


# --- reading


def needs_zone(event: Event) -> bool:
    """Whether reading it takes the calendar's own zone: Google gives an all-day event's dates only."""
    return any("dateTime" not in (event.get(name) or {}) for name in ("start", "end"))


def when_of(event: Event, zone: str) -> When:
    """`zone` is the calendar's, for dates. Raises Malformed."""
    start, end = event.get("start"), event.get("end")
    if not isinstance(start, Mapping) or not isinstance(end, Mapping):
        raise Malformed("This event has no beginning or no end.")
    if "dateTime" not in start:
        known = zone if zone_of(zone) else ""
        return When(_midnight(start, known), _midnight(end, known), known, all_day=True)
    named = str(start.get("timeZone") or "")
    return When(_instant(start, zone), _instant(end, zone), named if zone_of(named) else "")


def _instant(moment: Mapping[str, Any], zone: str) -> datetime:
    try:
        read = datetime.fromisoformat(moment["dateTime"])
        if read.tzinfo is None:
            read = read.replace(tzinfo=zone_of(str(moment.get("timeZone") or zone)) or UTC)
        return read.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError) as fault:
        raise Malformed("This event's date or time cannot be read.") from fault


def _midnight(moment: Mapping[str, Any], zone: str) -> datetime:
    try:
        day = datetime.combine(date.fromisoformat(moment["date"]), time(), zone_of(zone) or UTC)
        return day.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError) as fault:
        raise Malformed("This event's date cannot be read.") from fault


def content_of(event: Event, zone: str) -> EventContent:
    """Raises Malformed."""
    when = when_of(event, zone)
    declined = is_cancelled(event) or own_answer(event) == "declined"
    if is_redacted(event):
        return EventContent(when, None, None, None, declined)
    title, place, description = (
        str(event.get(name) or "") for name in ("summary", "location", "description")
    )
    return EventContent(when, title, place, as_text(description), declined)


def is_redacted(event: Event) -> bool:
    """A private event, shown without its details to somebody who may not see them: then our property is
    missing, too."""
    private = event.get("visibility") in ("private", "confidential")
    return private and "summary" not in event and not _private(event)


def own_answer(event: Event) -> str:
    """What the calendar's owner answered, "" if they are not among the guests."""
    for guest in event.get("attendees") or ():
        if guest.get("self"):
            return str(guest.get("responseStatus") or "needsAction")
    return ""


def busy_kind(event: Event) -> BusyKind | None:
    """How the event takes time; None if it takes none: free, cancelled, declined. Out of office is sure,
    whatever was answered (docs/times.md, *What takes time*)."""
    answer, kind = own_answer(event), event.get("eventType")
    if event.get("transparency") == "transparent" or is_cancelled(event) or answer == "declined":
        return None
    if kind in NEVER_BUSY:
        return None
    if kind == "outOfOffice":
        return BusyKind.OUT_OF_OFFICE
    if answer == "needsAction":
        return BusyKind.UNANSWERED
    tentative = answer == "tentative" or event.get("status") == "tentative"
    return BusyKind.TENTATIVE if tentative else BusyKind.BUSY


def busy_of(event: Event, window: Window, zone: str) -> tuple[Busy, ...]:
    """The time it takes within the window: once, since Google expands series itself. Raises Malformed."""
    when, kind = when_of(event, zone), busy_kind(event)
    if kind is None or when.end <= when.start or not touches(when, window):
        return ()
    return (Busy(when.start, when.end, kind, when.all_day),)


def touches(when: When, window: Window) -> bool:
    return when.start < window.end and max(when.end, when.start) > window.start


def hint_of(event: Event, window: Window, zone: str) -> Changed:
    """The event as a page mentions it. An instance of somebody's series goes without the series' UID, so
    that it is never taken for one of ours by it."""
    problem = ""
    busy: tuple[Busy, ...] = ()
    try:
        busy = busy_of(event, window, zone)
    except Malformed as fault:
        problem = str(fault)
    uid = "" if series_of(event) else str(event.get("iCalUID") or "")
    return Changed(str(event["id"]), version_of(event), uid, identity_of(event), busy, problem)


def is_outside(event: Event, window: Window, zone: str) -> bool:
    """Whether it surely has nothing to do with the window."""
    try:
        return not touches(when_of(event, zone), window)
    except Malformed:
        return False


def remote_of(event: Event, zone: str, occurrences: tuple[Busy, ...] = ()) -> RemoteEvent:
    """The event as it is read by id. Raises Malformed."""
    return RemoteEvent(
        id=str(event["id"]),
        version=version_of(event),
        content=content_of(event, zone),
        uid=str(event.get("iCalUID") or ""),
        identity=identity_of(event),
        stamp=_stamp(event),
        recurring=is_series(event),
        occurrences=occurrences,
        read_only_why=read_only_why(event),
    )


def is_series(event: Event) -> bool:
    return bool(event.get("recurrence"))


def read_only_why(event: Event) -> str:
    organizer = event.get("organizer")
    if organizer and not organizer.get("self"):
        return ANOTHER_ORGANISES
    if is_redacted(event):
        return HIDDEN
    return LOCKED if event.get("locked") else ""


def _stamp(event: Event) -> datetime | None:
    try:
        return datetime.fromisoformat(event["updated"])
    except (KeyError, TypeError, ValueError):
        return None


def _private(event: Event) -> Mapping[str, str]:
    return (event.get("extendedProperties") or {}).get("private") or {}


# --- writing


def written(identity: EventIdentity, content: EventContent) -> dict[str, Any]:
    """A new event: no attendees, so nobody is mailed; the calendar's own reminders and colour."""
    return {
        "id": id_of(identity),
        "extendedProperties": {"private": {KEY: identity.key, GENERATION: str(identity.generation)}},
        "summary": content.title or "",
        "location": content.place or "",
        "description": as_description(content.description or ""),
        "transparency": "opaque",
        **_times(content.when),
    }


def edited(event: Event, content: EventContent, zone: str) -> dict[str, Any]:
    """What a patch has to say so that the fields that flow are as in `content`; nothing where they are.

    A series keeps its time, hidden texts and texts that are None stay as they are. Raises Malformed.
    """
    present = content_of(event, zone)
    patch: dict[str, Any] = {}
    if not is_series(event) and not _same_when(present.when, content.when):
        wanted_zone = content.when.zone or present.when.zone
        when = When(content.when.start, content.when.end, wanted_zone, content.when.all_day)
        # what an all-day event has not, a timed one has: the other's key is taken away (reference, patch)
        taken_away = {"dateTime": None, "timeZone": None} if when.all_day else {"date": None}
        patch |= {name: moment | taken_away for name, moment in _times(when).items()}
    texts = (
        ("summary", present.title, content.title),
        ("location", present.place, content.place),
        ("description", present.description, content.description),
    )
    for name, there, wanted in texts:
        if there is not None and wanted is not None and wanted != there:
            patch[name] = as_description(wanted) if name == "description" else wanted
    return patch


def _same_when(before: When, wanted: When) -> bool:
    """Nothing to write: same instants, and no other zone asked for."""
    return before.same_instants(wanted) and (before.all_day or wanted.zone in ("", before.zone))


def _times(when: When) -> dict[str, dict[str, Any]]:
    return {"start": _moment(when, when.start), "end": _moment(when, when.end)}


def _moment(when: When, moment: datetime) -> dict[str, Any]:
    """A wall time with its offset, so that of two equal hours the right one is meant."""
    zone = zone_of(when.zone)
    local = moment.astimezone(zone or UTC)
    if when.all_day:
        return {"date": local.date().isoformat()}
    written_time = {"dateTime": local.isoformat(timespec="seconds")}
    return written_time | ({"timeZone": when.zone} if zone else {})


# --- calendars


def calendar_of(entry: Mapping[str, Any]) -> CalendarInfo:
    """A calendar of the account's list."""
    role = entry.get("accessRole")
    may_write = role in WRITERS
    return CalendarInfo(
        id=str(entry["id"]),
        name=str(entry.get("summaryOverride") or entry.get("summary") or entry["id"]),
        may_write=may_write,
        color=str(entry.get("backgroundColor") or ""),
        zone=str(entry.get("timeZone") or ""),
        primary=bool(entry.get("primary")),
        why_not="" if may_write else FREE_BUSY_ONLY if role == "freeBusyReader" else READ_ONLY,
    )
