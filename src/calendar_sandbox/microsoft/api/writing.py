"""Writing events: create, update, delete, and what guests and organisers do."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from calendar_sandbox.microsoft import errors, recurrence, times
from calendar_sandbox.microsoft.api import drafts, entities, reading
from calendar_sandbox.microsoft.api.call import Answer, Call
from calendar_sandbox.microsoft.api.reading import Found
from calendar_sandbox.microsoft.state import (
    HEX,
    Calendar,
    Resource,
    StoredEvent,
    exceptions_in,
    occurrence_ids,
    renewed,
    shape_of,
)

UID_STEM = "040000008200E00074C5B7101A82E008"  # what each iCalUId of Exchange begins with


def create(call: Call) -> Answer:
    calendar = call.calendar()
    call.must_write(calendar)
    made_first = _made_before(call, calendar)
    if made_first is not None:
        return _written(call, Found(calendar, made_first), 201)
    resource = drafts.shaped(call.body, {})
    extended = drafts.properties(call.body)
    default_id, immutable_id = call.world.new_event_ids()
    resource |= {
        "createdDateTime": call.world.stamp(),
        "iCalUId": f"{UID_STEM}00000000{call.world.letters(64, HEX).upper()}",
    }
    if call.body.get("transactionId"):
        resource["transactionId"] = call.body["transactionId"]
        call.world.transactions[_key(call, calendar)] = f"{immutable_id} {_digest(call, calendar)}"
    stored = StoredEvent(immutable_id, default_id, resource, extended=extended)
    call.world.keep(calendar, stored)
    _mail(call, stored, "invited")
    return _written(call, Found(calendar, stored), 201)


def _made_before(call: Call, calendar: Calendar) -> StoredEvent | None:
    """The event an earlier request with this transactionId made.

    The same request again is answered with it; anything else, or an event that is gone, is refused.
    """
    if not call.body.get("transactionId"):
        return None
    known = call.world.transactions.get(_key(call, calendar))
    if known is None:
        return None
    immutable_id, digest = known.split(" ")
    hit = call.world.find_event(immutable_id)
    if digest != _digest(call, calendar) or hit is None or hit[0] is not calendar:
        raise errors.duplicate_transaction()
    return hit[1]


def _key(call: Call, calendar: Calendar) -> str:
    """A transactionId counts in the whole mailbox."""
    return f"{calendar.owner} {call.body['transactionId']}"


def _digest(call: Call, calendar: Calendar) -> str:
    text = json.dumps([calendar.key, call.body], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def update(call: Call) -> Answer:
    found = _writable(call)
    if "transactionId" in call.body:
        raise errors.bad("ErrorInvalidRequest", "The property 'transactionId' is immutable.")
    if found.occurrence is not None or found.master is not None:
        stored = _changed_occurrence(call, found)
        master = found.master or found.stored
        call.world.keep(found.calendar, stored)
        _mail(call, master, "updated")
        return _written(call, Found(found.calendar, stored, master))
    changed = drafts.shaped(call.body, found.stored.resource)
    stored = renewed(found.stored, resource=found.stored.resource | changed)
    stored.extended |= drafts.properties(call.body)
    dropped: list[str] = []
    if shape_of(stored) != shape_of(found.stored):
        dropped = call.world.drop_exceptions(found.calendar, stored.immutable_id)
    call.world.keep(found.calendar, stored, dropped=dropped)
    _mail(call, stored, "updated")
    return _written(call, Found(found.calendar, stored))


def _changed_occurrence(call: Call, found: Found) -> StoredEvent:
    """The exception an occurrence becomes, or is, after a change."""
    if "recurrence" in call.body and call.body["recurrence"] is not None:
        raise errors.bad("ErrorInvalidRequest", "An occurrence cannot have a recurrence of its own.")
    exception = _exception(call, found)
    master = found.master or found.stored
    asked = {name: value for name, value in call.body.items() if name != "recurrence"}
    before = master.resource | exception.resource | {"recurrence": None}
    changed = drafts.shaped(asked, before)
    changed.pop("recurrence", None)
    exception.resource |= changed
    exception.extended |= drafts.properties(call.body)
    if {"start", "end"} & set(changed):
        _hold_between_neighbours(found.calendar, master, exception)
    return exception


def _exception(call: Call, found: Found) -> StoredEvent:
    """A version to change of an exception, or a new one in the place of an occurrence."""
    if found.master is not None:
        return renewed(found.stored)
    assert found.occurrence is not None
    master, day = found.stored, found.occurrence.day
    default_id, immutable_id = occurrence_ids(master, day)
    placed = entities.span(found.occurrence)
    resource = placed | {"createdDateTime": call.world.stamp()}
    return StoredEvent(immutable_id, default_id, resource, series=master.immutable_id, original=day)


def _hold_between_neighbours(calendar: Calendar, master: StoredEvent, exception: StoredEvent) -> None:
    """An occurrence cannot be moved past the one before or after it, nor to their days."""
    before, after = recurrence.neighbours(master.resource, exception.original)
    day = _day(master, exception)
    placed = {
        other.original: _day(master, other)
        for other in exceptions_in(calendar.events, calendar, master.immutable_id)
        if not other.deleted
    }
    too_early = before and day <= placed.get(before, before)
    too_late = after and day >= placed.get(after, after)
    if too_early or too_late:
        raise errors.bad(
            "ErrorOccurrenceCrossingBoundary",
            "Modified occurrence is crossing or overlapping adjacent occurrence.",
        )


def _day(master: StoredEvent, exception: StoredEvent) -> str:
    """The day an exception begins on, in the series' zone."""
    resource = master.resource | exception.resource
    if resource.get("isAllDay"):
        return str(resource["start"]["dateTime"][:10])
    zone = str(master.resource.get("originalStartTimeZone") or "UTC")
    return str(times.to_wall(times.bounds(resource)[0], zone).date())


def delete(call: Call) -> Answer:
    found = _writable(call)
    _remove(call, found)
    _mail(call, found.master or found.stored, "cancelled")
    return Answer(status=204)


def _remove(call: Call, found: Found) -> None:
    if found.occurrence is None and found.master is None:
        call.world.delete(found.calendar, found.stored)
        return
    exception = _exception(call, found)
    exception.deleted = True
    call.world.keep(found.calendar, exception)


def cancel(call: Call) -> Answer:
    """The organiser calls a meeting off: it goes away, and its guests are told."""
    found = _writable(call)
    series = found.master or found.stored
    known = entities.USUAL | series.resource
    if not known["isOrganizer"]:
        raise errors.bad(
            "ErrorInvalidRequest", "Your request can't be completed. You need to be an organizer to cancel."
        )
    _mail(call, series, "cancelled")
    _remove(call, found)
    return Answer(status=202)


def accept(call: Call) -> Answer:
    return _respond(call, "accepted", "busy")


def tentatively_accept(call: Call) -> Answer:
    return _respond(call, "tentativelyAccepted", "tentative")


def decline(call: Call) -> Answer:
    return _respond(call, "declined", "")


def _respond(call: Call, response: str, show_as: str) -> Answer:
    """Answer an invitation; a declined one is deleted."""
    found = _writable(call)
    series = found.master or found.stored
    if (entities.USUAL | series.resource)["isOrganizer"]:
        raise errors.bad(
            "ErrorInvalidRequest",
            "Your request can't be completed. You can't respond to this meeting because you're the "
            "meeting organizer.",
        )
    if call.body.get("sendResponse", True) is not False:
        call.world.mailed.append((response, series.resource["organizer"]["emailAddress"]["address"], ""))
    if not show_as:
        _remove(call, found)
        return Answer(status=202)
    said = {"responseStatus": {"response": response, "time": call.world.stamp()}, "showAs": show_as}
    alone = found.occurrence is not None or found.master is not None
    stored = _exception(call, found) if alone else renewed(found.stored)
    stored.resource |= said
    call.world.keep(found.calendar, stored)
    return Answer(status=202)


def _writable(call: Call) -> Found:
    """The event of the path, if it may be written. Raise Refusal, also for another If-Match."""
    found = reading.find(call, call.args["event"])
    call.must_write(found.calendar)
    if call.world.strict_match and call.if_match not in ("", "*", entities.etag(found.stored)):
        raise errors.conflict()
    return found


def _mail(call: Call, stored: StoredEvent, why: str) -> None:
    """Exchange mails the guests, whatever the app wants; here it is only noted."""
    for guest in stored.resource.get("attendees", ()):
        call.world.mailed.append((why, guest["emailAddress"]["address"], stored.resource.get("subject", "")))


def _written(call: Call, found: Found, status: int = 200) -> Answer:
    said = found.shown(call)
    context = f"{call.events_context(found.calendar)}/$entity"
    headers = {"ETag": said["@odata.etag"]}
    if status == 201:
        headers["Location"] = f"{call.root}/users('{call.mailbox.id}')/events('{said['id']}')"
    body: Resource = {"@odata.context": context} | said
    return Answer(body, status, headers)


def invite(call: Call, *, organizer: Resource, start: datetime, end: datetime, subject: str) -> StoredEvent:
    """Put somebody else's meeting into the mailbox's default calendar, not answered yet."""
    calendar = call.world.default_calendar(call.mailbox)
    default_id, immutable_id = call.world.new_event_ids()
    placed = entities.span(recurrence.Occurrence("", start, end))
    guest = {
        "type": "required",
        "status": {"response": "none", "time": entities.NEVER},
        "emailAddress": entities.mail_address(call.mailbox),
    }
    resource = placed | {
        "subject": subject,
        "createdDateTime": call.world.stamp(),
        "iCalUId": f"{UID_STEM}00000000{call.world.letters(64, HEX).upper()}",
        "isOrganizer": False,
        "organizer": {"emailAddress": organizer},
        "attendees": [guest],
        "showAs": "tentative",
        "responseStatus": {"response": "notResponded", "time": entities.NEVER},
    }
    return call.world.keep(calendar, StoredEvent(immutable_id, default_id, resource))
